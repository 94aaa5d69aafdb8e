# SPDX-License-Identifier: Apache-2.0
# A hole of terabytes fills no disk, whoever made it; what is over is named before it is written.
mkdir rootfs
truncate -s 2T rootfs/hole
each oakum pack rootfs layer.tar
each oakum pack --limit logical-bytes=none rootfs layer.tar
each oakum pack --limit logical-bytes=none --limit content-bytes=4T --limit entries=1 rootfs layer.tar
truncate -s 4K rootfs/hole
each oakum pack --limit content-bytes=4095 rootfs layer.tar
each oakum pack --limit name-bytes=3 rootfs layer.tar
oakum pack --limit content-bytes=4K --limit logical-bytes=4K --limit name-bytes=4 --limit entries=2 rootfs layer.tar
tar -tf layer.tar
truncate -s 1200M rootfs/hole
each oakum pack --compression=zstd --limit ratio=100 rootfs layer.tar
oakum pack --compression=zstd --limit ratio=none rootfs layer.tar && each oakum list layer.tar >/dev/null
source <(oakum completion bash)
COMP_WORDS=(oakum pack --limit = '') COMP_CWORD=4 COMPREPLY=()
_oakum
echo "${COMPREPLY[*]}"
