# SPDX-License-Identifier: Apache-2.0
# One filter only.
# needs: root
echo 1 >one && pack layer one && gzip -n <layer | gzip -n >twice
oakum unpack twice rootfs
