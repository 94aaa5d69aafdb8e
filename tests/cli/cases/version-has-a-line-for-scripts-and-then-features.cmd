# SPDX-License-Identifier: Apache-2.0
# The first line is what it ever was.
oakum --version | head -n 1
oakum --version | tail -n +2 | sed -E 's/[0-9]+(\.[0-9a-z-]+)*/N/g; s/static|dynamic/LINKED/; s/ISA-L|zlib/LIBRARY/; s/kernel: .*/kernel: .../'
oakum --version | tail -n 1 | grep -c -F "kernel: $(uname -s -r), "
