# SPDX-License-Identifier: Apache-2.0
# A full disk of another kind.
# needs: root
# needs: mount
mkdir small a && touch a/1 a/2 a/3 a/4 a/5 a/6 && pack layer a
trap 'umount small' EXIT
mount -t tmpfs -o nr_inodes=5 none small && oakum unpack layer small
