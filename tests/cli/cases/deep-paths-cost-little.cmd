# SPDX-License-Identifier: Apache-2.0
# Thirty entries in directories 1400 deep: no walk from the root for each.
# needs: root
deep=$(printf 'd/%.0s' $(seq 1400))
for i in $(seq 30); do printf '%s\n' "$deep$i"; done >names
mkdir t && (cd t && for i in $(seq 30); do echo "$i" >"$i"; done && tar --format=posix --mtime=@0 --transform "s|^|$deep|" -cf ../layer [0-9]*)
SECONDS=0
oakum unpack layer rootfs && find rootfs -type f | wc -l
[ "$SECONDS" -lt 10 ] || echo "it took $SECONDS s"
# Nor where they come in turn, which is what keeps no directory open, nor to compare them.
python3 - <<'EOF'
import tarfile
with tarfile.open("turns", "w", format=tarfile.PAX_FORMAT) as layer:
    for number in range(200):
        layer.addfile(tarfile.TarInfo("/".join("ab"[number % 2] * 1400) + f"/{number // 3}/f{number}"))
EOF
SECONDS=0
oakum unpack turns other && oakum verify --extra turns other
[ "$SECONDS" -lt 20 ] || echo "these took $SECONDS s"
