# SPDX-License-Identifier: Apache-2.0
# Opening it is part of the time; what is written to it later is read.
# needs: root
mkfifo layer
each oakum unpack --timeout=0.2 layer rootfs
each oakum list --timeout=0.2 layer
ls
mkdir a && echo content >a/file && pack slow a
(sleep 0.3 && cat slow >layer) & oakum unpack --timeout=20 layer rootfs && cat rootfs/a/file
wait
# Of what is left of the time the job has its own.
(sleep 0.3 && exec >layer && head -c 100 slow && exec sleep 20) & each oakum unpack --timeout=2 layer other
kill $!
