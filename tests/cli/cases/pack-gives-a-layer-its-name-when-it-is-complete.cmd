# SPDX-License-Identifier: Apache-2.0
# Until then what had the name stays, and of what failed nothing is left.
mkdir rootfs
echo content >rootfs/file
echo "what was there" >layer.tar
mkfifo rootfs/.wh.fifo
each oakum pack rootfs layer.tar
cat layer.tar
rm rootfs/.wh.fifo
ln -s layer.tar link
oakum pack rootfs link
tar -tf layer.tar
(umask 027 && oakum pack rootfs private.tar)
oakum pack rootfs/ rootfs/layer.tar # which is not there while it is packed
tar -tf rootfs/layer.tar
rm rootfs/layer.tar
oakum pack rootfs /dev/null
mkfifo fifo
oakum pack rootfs fifo & tar -t <fifo
wait
tree .
each oakum pack rootfs missing/layer.tar
each oakum pack rootfs rootfs
