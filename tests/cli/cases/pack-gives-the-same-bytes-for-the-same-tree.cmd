# SPDX-License-Identifier: Apache-2.0
# Whatever the order of making, umask, zone, locale and day; these digests are for ever.
# needs: root
make_tree() {
	mkdir -p "$1/etc" "$1/usr/bin" "$1/empty"
	for name in "${@:2}"; do
		echo "content of $name" >"$1/etc/$name"
	done
	ln "$1/etc/b" "$1/usr/b-too"
	ln -s ../etc/a "$1/usr/link"
	mkfifo "$1/fifo"
	mknod "$1/null" c 1 3
	truncate -s 100K "$1/sparse"
	: >"$1/etc/ÿ"
	: >"$1/"$'\xff\n'
	: >"$1/$(printf 'n%.0s' {1..200})"
	setfattr -n user.z -v 1 "$1/etc/a"
	setfattr -n user.a -v 2 "$1/etc/a"
	chmod 4755 "$1/etc/c"
	chmod 0644 "$1/etc/a" "$1/etc/b" "$1/fifo" "$1/null" "$1/sparse" "$1/etc/ÿ" "$1/"$'\xff\n' "$1"/nn*
	chown 3000000:70000 "$1/empty"
	find "$1" -type d -exec chmod 0755 {} +
	find "$1" -exec touch -h -d @1234567890.5 {} +
}
make_tree one a b c
(umask 077 && make_tree other c b a)
oakum pack --verbose one 2>&1 >one.tar | sed '/level/d'
(LC_ALL=C.UTF-8 TZ=Asia/Tokyo oakum pack other other.tar)
cmp one.tar other.tar
sha256sum <one.tar
SOURCE_DATE_EPOCH=1000000000 oakum pack one | sha256sum
SOURCE_DATE_EPOCH=2000000000 oakum pack one | cmp - one.tar
for compression in gzip zstd; do
	oakum pack --compression=$compression one one.$compression
	oakum pack --compression=$compression other | cmp - one.$compression
	oakum filter one.$compression | cmp - one.tar
done
oakum unpack one.tar unpacked
oakum pack unpacked | cmp - one.tar
