# SPDX-License-Identifier: Apache-2.0
"""Whole layers: of Debian packages, and of a tree of everything, as several programs pack it."""

import atexit
import bz2
import functools
import glob
import gzip
import io
import lzma
import os
import shutil
import subprocess
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
ENVIRONMENT = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}

OPENERS = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
XATTRS = ["--xattrs", "--xattrs-include=*"]
PACKERS = {
    "gnu": ["tar", "--format=gnu"],
    "gnu-sparse": ["tar", "--format=gnu", "--sparse"],
    "oldgnu": ["tar", "--format=oldgnu"],
    "ustar": ["tar", "--format=ustar"],
    "v7": ["tar", "--format=v7"],
    "pax": ["tar", "--format=posix", *XATTRS],
    "pax-sparse-0.0": ["tar", "--format=posix", "--sparse", "--sparse-version=0.0", *XATTRS],
    "pax-sparse-0.1": ["tar", "--format=posix", "--sparse", "--sparse-version=0.1", *XATTRS],
    "pax-sparse-1.0": ["tar", "--format=posix", "--sparse", "--sparse-version=1.0", *XATTRS],
    "bsdtar-pax": ["bsdtar", "--format=pax", "--no-acls", "--no-fflags"],
    "bsdtar-gnutar": ["bsdtar", "--format=gnutar"],
    "bsdtar-ustar": ["bsdtar", "--format=ustar"],
}
PYTHON_FORMATS = {"python-ustar": tarfile.USTAR_FORMAT, "python-gnu": tarfile.GNU_FORMAT,
                  "python-pax": tarfile.PAX_FORMAT}


def tree_for(packer):
    """What the format can hold, in make-tree's words."""
    if packer == "v7":
        return "v7"
    return "ustar" if packer.endswith("ustar") else "full"


def real_layers():
    """[(name, what reads the layer)]"""
    paths = sorted(glob.glob(os.path.join(REPOSITORY, "testdata", "layers", "*.tar.*")))
    return [(os.path.basename(path), functools.partial(read_layer, path)) for path in paths
            if not os.path.basename(path).startswith("reject-")]


@functools.cache
def read_layer(path):
    with OPENERS[os.path.splitext(path)[1]](path) as layer:
        return layer.read()


def packed_trees():
    """[(packer, what packs the tree of everything with it)]"""
    return [(packer, functools.partial(packed_tree, packer))
            for packer in [*PACKERS, *PYTHON_FORMATS]
            if shutil.which(packer.split("-")[0] if packer.startswith("bsdtar") else "tar")]


@functools.cache
def packed_tree(packer):
    return pack(packer, os.path.join(trees(), tree_for(packer)))


@functools.cache
def trees():
    """A directory with the trees that make-tree makes; removed at the end."""
    work = tempfile.mkdtemp(prefix="storage-trees-")
    atexit.register(subprocess.run, ["rm", "-rf", "--", work], check=True)
    makers = [subprocess.Popen([os.path.join(HERE, "..", "make-tree"), os.path.join(work, kind),
                                kind], env=ENVIRONMENT) for kind in ("full", "ustar", "v7")]
    if any([maker.wait() for maker in makers]):
        raise RuntimeError("make-tree failed")
    return work


def pack(packer, where):
    if packer in PACKERS:
        command = [*PACKERS[packer], "-C", where, "-cf", "-", "--numeric-owner", "."]
        # bsdtar says which names are no UTF-8; that they are packed is what matters.
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=ENVIRONMENT).stdout
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=PYTHON_FORMATS[packer],
                      errors="surrogateescape") as archive:
        archive.add(where, arcname=".")
    return stream.getvalue()
