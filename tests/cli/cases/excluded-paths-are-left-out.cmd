# SPDX-License-Identifier: Apache-2.0
# With all below them; nothing that only starts alike.
# needs: root
mkdir -p a/b ab && touch a/b/file a/c ab/file && pack layer a ab
oakum unpack --exclude=a/b --exclude /a/c/ layer rootfs && tree rootfs
each oakum unpack --exclude=.. layer rootfs
each oakum unpack --exclude=/ layer rootfs
