# SPDX-License-Identifier: Apache-2.0
# What follows is a name, whatever it looks like.
# needs: root
mkdir a && echo a >a/file && pack layer a && mv layer ./--help
oakum unpack -- --help --rootfs && tree ./--rootfs
