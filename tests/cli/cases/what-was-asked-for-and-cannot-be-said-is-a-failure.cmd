# SPDX-License-Identifier: Apache-2.0
# The layer is there all the same.
# needs: root
mkdir a && echo content >a/file && pack layer a
for option in --digests --verbose --quiet; do
	oakum unpack $option layer rootfs$option 2>&-; echo "$option $?"
	oakum unpack $option layer full$option 2>/dev/full; echo "$option $?"
done
