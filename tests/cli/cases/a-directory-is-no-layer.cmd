# SPDX-License-Identifier: Apache-2.0
# Said before anything is started.
mkdir layer
each oakum unpack layer rootfs
