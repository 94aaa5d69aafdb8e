# SPDX-License-Identifier: Apache-2.0
# needs: root
# needs: mount
mkdir mounted a && echo a >a/file && pack layer a
trap 'umount mounted' EXIT
mount -t tmpfs -o ro none mounted
oakum unpack --atomic layer mounted/rootfs
