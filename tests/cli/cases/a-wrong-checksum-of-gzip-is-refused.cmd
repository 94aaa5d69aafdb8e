# SPDX-License-Identifier: Apache-2.0
# Every byte of the tar came out right, and yet.
# needs: root
echo 1 >one && pack layer one && gzip -n <layer >layer.gz
size=$(stat -c %s layer.gz)
printf 'XXXX' | dd of=layer.gz bs=1 seek=$((size - 8)) conv=notrunc status=none
each oakum unpack layer.gz rootfs 2>&1 | sed 's/byte [0-9]*/byte N/'
