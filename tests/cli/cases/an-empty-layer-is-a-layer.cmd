# SPDX-License-Identifier: Apache-2.0
# Nothing at all, and nothing but an end of archive.
# needs: root
: >nothing
head -c 10240 /dev/zero >zeros
gzip -n <nothing >nothing.gz
for layer in nothing zeros nothing.gz; do
	oakum unpack "$layer" "rootfs-$layer" && tree "rootfs-$layer"
done
