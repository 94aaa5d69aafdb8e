# SPDX-License-Identifier: Apache-2.0
# A fifo would block, a device or a symlink would be written through; also within one layer.
# needs: root
mkdir -p outside upper rootfs && echo secret >outside/secret
for name in fifo null absolute relative directory link; do echo new >"upper/$name"; done
(cd upper && pack ../files *)
mkfifo rootfs/fifo
mknod rootfs/null c 1 3
ln -s "$PWD/outside/secret" rootfs/absolute
ln -s ../outside/secret rootfs/relative
mkdir -p rootfs/directory/with/more && echo old >rootfs/directory/with/file
ln outside/secret rootfs/link
timeout 20 "$oakum_program" unpack files rootfs && tree rootfs && cat rootfs/* outside/secret

# The same names twice in one layer: the last wins.
(cd rootfs && rm -r ./* && mkfifo fifo && mknod null c 1 3 && ln -s "$PWD/../outside/secret" absolute &&
	ln -s ../outside/secret relative && mkdir -p directory/with && echo 1 >link)
(cd rootfs && pack ../twice *) && (cd upper && pack ../second *)
tar -Af twice second
timeout 20 "$oakum_program" unpack twice both && tree both && cat both/* outside/secret
