# SPDX-License-Identifier: Apache-2.0
# A writer that never ends; what was started is stopped.
# needs: root
mkfifo layer
sleep 20 >layer 2>/dev/null &
SECONDS=0
each oakum unpack --timeout=0.3 layer rootfs
[ "$SECONDS" -lt 10 ] || echo "it took $SECONDS s"
kill $!
