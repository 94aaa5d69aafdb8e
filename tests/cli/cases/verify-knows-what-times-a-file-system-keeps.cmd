# SPDX-License-Identifier: Apache-2.0
# Whole seconds or 32 bits of them, and more; what the kernel has cut off is no difference, all else is.
# needs: root
# needs: mount
mkdir ground
trap 'mountpoint -q ground && umount ground' EXIT
for time in 1.123456789 -1.5 2147483648.5 -2147483649 4294967296 99999999999; do
	touch "at$time"
	case $time in
	*.*) tar --format=posix --pax-option=delete=atime,delete=ctime --mtime="@$time" -rf layer "at$time" ;;
	*) tar --format=gnu --mtime="@$time" -rf layer "at$time" ;;
	esac
done

# kept IMAGE MKFS...: what differs right after the unpack, when it was mounted anew, and when two times were changed.
kept() {
	echo "$*"
	truncate -s 320M "$1" && "${@:2}" -q "$1" &>/dev/null && mount -o loop "$1" ground
	oakum unpack layer ground/rootfs && stat -c '%n %.9Y' ground/rootfs/*
	each oakum verify layer ground/rootfs
	umount ground && mount -o loop "$1" ground
	each oakum verify layer ground/rootfs
	touch -d @2147483646 ground/rootfs/at2147483648.5
	touch -d @1 ground/rootfs/at1.123456789
	each oakum verify layer ground/rootfs
	umount ground
}
kept seconds mkfs.ext4 -I 128
kept nanoseconds mkfs.ext4 -I 256
kept short mkfs.xfs -m bigtime=0
kept long mkfs.xfs -m bigtime=1
