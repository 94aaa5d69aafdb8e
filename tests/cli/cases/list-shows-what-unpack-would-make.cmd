# SPDX-License-Identifier: Apache-2.0
# As tar -tv; whiteouts for what they hide, what is left out not at all, owners and modes as they
# would be set.
# needs: root
mkdir in && cd in
mkdir d && echo text >d/file && ln -s file d/link && ln d/file d/same && mkfifo p && mknod null c 1 3
chmod 6755 d/file && touch -d '2001-02-03 04:05:06.789 UTC' d/stamped
touch d/.wh.gone d/.wh..wh..opq .wh..wh.aufs $'new\nline-\e[31m-\303\274-\377'
setfattr -n user.note -v $'\001x' d/stamped
tar --format=posix --xattrs '--xattrs-include=*' --mtime=@0 --owner=7 --group=8 --numeric-owner \
	--pax-option=delete=atime,delete=ctime --sort=name -cf ../layer .
tar --format=posix --pax-option=delete=atime,delete=ctime --numeric-owner -cf ../stamped d/stamped
cd ..
oakum list layer
echo --- json
gzip -c layer | oakum list --json -
oakum list stamped
echo --- as it would be with options
oakum list --whiteouts=verbatim --exclude=d --no-suid layer
oakum list --owner=0:0 --uid-map=0:1000:10 --gid-map 0:2000:10 --devices=skip --no-suid layer
