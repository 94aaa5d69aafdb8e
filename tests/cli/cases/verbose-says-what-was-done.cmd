# SPDX-License-Identifier: Apache-2.0
# Entries, bytes, compression and the level that was reached; --quiet takes it back.
# What inflates gzip is not the same in every build.
# needs: root
# needs: walls
engine() { sed -E "s/by (ISA-L|zlib)/by ENGINE/" >&2; }
oakum unpack --threads=1 --verbose --threads=1 "$testdata/layers/demo.tar.gz" rootfs 2>&1 | engine
oakum unpack --threads=1 --verbose --threads=1 "$testdata/layers/gzip.tar.xz" rootfs 2>&1 | engine
oakum unpack --threads=1 --verbose --threads=1 --quiet "$testdata/layers/demo.tar.gz" rootfs 2>&1 | engine
