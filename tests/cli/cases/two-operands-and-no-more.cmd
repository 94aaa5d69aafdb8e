# SPDX-License-Identifier: Apache-2.0
# LAYER and ROOTFS.
each oakum unpack
each oakum unpack layer
each oakum unpack --quiet --
each oakum unpack layer rootfs more
