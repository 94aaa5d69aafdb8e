# SPDX-License-Identifier: Apache-2.0
# What would be lost, and what has no name of its own, is refused before the layer is opened up.
# needs: root
# needs: mount
mkdir full mounted empty && echo a >full/file && pack layer full
ln -s empty link && ln -s missing dangling
trap 'umount mounted' EXIT
mount -t tmpfs none mounted
for target in full full/file layer link dangling mounted . empty/.. / '' nowhere/rootfs; do
	each oakum unpack --atomic layer "$target"
done
ls -A . empty
