# SPDX-License-Identifier: Apache-2.0
# Not the entry that was on its way.
# needs: root
mkdir a && head -c 1M /dev/urandom >a/file && pack layer a
for does in "pack a -" "filter layer" "list layer"; do
	each oakum $does >/dev/full
done
each oakum pack a /dev/full
mkdir other && each oakum verify layer other >/dev/full
