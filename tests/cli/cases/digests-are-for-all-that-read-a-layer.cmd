# SPDX-License-Identifier: Apache-2.0
# needs: root
mkdir a && echo content >a/file && pack layer a && gzip -n layer
blob=sha256:$(sha256sum <layer.gz | cut -d ' ' -f 1) tar=sha256:$(zcat layer.gz | sha256sum | cut -d ' ' -f 1)
oakum unpack layer.gz rootfs
for does in "list layer.gz" "verify layer.gz rootfs" "unpack layer.gz again" "filter layer.gz"; do
	oakum $does --digests --expect-digest=$blob --expect-diff-id=$tar 2>said >/dev/null
	sed "s/$blob/BLOB/; s/$tar/TAR/" said
	each oakum $does --expect-digest=$tar 2>&1 >/dev/null | sed "s/$blob/BLOB/; s/$tar/TAR/"
done
