# SPDX-License-Identifier: Apache-2.0
# By the signal, as a shell expects it; one that our caller ignores is ignored.
# needs: root
"$oakum_program" unpack - rootfs < <(sleep 20) &
sleep 0.5
kill -TERM $!
each wait $!
(trap '' HUP && exec "$oakum_program" unpack - other < <(sleep 1)) &
sleep 0.5
kill -HUP $!
each wait $! && echo done
