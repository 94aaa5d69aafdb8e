# SPDX-License-Identifier: Apache-2.0
"""What oakum is to reach, and what of it a run has reached."""

# corpus, format, place; what is measured; who, and against whom; at most so much of it
REACH = [
    ("debian", "gzip", "ext4", "wall", "oakum", "containers-storage", 0.28),
    ("debian", "gzip", "ext4", "cpu", "oakum", "containers-storage", 0.35),
    ("debian", "gzip", "ext4", "wall", "oakum", "containerd", 0.25),
    ("debian", "gzip", "ext4", "wall", "oakum", "bsdtar", 0.42),
    ("debian", "gzip", "ext4", "cpu", "oakum", "bsdtar", 0.62),
    ("debian", "gzip", "ext4", "wall", "oakum", "tar+igzip", 0.55),
    ("debian", "zstd", "ext4", "wall", "oakum", "bsdtar", 0.55),
    ("debian", "zstd", "ext4", "wall", "oakum", "containers-storage", 0.35),
    ("debian", "tar", "ext4", "wall", "oakum-untar", "skopeo-untar", 0.40),
    ("small", "gzip", "ext4", "wall", "oakum", "containers-storage", 0.35),
    ("small", "gzip", "ext4", "wall", "oakum", "bsdtar", 0.50),
    ("debian", "xz", "ext4", "wall", "oakum", "bsdtar", 0.65),
    ("tiny-1m", "tar", "tmpfs", "wall", "oakum", "bsdtar", 0.50),
    ("empty", "gzip", "tmpfs", "wall", "oakum-call", "skopeo-empty", 0.12),
]
FLOOR_RATIO = 1.5
# threads that a format lets its decompressor have
FORMAT_THREADS = {"gzip": 1, "zstd": 1, "xz": 2, "tar": 1}


def floor_of(group, cores):
    """Seconds below which nothing on so many cores can be, or None."""
    decompress = group["tools"].get("floor-decompress")
    create = group["tools"].get("floor-create")
    if decompress is None or create is None:
        return None
    threads = min(FORMAT_THREADS[group["format"]], cores)
    return max(decompress["cpu"] / threads, (decompress["cpu"] + create["cpu"]) / min(cores, 2))


def reached(groups, cores):
    """Rows (what, target, reached) of what these groups measured."""
    by_key = {(group["corpus"], group["format"], group["place"]): group for group in groups}
    rows = []
    for corpus, form, place, what, who, peer, most in REACH:
        found = by_key.get((corpus, form, place), {"tools": {}})["tools"]
        if who in found and peer in found:
            label = f"{corpus} {form} {place}: {what} of {who} to {peer}"
            rows.append((label, most, found[who][what] / found[peer][what]))
    for group in groups:
        floor = floor_of(group, cores)
        if floor and "oakum" in group["tools"] and group["corpus"] not in ("empty", "smoke"):
            label = f"{group['corpus']} {group['format']} {group['place']}: wall of oakum to its floor"
            rows.append((label, FLOOR_RATIO, group["tools"]["oakum"]["wall"] / floor))
    return rows
