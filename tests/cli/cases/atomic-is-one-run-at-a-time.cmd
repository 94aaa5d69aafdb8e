# SPDX-License-Identifier: Apache-2.0
# The second is refused at once, and the first goes on.
mkdir a && echo a >a/file && pack layer a && mkfifo pipe
"$oakum_program" unpack --atomic pipe rootfs &
exec 3>pipe
while ! [ -d .oakum-rootfs/rootfs ]; do sleep 0.02; done
each oakum unpack --atomic layer rootfs
cat layer >&3
exec 3>&-
wait $! && tree rootfs
each oakum unpack --atomic layer rootfs
ls -A
