# SPDX-License-Identifier: Apache-2.0
# A reader that has seen enough is no failure to talk about; a disk that is full is.
mkdir rootfs
truncate -s 20M rootfs/large
oakum pack rootfs | head -c 10 | tr -d '\0'
echo " ${PIPESTATUS[0]}"
echo rootfs | each oakum pack rootfs >/dev/full
