# SPDX-License-Identifier: Apache-2.0
# One bit in the middle: every format has a checksum, a plain tar has those of its headers.
# needs: root
echo 1 >one && seq 20000 >two && echo 3 >three && pack layer one two three
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((byte ^ 64)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
gzip -n <layer >layer.gzip
zstd -q --check <layer >layer.zstd
xz -0 <layer >layer.xz
bzip2 <layer >layer.bzip2
lz4 -q <layer >layer.lz4
for name in gzip zstd xz bzip2 lz4; do
	flip "layer.$name" $(($(stat -c %s "layer.$name") * 2 / 3))
	"$oakum_program" unpack "layer.$name" "rootfs-$name" 2>/dev/null && echo "$name: accepted"
done
flip layer 5
each oakum unpack layer rootfs
