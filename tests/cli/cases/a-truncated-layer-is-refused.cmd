# SPDX-License-Identifier: Apache-2.0
# In every compression: cut in the middle, the reason is the decompressor's.
# needs: root
echo 1 >one && seq 200000 >two && pack layer one two
gzip -n <layer >layer.gzip
zstd -q <layer >layer.zstd
xz -0 <layer >layer.xz
bzip2 <layer >layer.bzip2
lz4 -q <layer >layer.lz4
mv layer layer.none
for name in none gzip zstd xz bzip2 lz4; do
	size=$(stat -c %s "layer.$name")
	head -c $((size / 2)) "layer.$name" >cut
	each oakum unpack cut "rootfs-$name" 2>&1 | sed 's/byte [0-9]*/byte N/'
done
