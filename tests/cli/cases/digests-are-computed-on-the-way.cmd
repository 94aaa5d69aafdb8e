# SPDX-License-Identifier: Apache-2.0
# Of the layer as it comes and of the tar stream in it, to the last byte; the same as sha256sum finds.
mkdir tree
echo content >tree/file
pack layer.tar -C tree file
gzip -n <layer.tar >layer.tar.gz
digest=sha256:$(sha256sum <layer.tar.gz | cut -d ' ' -f 1)
diff_id=sha256:$(sha256sum <layer.tar | cut -d ' ' -f 1)
oakum unpack --digests layer.tar.gz a 2>printed
printf 'oakum: digest %s\noakum: diffID %s\n' "$digest" "$diff_id" | cmp - printed
oakum unpack --expect-digest="$digest" --expect-diff-id="$diff_id" layer.tar.gz b
oakum unpack --verbose --expect-diff-id="$diff_id" - c <layer.tar.gz 2>&1 | grep -c "^oakum: diffID $diff_id\$"
oakum filter --digests layer.tar.gz 2>printed-too | cmp - layer.tar
cmp printed printed-too
oakum unpack --progress=json --digests --expect-digest "$digest" layer.tar.gz d 2>/dev/null |
	grep -o '"event":"done"\|"digest".*' | sed "s/$digest/DIGEST/; s/$diff_id/DIFF-ID/"
tree d
