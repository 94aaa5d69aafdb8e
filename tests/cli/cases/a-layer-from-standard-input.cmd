# SPDX-License-Identifier: Apache-2.0
# "-" is it.
# What inflates gzip is not the same in every build.
# needs: root
# needs: walls
engine() { sed -E "s/by (ISA-L|zlib)/by ENGINE/" >&2; }
oakum unpack --threads=1 --verbose --threads=1 - rootfs <"$testdata/layers/demo.tar.gz" 2>&1 | engine && ls rootfs
