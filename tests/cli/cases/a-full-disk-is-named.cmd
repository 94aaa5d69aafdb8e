# SPDX-License-Identifier: Apache-2.0
# The entry, the call and the reason.
# needs: root
# needs: mount
mkdir small a && head -c 1M /dev/zero >a/file && pack layer a
trap 'umount small' EXIT
mount -t tmpfs -o size=256k none small && oakum unpack layer small
