# SPDX-License-Identifier: Apache-2.0
# The name and the reason.
each oakum unpack layer rootfs
each oakum unpack $'lay\ner\e[31m' rootfs
each oakum unpack '' rootfs
ls
