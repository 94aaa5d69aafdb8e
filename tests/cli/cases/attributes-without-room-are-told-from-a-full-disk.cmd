# SPDX-License-Identifier: Apache-2.0
# ext4 has room for one block of them, of 1024 bytes here. A file system without any: what can be left out is said.
# needs: root
# needs: mount
mkdir small a && touch a/many && truncate -s 4M disk && mkfs.ext4 -q -b 1024 disk
setfattr -n user.first -v "$(printf %01500d 0)" a/many && setfattr -n user.second -v "$(printf %01500d 0)" a/many
pack_pax layer a
mount -o loop disk small && trap 'umount small' EXIT
each oakum unpack layer small
umount small && mount -t ramfs none small
cp /bin/true a/able && setcap cap_net_raw+ep a/able && pack_pax able a/able
each oakum unpack able small
oakum unpack --no-suid able small
rm -rf small/a && mkdir b && touch b/.wh..wh..opq && pack opaque b
each oakum unpack --whiteouts=overlay-userxattr opaque small
