# SPDX-License-Identifier: Apache-2.0
# Past the first GiB.
# needs: root
echo a >file && pack layer file
(cat layer && head -c 1100M /dev/zero) | zstd -q >bomb
oakum unpack --limit trailing-bytes=none --limit ratio=100 bomb rootfs
