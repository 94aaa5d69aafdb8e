# SPDX-License-Identifier: Apache-2.0
# There is nothing after it to take.
each oakum unpack layer rootfs --threads
each oakum unpack --limit
each oakum unpack --whiteouts
