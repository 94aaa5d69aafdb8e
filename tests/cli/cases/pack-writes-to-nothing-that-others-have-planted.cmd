# SPDX-License-Identifier: Apache-2.0
# In a sticky directory of all: neither through a symlink, nor into a fifo, nor over a file.
# needs: root
mkdir rootfs tmp secret
chmod 1777 tmp
echo secret >secret/file
ln -s ../secret/file tmp/link
ln -s ../secret/new tmp/dangling
mkfifo tmp/fifo
echo planted >tmp/file
chown -h 65534:65534 tmp/*
ln -s tmp/link way
for name in tmp/link tmp/dangling tmp/fifo tmp/file tmp/none/../link way; do
	each timeout 10 "$oakum_program" pack rootfs "$name"
done
cat secret/file tmp/file
tree tmp secret
# In one that is not sticky, or his own, they do what they are for.
mkdir own && chmod 1777 own && chown 65534 own
ln -s ../secret/new own/link && chown -h 65534 own/link
oakum pack rootfs own/link
chmod 0755 tmp
oakum pack rootfs tmp/link
# So do one's own, and those of the system.
chmod 1777 tmp
ln -s file2 tmp/mine && ln -s mine tmp/other && oakum pack rootfs tmp/other
oakum pack rootfs /dev/stdout | tar -t
oakum pack rootfs /dev/stdout >stdout && tar -tf stdout
oakum pack rootfs /dev/fd/7 7> >(tar -t)
wait $!
ln -s loop loop
each oakum pack rootfs loop
each oakum pack rootfs rootfs/
each oakum pack rootfs ''
tree .
