# SPDX-License-Identifier: Apache-2.0
# Devices 0:0 and trusted.overlay.opaque, for an overlay mount.
# needs: root
mkdir -p lower/dir/sub lower/opaque upper/dir upper/opaque
touch lower/dir/gone lower/dir/kept lower/opaque/hidden lower/dir/sub/file
touch upper/dir/.wh.gone upper/dir/.wh.sub upper/opaque/.wh..wh..opq upper/opaque/new
(cd lower && pack ../lower.tar dir opaque) && (cd upper && pack ../upper.tar dir opaque)
oakum unpack --whiteouts=overlay upper.tar r && tree r
stat -c '%n %t:%T' r/dir/gone r/dir/sub
getfattr --absolute-names -d -m - r/opaque
