# SPDX-License-Identifier: Apache-2.0
# Past the first GiB; with the entry where there is one.
# needs: root
echo a >file && pack layer file
(cat layer && head -c 1100M /dev/zero) | zstd -q >bomb
each oakum unpack --limit trailing-bytes=none --limit ratio=100 bomb rootfs
truncate -s 1100M zeros && tar -cf - zeros | zstd -q >bomb
each oakum unpack --limit ratio=100 --exclude=zeros bomb rootfs
