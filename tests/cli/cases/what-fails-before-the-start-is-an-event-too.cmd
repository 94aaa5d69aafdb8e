# SPDX-License-Identifier: Apache-2.0
# A program that reads events gets one in any case.
# needs: root
mkdir a && pack layer a
each oakum unpack --progress=json missing rootfs
each oakum unpack --progress=json layer missing/rootfs
each oakum unpack --progress=json a rootfs
each oakum unpack --progress=json '' rootfs
