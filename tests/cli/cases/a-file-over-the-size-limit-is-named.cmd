# SPDX-License-Identifier: Apache-2.0
# RLIMIT_FSIZE ends in a message, not in a signal.
# needs: root
mkdir a && head -c 5M /dev/zero >a/file && pack layer a
ulimit -f 4096
oakum unpack layer rootfs
