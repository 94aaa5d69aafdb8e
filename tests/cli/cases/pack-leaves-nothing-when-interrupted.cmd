# SPDX-License-Identifier: Apache-2.0
# The signal ends it as it would any program, and what was written is gone.
mkdir rootfs
truncate -s 200G rootfs/large
echo old >layer.tar
"$oakum_program" pack --timeout=20 --limit ratio=none --compression=zstd rootfs layer.tar &
sleep 0.5
kill -TERM $!
wait $! || echo "exit $?"
cat layer.tar
tree .
