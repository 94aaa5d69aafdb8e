# SPDX-License-Identifier: Apache-2.0
# Nothing can be written.
# needs: root
# needs: mount
mkdir small a && touch a/1 && pack layer a
trap 'umount small' EXIT
mount -t tmpfs -o ro none small && oakum unpack layer small
