# SPDX-License-Identifier: Apache-2.0
# More directories on the way than descriptors are kept.
# needs: root
deep=$(printf 'd/%.0s' $(seq 2200))
mkdir -p t/x/y t/others && echo content >t/target && ln t/target t/x/y/link
for i in $(seq 80); do mkdir "t/others/$i" && : >"t/others/$i/file"; done
(cd t && tar --format=posix --mtime=@0 --transform "s|^target$|${deep}target|" -cf ../layer target others x)
tar -tvf layer | grep -c "link to d/d/"
oakum unpack layer rootfs && ls rootfs/x/y && cat rootfs/x/y/link
