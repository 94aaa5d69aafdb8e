# SPDX-License-Identifier: Apache-2.0
# A container's changes, packed from its upper directory: over its base they give what it saw.
# needs: mount
mkdir space && mount -t tmpfs none space
trap "umount -l '$PWD/space'" EXIT
cd space
mkdir -p base/etc/conf base/usr/doc base/kept upper work merged unpacked
for name in etc/a etc/conf/b usr/doc/c kept/d; do
	echo "base $name" >"base/$name"
done
mount -t overlay -o lowerdir=base,upperdir=upper,workdir=work,metacopy=off none merged || exit
rm -r merged/usr/doc merged/etc/a
rm -r merged/etc/conf && mkdir merged/etc/conf
echo new >merged/etc/conf/new
ln merged/etc/conf/new merged/new-too
chmod 0700 merged/kept
find merged -depth -exec touch -h -d @1000 {} +
oakum pack merged merged.tar
umount merged
oakum pack --whiteouts=overlay upper changes.tar
tar -tf changes.tar
oakum pack base base.tar
oakum unpack base.tar unpacked
oakum unpack changes.tar unpacked
oakum pack unpacked | cmp - merged.tar && echo "the same"
each oakum pack upper refused.tar
cd ..
