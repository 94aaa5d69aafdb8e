# SPDX-License-Identifier: Apache-2.0
# What chattr(1) forbids is told from a lack of rights.
# needs: root
# needs: mount
mkdir small a && touch a/1 && pack layer a && truncate -s 4M disk && mkfs.ext4 -q disk
mount -o loop disk small && trap 'chattr -i small/a; umount small' EXIT
mkdir small/a && chattr +i small/a && oakum unpack layer small
