# SPDX-License-Identifier: Apache-2.0
# An archive without its end.
# needs: root
echo a >one && pack layer one && head -c 1024 layer >endless
each oakum unpack endless rootfs
each oakum unpack --profile=compat endless rootfs
