# SPDX-License-Identifier: Apache-2.0
# By default it is read and dropped.
# needs: root
echo a >one && pack layer one && (cat layer && echo more) >more
each oakum unpack more rootfs && ls rootfs
oakum unpack --verbose more rootfs 2>&1 | grep passed
each oakum unpack --trailing=refuse more rootfs
each oakum unpack --trailing=refuse layer rootfs
