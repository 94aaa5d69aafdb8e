# SPDX-License-Identifier: Apache-2.0
# Control characters, backslashes, and bytes outside ASCII: one line, no terminal sequence.
# needs: root
name=$'new\nline-\e[31mred-\\-\344-\177'
echo a >"$name" && pack layer "$name"
oakum unpack --limit content-bytes=1 layer rootfs
