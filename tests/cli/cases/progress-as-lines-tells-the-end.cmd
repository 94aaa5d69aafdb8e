# SPDX-License-Identifier: Apache-2.0
# Where nobody looks there is none, unless it is asked for.
# needs: root
mkdir a && head -c 1000 /dev/zero >a/file && pack layer a
oakum unpack layer one
oakum unpack --progress=lines layer two 2>&1 | sed -E 's/, [0-9.]+ [KM]?i?B\/s//'
oakum unpack --progress=lines - three <layer 2>&1 | sed -E 's/, [0-9.]+ [KM]?i?B\/s//'
each oakum unpack --progress=often layer four
# In the words of each: what becomes of the content.
each oakum verify --progress=lines layer two 2>&1 | sed -E 's/, [0-9.]+ [KM]?i?B\/s//'
for does in "list layer" "filter layer" "pack two packed"; do
	each oakum $does --progress=lines 2>&1 >/dev/null | sed -E 's/, [0-9.]+ [KM]?i?B\/s//'
done
