# SPDX-License-Identifier: Apache-2.0
# Known by its content, and copied if it is not known; damage is an error at its end.
for tool in gzip zstd xz bzip2 lz4; do
	echo "by $tool" | $tool -c >layer
	oakum filter layer
	oakum filter <layer
done
echo "by nobody" | oakum filter -
echo "cut off" | gzip -c | head -c 20 | each oakum filter
head -c 3000000 /dev/zero | gzip -c | oakum filter | head -c 5 | wc -c
echo layer | each oakum filter >/dev/full
oakum filter --timeout=nonsense
