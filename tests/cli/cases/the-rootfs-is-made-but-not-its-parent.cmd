# SPDX-License-Identifier: Apache-2.0
# A mistyped path must not become a tree; the mode is 0755 whatever the umask.
# needs: root
mkdir a && echo a >a/file && pack layer a/file
umask 077
each oakum unpack layer new
stat -c %a new
each oakum unpack layer missing/new
ls
