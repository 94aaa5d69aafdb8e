# SPDX-License-Identifier: Apache-2.0
# No program is looked up, no locale and no converter is loaded.
# needs: root
mkdir evil a && echo a >$'a/name-\344' && tar --format=posix --mtime=@0 -cf layer a && zstd -q layer
printf '#!/bin/sh\ntouch %s/evil/called\n' "$PWD" >evil/zstd && chmod +x evil/zstd
cp evil/zstd evil/gzip && cp evil/zstd evil/oakum-helper
PATH="$PWD/evil" TMPDIR=/nonexistent LC_ALL=tlh LANG=tlh GCONV_PATH="$PWD/evil" LOCPATH="$PWD/evil" \
	"$oakum_program" unpack layer.zst rootfs && ls -b rootfs/a && ls evil
