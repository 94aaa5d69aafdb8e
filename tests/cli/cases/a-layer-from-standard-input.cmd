# SPDX-License-Identifier: Apache-2.0
# "-" is it.
# needs: root
# needs: walls
oakum unpack --threads=1 --verbose --threads=1 - rootfs <"$testdata/layers/demo.tar.gz" && ls rootfs
