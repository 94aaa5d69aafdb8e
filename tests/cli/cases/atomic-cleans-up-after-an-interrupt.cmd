# SPDX-License-Identifier: Apache-2.0
# needs: root
mkdir a && echo a >a/file && pack layer a && mkfifo pipe
for signal in INT TERM; do
	# A shell starts what runs beside it with SIGINT ignored.
	env --default-signal=INT "$oakum_program" unpack --atomic pipe rootfs &
	exec 3>pipe
	head -c 1536 layer >&3
	while ! [ -e .oakum-rootfs/rootfs/a/file ]; do sleep 0.02; done
	kill -$signal $!
	each wait $!
	exec 3>&-
	ls -A
done
