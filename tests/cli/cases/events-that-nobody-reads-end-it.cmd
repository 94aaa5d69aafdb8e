# SPDX-License-Identifier: Apache-2.0
# By SIGPIPE, as any program in a pipe, and with all of its processes; nothing hangs.
# needs: root
mkdir a && echo a >a/file && pack layer a
mkfifo slow
{ exec 9>slow; head -c 512 layer >&9; sleep 0.5; tail -c +513 layer >&9; } 2>/dev/null &
(timeout 20 "$oakum_program" unpack --progress=json - rootfs <slow 9>&-; echo "exit $?" >&2) | true
