# SPDX-License-Identifier: Apache-2.0
# Deep, full, shut, and with links out; but nothing of another user's.
# needs: root
mkdir a outside && echo a >a/file && echo kept >outside/file && pack layer a
mkdir -m 0700 .oakum-rootfs
(
	cd .oakum-rootfs
	mkdir -p rootfs/d/shut && echo x >rootfs/d/shut/file && chmod 0 rootfs/d/shut
	ln -s ../../outside rootfs/out && ln -s "$OLDPWD/outside" rootfs/d/out
	mkfifo rootfs/pipe
	deep=rootfs/deep
	for ((i = 0; i < 12; i++)); do deep=$deep/$(printf 'x%.0s' {1..200}); done
	mkdir -p "$deep"
)
oakum unpack --atomic layer rootfs && ls -A . outside && tree rootfs
mkdir -m 0755 .oakum-other
each oakum unpack --atomic layer other
chmod 0700 .oakum-other && chown 12345 .oakum-other
each oakum unpack --atomic layer other
ls -A .oakum-other && ls -d .oakum-other
