# SPDX-License-Identifier: Apache-2.0
# needs: root
# 0 for the same, 3 for differences, 1 where there is no answer; standard output has what differs.
mkdir -p tree/d
echo content >tree/d/file
ln -s d/file tree/link
pack layer.tar -C tree d link
gzip -k layer.tar
oakum unpack layer.tar rootfs
oakum verify layer.tar rootfs
oakum verify --extra - rootfs <layer.tar.gz
chmod 4755 rootfs/d/file
printf X >rootfs/d/extra
touch -d @0 rootfs/d
each oakum verify layer.tar.gz rootfs
each oakum verify --extra --json layer.tar rootfs
each oakum verify --verbose layer.tar rootfs 2>&1 | sed 's/level.*/level .../'
head -c 2000 layer.tar >cut.tar
each oakum verify cut.tar rootfs
each oakum verify layer.tar nowhere
each oakum verify layer.tar layer.tar
each oakum verify layer.tar
each oakum verify --threads=2 layer.tar rootfs
each oakum verify layer.tar rootfs >/dev/full
each oakum verify layer.tar rootfs >&-
oakum unpack layer.tar rootfs
each oakum verify layer.tar rootfs
