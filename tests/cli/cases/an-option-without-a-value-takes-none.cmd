# SPDX-License-Identifier: Apache-2.0
# --quiet=yes would be ambiguous.
each oakum unpack --quiet=yes layer rootfs
each oakum unpack --verbose=1 layer rootfs
each oakum unpack --help=unpack
