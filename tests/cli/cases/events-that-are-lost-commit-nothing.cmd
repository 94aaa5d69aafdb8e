# SPDX-License-Identifier: Apache-2.0
# Whoever has asked for events relies on them: a target stays as it was, and nothing beside it.
# needs: root
mkdir a old && head -c 3000000 /dev/urandom >a/file && pack layer a
each oakum unpack --atomic --progress=json layer rootfs >/dev/full
slowly() { head -c 1000000 layer; sleep 0.5; tail -c +1000001 layer; }
(slowly | oakum unpack --atomic --progress=json - rootfs; echo "exit $?" >&2) | true
each oakum pack --progress=json a packed >/dev/full
ls -A
