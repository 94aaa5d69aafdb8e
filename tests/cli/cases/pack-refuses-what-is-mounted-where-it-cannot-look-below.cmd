# SPDX-License-Identifier: Apache-2.0
# Without the right to mount: no copy of the mount without what is mounted below can be had.
# needs: mount
# needs: walls
mkdir -p rootfs/mnt
: >rootfs/mnt/below
without_mount() {
	setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$oakum_program" "$@"
}
without_mount pack rootfs | tar -t
mount -t tmpfs none rootfs/mnt
: >rootfs/mnt/above
each without_mount pack rootfs layer.tar
without_mount pack --submounts=take rootfs | tar -t
oakum pack rootfs | tar -t
umount rootfs/mnt
