# SPDX-License-Identifier: Apache-2.0
# The name, the equals sign and the value.
each oakum unpack --limit bytes=1 layer rootfs
each oakum unpack --limit entries layer rootfs
for value in '' 0 K -1 1.5K 1KB many 16777216T None 0x10; do
	each oakum unpack --limit entries="$value" layer rootfs
done
