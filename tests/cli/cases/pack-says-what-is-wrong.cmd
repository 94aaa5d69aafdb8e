# SPDX-License-Identifier: Apache-2.0
# Before anything is written.
mkdir rootfs
: >file
: >rootfs/.wh.x
each oakum pack
each oakum pack rootfs layer more
each oakum pack missing layer
each oakum pack file layer
each oakum pack rootfs layer
each oakum pack --compression=xz rootfs layer
each oakum pack --compression-level=20 rootfs layer
each oakum pack --compression-level=3 rootfs layer
each oakum pack --devices=skip rootfs layer
each oakum pack --limit=ratio=1 rootfs layer
each oakum pack --limit=entries=0 rootfs layer
each oakum pack --progress=json rootfs
for date in "" 1.5 -1 now 99999999999999999999; do
	SOURCE_DATE_EPOCH=$date each oakum pack rootfs layer
done
export -f oakum
script -qec "bash -c 'oakum pack rootfs'" /dev/null
tree .
