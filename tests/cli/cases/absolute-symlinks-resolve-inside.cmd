# SPDX-License-Identifier: Apache-2.0
# The merged /usr, and /var/run: what comes through them lands in the rootfs.
# needs: root
mkdir -p one/usr/bin one/run one/var two/bin two/var/run/lock
ln -s usr/bin one/bin && ln -s /run one/var/run && ln -s /usr one/var/up
touch two/bin/program two/var/run/lock/file
(cd one && pack ../layer * && cd ../two && pack ../more --no-recursion bin/program var/run/lock var/run/lock/file)
oakum unpack layer rootfs && oakum unpack more rootfs && tree rootfs
# A directory entry of that name replaces the link.
(cd two && pack ../replaced bin) && oakum unpack replaced rootfs && stat -c %F rootfs/bin
