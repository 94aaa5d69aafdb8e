# SPDX-License-Identifier: Apache-2.0
"""Where layers are unpacked to: a file system made anew for each run.

On one that lives on, removing a tree and making it again costs seconds for any tool: ext4
steps over inodes that were freed just now.
"""

import contextlib
import os
import shutil
import subprocess


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def mounted(point, *command):
    run("mount", *command, point)
    try:
        yield
    finally:
        run("umount", point)


@contextlib.contextmanager
def ext4(work, size):
    """On an image in a tmpfs, by a loop device: no disk has a say."""
    backing, point = os.path.join(work, "backing"), os.path.join(work, "point")
    os.makedirs(backing, exist_ok=True)
    os.makedirs(point, exist_ok=True)
    with mounted(backing, "-t", "tmpfs", "-o", f"size={size + (size >> 3)}", "tmpfs"):
        image = os.path.join(backing, "image")
        run("truncate", "-s", str(size), image)
        run("mkfs.ext4", "-q", "-F", image)
        with mounted(point, "-o", "loop", image):
            yield rootfs_in(point)


@contextlib.contextmanager
def tmpfs(work, size):
    point = os.path.join(work, "point")
    os.makedirs(point, exist_ok=True)
    with mounted(point, "-t", "tmpfs", "-o", f"size={size},nr_inodes=0", "tmpfs"):
        yield rootfs_in(point)


@contextlib.contextmanager
def directory(work, _size):
    point = os.path.join(work, "directory")
    os.makedirs(point)
    try:
        yield rootfs_in(point)
    finally:
        shutil.rmtree(point)


def rootfs_in(point):
    rootfs = os.path.join(point, "rootfs")
    os.mkdir(rootfs)
    return rootfs


PLACES = {"ext4": ext4, "tmpfs": tmpfs, "directory": directory}
