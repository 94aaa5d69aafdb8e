# SPDX-License-Identifier: Apache-2.0
# And that is said first, whatever else is wrong with it.
other=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
printf x >one
pack layer.tar one
tar -cPf hostile.tar --transform 's,one,../evil,' one
each oakum unpack --expect-digest=$other layer.tar rootfs
each oakum unpack --expect-diff-id=$other layer.tar rootfs
each oakum filter --expect-diff-id=$other layer.tar | wc -c
each oakum unpack --expect-digest=$other hostile.tar rootfs 2>&1 | sed 's/sha256:[0-9a-f]*, and/(its own), and/'
gzip -n <layer.tar | head -c 100 | each oakum unpack --expect-digest=$other - rootfs 2>&1 | sed 's/sha256:[0-9a-f]*, and/(its own), and/'
each oakum unpack --atomic --expect-diff-id=$other layer.tar fresh 2>/dev/null
test ! -e fresh && echo "nothing is there"
each oakum unpack --expect-digest=sha512:00 layer.tar rootfs
each oakum unpack --expect-diff-id=${other^^} layer.tar rootfs
