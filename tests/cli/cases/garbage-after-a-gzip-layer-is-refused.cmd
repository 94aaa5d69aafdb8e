# SPDX-License-Identifier: Apache-2.0
# Zeros may follow, and another member.
# needs: root
echo 1 >one && pack layer one && gzip -n <layer >layer.gz
(cat layer.gz && head -c 100 /dev/zero) >padded
(cat layer.gz && echo garbage) >garbage
(head -c 600 layer | gzip -n && tail -c +601 layer | gzip -n) >members
each oakum unpack padded rootfs-padded
each oakum unpack garbage rootfs-garbage 2>&1 | sed 's/byte [0-9]*/byte N/'
each oakum unpack members rootfs-members && ls rootfs-members
