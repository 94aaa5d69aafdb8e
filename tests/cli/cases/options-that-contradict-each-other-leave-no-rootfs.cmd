# SPDX-License-Identifier: Apache-2.0
# needs: root
mkdir a && echo content >a/file && pack layer a
each oakum unpack --owner=1:1 --uid-map=0:0:1 --uid-map=0:5:1 layer rootfs
ls
