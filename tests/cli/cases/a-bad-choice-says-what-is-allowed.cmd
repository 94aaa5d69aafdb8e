# SPDX-License-Identifier: Apache-2.0
# One line each.
each oakum unpack --whiteouts=aply layer rootfs
each oakum unpack --whiteouts= layer rootfs
each oakum unpack --profile STRICT layer rootfs
each oakum unpack --trailing=zeros layer rootfs
