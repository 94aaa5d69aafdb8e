# SPDX-License-Identifier: Apache-2.0
# Text, random bytes, a picture of two bytes.
# needs: root
seq 1000 >text
printf '\037\213' >magic
gzip -n <text >text.gz
for layer in text magic text.gz; do
	each oakum unpack "$layer" rootfs
done
