# SPDX-License-Identifier: Apache-2.0
# Where no name can be given later, it has one from the start; what fails leaves it nowhere.
# needs: mount
# needs: walls
mkdir rootfs
unshare --mount bash -ec 'mount -t tmpfs none /proc; umask 027; oakum pack rootfs layer.tar'
tar -tf layer.tar
mkfifo rootfs/.wh.fifo
each unshare --mount bash -ec 'mount -t tmpfs none /proc; oakum pack rootfs layer.tar'
tree .
