# SPDX-License-Identifier: Apache-2.0
# A symlink to one is followed, as tar -C does.
# needs: root
mkdir a real && echo a >a/file && pack layer a/file
touch file && ln -s real link && ln -s nowhere dangling && mkfifo fifo
each oakum unpack layer file
each oakum unpack layer fifo
each oakum unpack layer dangling
each oakum unpack layer link && tree real
