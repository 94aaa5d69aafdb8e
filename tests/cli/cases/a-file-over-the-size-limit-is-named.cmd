# SPDX-License-Identifier: Apache-2.0
# RLIMIT_FSIZE ends in a message, not in a signal; the helper, a file too, is larger in some builds.
# needs: root
mkdir a && head -c 20M /dev/zero >a/file && pack layer a
ulimit -f 16384
oakum unpack layer rootfs
