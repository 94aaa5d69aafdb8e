# SPDX-License-Identifier: Apache-2.0
# And one that leads out has no target in here.
# needs: root
mkdir -p outside t && echo secret >outside/secret && chmod 600 outside/secret
ln -s "$PWD/outside/secret" t/symlink && ln t/symlink t/hard
(cd t && pack ../layer symlink hard)
oakum unpack layer rootfs && find rootfs -type l -printf '%P %n\n' | sort && stat -c '%a %h' outside/secret
mkdir u && echo secret >u/a && ln u/a u/b
(cd u && tar --absolute-names --transform "flags=h;s|^a|$PWD/outside/secret|" -cf ../out a b)
tar -tvPf out | grep -o 'link to .*' | sed "s|$PWD|SCRATCH|"
oakum unpack out second 2>&1 | sed "s|$PWD|SCRATCH|g"
stat -c '%a %h' outside/secret
