# SPDX-License-Identifier: Apache-2.0
# One object a line; what failed is told as in every message, and in words for a program.
# needs: root
mkdir a && echo content >a/file && pack layer a && pack hostile --transform 's,a,../\x1b"a,' -P a/file
last() { tail -n 1 | sed -E 's/"elapsed_ms":[0-9]+/"elapsed_ms":N/; s/"(level|threads)":[0-9]/"\1":N/g; s/"walls":\[[a-z",-]*\]/"walls":[...]/'; }
oakum unpack --progress=json layer rootfs | last
# How far it had come by then is chance.
each oakum unpack --progress=json hostile rootfs 2>/dev/null | last | sed -E 's/"(layer|stream)_bytes":[0-9]+/"\1_bytes":N/g'
oakum unpack --progress=json --verbose layer levels 2>said | grep -o '"level":[0-9]' | tr -d '"' | tr : ' ' >level && grep -c -F -f level said
oakum unpack --progress=json layer other | python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]'
# Often enough to see it move, and never more than twenty a second.
(head -c 5120 layer && sleep 1 && tail -c +5121 layer) | oakum unpack --progress=json - slow | awk 'END { print ((NR >= 5 && NR <= 21) ? "some" : NR) }'
