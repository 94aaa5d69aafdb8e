# SPDX-License-Identifier: Apache-2.0
# Whose layer is refused wants to get rid of the rest all the same, or not.
# needs: root
mkdir a && echo a >a/file && pack hostile --transform 's,a,../a,' -P a/file
for how in --drain=bounded --drain=none --drain=full '--limit drain-bytes=1M' '--limit drain-bytes=none --limit drain-ms=none'; do
	{ cat hostile && head -c 40M /dev/zero; } 2>/dev/null | oakum unpack $how - rootfs 2>/dev/null
	echo "$how: ${PIPESTATUS[0]}"
done
each oakum unpack --drain=some - rootfs
