# SPDX-License-Identifier: Apache-2.0
# Numbers are decimal digits, within their range.
for value in 0 65 -1 two 0x2 '' 99999999999999999999; do
	each oakum unpack --threads="$value" layer rootfs
done
for value in 0 5 four; do
	each oakum unpack --min-level="$value" layer rootfs
done
for value in 0 0.0 0.0009 soon -1 1s 1.2.3 . 1. ''; do
	each oakum unpack --timeout="$value" layer rootfs
done
