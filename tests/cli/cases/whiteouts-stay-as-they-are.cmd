# SPDX-License-Identifier: Apache-2.0
# Ordinary files.
# needs: root
mkdir -p lower/dir/sub lower/opaque upper/dir upper/opaque
touch lower/dir/gone lower/dir/kept lower/opaque/hidden lower/dir/sub/file
touch upper/dir/.wh.gone upper/dir/.wh.sub upper/opaque/.wh..wh..opq upper/opaque/new
(cd lower && pack ../lower.tar dir opaque) && (cd upper && pack ../upper.tar dir opaque)
oakum unpack --whiteouts=verbatim upper.tar r && tree r
