# SPDX-License-Identifier: Apache-2.0
# As in a default container; and less than asked for is refused.
# needs: root
# needs: walls
mkdir a && echo a >a/file && pack layer a
drop="setpriv --bounding-set=-sys_admin"
each $drop "$oakum_program" unpack --verbose --threads=1 layer rootfs && tree rootfs
each $drop "$oakum_program" unpack --min-level=4 layer rootfs
each $drop "$oakum_program" unpack --whiteouts=overlay layer rootfs
