# SPDX-License-Identifier: Apache-2.0
# Each entry with its reason, the words those of unpack, to the end of what can be read.
# needs: root
mkdir in && cd in
echo x >good && echo secret >../passwd && touch .wh. && echo no >.wh.full && ln -s "$(printf %64s | tr ' ' a)" l
tar --format=gnu --owner=0 --group=0 --mtime=@0 --absolute-names -cf ../bad \
	../passwd good .wh. .wh.full l ../in/good good 2>/dev/null
tar --format=gnu --owner=0 --group=0 --mtime=@0 -cf ../fine good
cd ..
each oakum list --check --limit link-bytes=9 bad
echo --- compat
each oakum list --check --profile=compat --verbose bad
echo --- json
each oakum list --check --json bad
echo --- the first is what ends an unpack, and a list
each oakum unpack bad rootfs
each oakum list bad
echo --- nothing
each oakum list --check --verbose fine
echo --- what cannot be read on
head -c 3000 bad >cut
each oakum list --check cut
gzip -c fine | head -c 60 >damaged
each oakum list --check --verbose damaged
each oakum list --check --json damaged
each oakum list --check --limit entries=3 bad
each oakum list --check --limit content-bytes=1 --verbose fine
echo --- what is no fault of the layer
each oakum list --check missing
each oakum list --check .
