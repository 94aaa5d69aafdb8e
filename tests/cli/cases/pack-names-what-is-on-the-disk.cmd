# SPDX-License-Identifier: Apache-2.0
# After a power cut a name is not that of the empty layer; a disk that fails is told.
# needs: strace
# needs: walls
mkdir rootfs
echo "what was there" >layer.tar
each strace -qq -e signal=none -o trace -e trace=fsync -e inject=fsync:error=EIO "$oakum_program" pack rootfs layer.tar
cat layer.tar
strace -qq -e signal=none -o trace -e trace=fsync,linkat,renameat "$oakum_program" pack rootfs layer.tar
sed 's/(.*//' trace
rm trace
tree .
# What is written to as it is, is not ours to wait for.
strace -qq -e signal=none -o trace -e trace=fsync "$oakum_program" pack rootfs >layer.tar && cat trace
