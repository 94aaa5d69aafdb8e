# SPDX-License-Identifier: Apache-2.0
# Nothing can be written.
# needs: root
# needs: mount
mkdir small a && touch a/1 && pack layer a
unshare -m sh -c 'mount -t tmpfs -o ro none small && exec "$oakum_program" unpack layer small'
