# SPDX-License-Identifier: Apache-2.0
# Nothing for who reads no more; an error where it cannot be written; no bar and no events in between.
mkdir many && (cd many && seq -f "a name that is long enough to fill a pipe with so many of them %g" 3000 | xargs -d '\n' touch)
pack layer many
oakum list layer | head -n 1
echo "${PIPESTATUS[@]}"
each oakum list layer >/dev/full
each oakum list --check layer >/dev/full
each oakum list layer >&-
each oakum list --progress=json layer
each oakum filter --progress=json layer
each oakum list --verbose layer >/dev/null
each oakum list --timeout=0.05 - < <(sleep 1)
each oakum list
each oakum list layer rootfs
