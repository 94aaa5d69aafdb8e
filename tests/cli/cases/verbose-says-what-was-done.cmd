# SPDX-License-Identifier: Apache-2.0
# Entries, bytes, compression and the level that was reached; --quiet takes it back.
# needs: root
# needs: walls
oakum unpack --threads=1 --verbose --threads=1 "$testdata/layers/demo.tar.gz" rootfs
oakum unpack --threads=1 --verbose --threads=1 "$testdata/layers/gzip.tar.xz" rootfs
oakum unpack --threads=1 --verbose --threads=1 --quiet "$testdata/layers/demo.tar.gz" rootfs
