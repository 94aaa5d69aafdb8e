# SPDX-License-Identifier: Apache-2.0
# Which one it was, its value, and how to raise it.
# needs: root
mkdir -p a/b/c && echo content >a/b/c/file && ln -s a/b/c/file link && pack layer a link
each oakum unpack --limit entries=2 layer r
each oakum unpack --limit content-bytes=7 layer r
each oakum unpack --limit path-depth=3 layer r
each oakum unpack --limit name-bytes=4 layer r
each oakum unpack --limit link-bytes=9 layer r
truncate -s 2M sparse && pack big --sparse sparse
each oakum unpack --limit logical-bytes=1M big r
for at in 0 2 4 6; do echo x | dd of=regions bs=64K seek=$at conv=notrunc status=none; done
tar --format=posix --sparse -cf regions.tar regions
each oakum unpack --limit sparse-entries=3 regions.tar r
: >attributes
setfattr -n user.one -v 12345678 attributes
setfattr -n user.two -v 12345678 attributes
pack_pax attributes.tar attributes
each oakum unpack --limit pax-bytes=20 attributes.tar r
each oakum unpack --limit xattr-bytes=7 attributes.tar r
each oakum unpack --limit entry-xattr-bytes=31 attributes.tar r
each oakum unpack --limit layer-xattr-bytes=31 attributes.tar r
each oakum unpack --limit entry-xattr-bytes=32 --limit xattr-bytes=8 attributes.tar r
(cat layer && head -c 100000 /dev/zero) >padded
each oakum unpack --limit trailing-bytes=1K padded r
(head -c 3M /dev/zero | cat layer -) | zstd -q --long=27 >window.zst
each oakum unpack --limit window-bytes=1M window.zst r
