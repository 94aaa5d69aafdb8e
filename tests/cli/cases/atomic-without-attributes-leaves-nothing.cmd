# SPDX-License-Identifier: Apache-2.0
# A right that the file system cannot keep is an error; a note of a user's is lost, as ever.
# needs: root
# needs: mount
mkdir mounted a && echo a >a/file && setfattr -n user.note -v x a/file && pack_pax noted a
setcap cap_net_raw=ep a/file && pack_pax layer a
trap 'umount mounted' EXIT
mount -t ramfs none mounted
each oakum unpack --atomic layer mounted/rootfs
ls -A mounted
oakum unpack --atomic noted mounted/rootfs && tree mounted
