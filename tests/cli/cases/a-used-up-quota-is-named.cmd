# SPDX-License-Identifier: Apache-2.0
# Where there is room for others.
# needs: root
# needs: mount
mkdir disk a && head -c 8M /dev/urandom >a/file && pack layer a
truncate -s 200M image && mkfs.btrfs -q image >/dev/null 2>&1
trap 'umount disk' EXIT
mount -o loop image disk && btrfs quota enable disk && btrfs subvolume create disk/small >/dev/null
btrfs qgroup limit 4M disk/small
each oakum unpack layer disk/small/rootfs
each oakum unpack --atomic layer disk/small/other
ls -A disk/small
