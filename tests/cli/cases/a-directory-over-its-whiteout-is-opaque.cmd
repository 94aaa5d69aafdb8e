# SPDX-License-Identifier: Apache-2.0
# Else what the whiteout hides would come back through overlayfs; in either order.
# needs: root
mkdir -p t/before t/after && : >t/.wh.before && : >t/.wh.after && : >t/before/new && : >t/after/new
(cd t && pack ../layer .wh.before before after .wh.after)
for mode in overlay overlay-userxattr; do
	oakum unpack --whiteouts=$mode layer $mode && tree $mode
	getfattr --absolute-names -d -m - $mode/before $mode/after
done
