# SPDX-License-Identifier: Apache-2.0
# The entry, the call and the reason.
# needs: root
# needs: mount
mkdir small a && head -c 1M /dev/zero >a/file && pack layer a
unshare -m sh -c 'mount -t tmpfs -o size=256k none small && exec "$oakum_program" unpack layer small'
