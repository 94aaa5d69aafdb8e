# SPDX-License-Identifier: Apache-2.0
# By descriptor where there is one; what is read by name is looked at again.
# needs: strace
# needs: walls
mkdir rootfs
echo content >rootfs/file
setfattr -n user.note -v x rootfs/file
trace_pack() {
	strace -f -qq -e signal=none -o trace -e trace=fgetxattr,flistxattr,lgetxattr,llistxattr "$@" "$oakum_program" pack rootfs layer.tar
}
trace_pack
sed 's/^[0-9]* *//; s/(.*//' trace
# The second look into a list of attributes is that of "name".
rm rootfs/file
for make in 'touch rootfs/name' 'ln -s target rootfs/name' 'mkfifo rootfs/name'; do
	$make
	each trace_pack -e inject=llistxattr:delay_enter=500000:when=2 &
	while kill -0 $! 2>/dev/null; do
		chown -h "$(id -u)" rootfs/name
		sleep 0.02
	done
	wait $!
	rm rootfs/name
done
