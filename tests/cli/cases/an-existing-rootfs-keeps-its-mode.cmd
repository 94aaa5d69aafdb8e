# SPDX-License-Identifier: Apache-2.0
# Unless the layer tells about its root.
# needs: root
mkdir a rootfs && echo a >a/file && pack layer a/file && chmod 0710 rootfs
oakum unpack layer rootfs && stat -c %a rootfs
(cd a && chmod 0751 . && pack ../with-root .)
oakum unpack with-root rootfs && stat -c %a rootfs
