# SPDX-License-Identifier: Apache-2.0
# What --sync asks for changes nothing that can be seen, and meets no wall.
mkdir -p in/etc && echo content >in/etc/file && ln -s file in/etc/link && ln in/etc/file in/hard
pack layer.tar -C in .
for sync in none data full fs; do
	oakum unpack --sync=$sync --verbose --threads=2 layer.tar $sync 2>&1 | grep -v -e 'unpacked 5 entries' -e 'level '
	tree $sync | cmp - <(tree none)
done
oakum unpack --sync=all layer.tar rootfs
