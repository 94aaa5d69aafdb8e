#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What --sync costs: none, full and fs in turn, and fsync(2) after each file for comparison.

Each run is on an ext4 made anew in a file on a real disk, which a loop device hands every flush to.
Files, for the disk is what is measured: the image is written once, so that its own blocks are there.
With 282 descriptors the unpacker's batch is one file, and is flushed when the next is complete: that
is fsync(2) after each file. Commits of the journal are counted beside the seconds: their number says
what is saved, whatever the disk and the load.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

import corpora
import places

IMAGE_BYTES = 1 << 30
FILES, FILE_BYTES, LAYER_BYTES = 6000, 64 << 10, 64 << 20
ONE_BY_ONE = ["prlimit", "--nofile=282:282"]
WAYS = {
    "none": ([], "none"),
    "fs": ([], "fs"),
    "data": ([], "data"),
    "full": ([], "full"),
    "after each file": (ONE_BY_ONE, "full"),
}


def make_image(path):
    with open(path, "wb") as image:
        for _ in range(IMAGE_BYTES >> 20):
            image.write(bytes(1 << 20))
        image.flush()
        os.fsync(image.fileno())


def commits(point):
    """Of the journal of the file system that is mounted there."""
    found = subprocess.run(["findmnt", "-n", "-o", "SOURCE", "--mountpoint", point], check=True,
                           text=True, stdout=subprocess.PIPE).stdout.strip()
    with open(f"/proc/fs/jbd2/{os.path.basename(found)}-8/info", encoding="ascii") as info:
        return int(info.read().split()[0])


def measure(given, work, layer, way):
    before, sync = WAYS[way]
    image, point = os.path.join(work, "image"), os.path.join(work, "point")
    places.run("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0", image)
    with places.mounted(point, "-o", "loop", image):
        places.run("sync", "-f", point)
        committed, began = commits(point), time.perf_counter()
        places.run(*before, os.path.join(given.build, "oakum"), "unpack", f"--sync={sync}", layer,
                   os.path.join(point, "rootfs"))
        return time.perf_counter() - began, commits(point) - committed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--disk", default="/var/tmp", help="a directory on the disk that is meant")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=FILES)
    given = parser.parse_args()
    layer = os.path.join(given.cache, f"sync-{given.files}.tar")
    os.makedirs(given.cache, exist_ok=True)
    if not os.path.exists(layer):
        corpora.of_installed(layer, lambda size: size < FILE_BYTES, given.files, LAYER_BYTES)
    runs = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(dir=given.disk) as work:
        make_image(os.path.join(work, "image"))
        os.mkdir(os.path.join(work, "point"))
        for _ in range(given.runs):
            for way, measured in runs.items():
                measured.append(measure(given, work, layer, way))
    print(f"{os.path.getsize(layer) / 1e6:.0f} MB of tar, {given.files} files, {given.runs} runs,"
          f" load {os.getloadavg()[0]:.1f}")
    print(f"{'':18}{'wall s':>9}{'least':>9}{'commits':>9}{'of each':>9}")
    each = statistics.median(wall for wall, _ in runs["after each file"])
    for way, measured in runs.items():
        walls = [wall for wall, _ in measured]
        print(f"{way:18}{statistics.median(walls):9.2f}{min(walls):9.2f}"
              f"{statistics.median(count for _, count in measured):9.0f}"
              f"{statistics.median(walls) / each:9.2f}")


main()
