# SPDX-License-Identifier: Apache-2.0
# No chroot, no walls, no unpack.
# needs: root
mkdir a && echo a >a/file && pack layer a
setpriv --bounding-set=-sys_admin,-sys_chroot "$oakum_program" unpack --user-namespace=never layer rootfs
status=$?
ls rootfs
exit $status
