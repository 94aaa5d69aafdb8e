# SPDX-License-Identifier: Apache-2.0
# K, M, G and T are of 1024.
# needs: root
echo 12345 >file && pack layer file
oakum unpack --limit content-bytes=none --limit entries=1T --limit ratio=1G layer one &&
	oakum unpack --limit content-bytes=1K --limit window-bytes=8M layer two && tree two
