# SPDX-License-Identifier: Apache-2.0
"""Who unpacks: oakum and its peers, each a command for a layer and a rootfs."""

import os
import shutil
import subprocess

TAR = "tar --numeric-owner --xattrs --xattrs-include=* -p -x -C {rootfs}"
# The library's own client gives its helper the options on descriptor 3.
UNTAR = "cd {rootfs} && exec 3<{options} && exec -a storage-untar {helper} {rootfs} {rootfs} <{layer}"


class Tool:
    def __init__(self, name, shell, formats, needs=()):
        self.name, self.shell, self.formats, self.needs = name, shell, formats, needs

    def is_here(self):
        return all(shutil.which(program) for program in self.needs)

    def command(self, layer, rootfs, words):
        """Through a shell where there is a pipe, which costs all of them a millisecond or two."""
        text = self.shell.format(layer=layer, rootfs=rootfs, **words)
        if any(sign in text for sign in "|<;&"):
            return ["bash", "-c", text]
        return text.split()


def tools(cache):
    peers = peers_in(cache)
    everything = ("gzip", "zstd", "xz", "tar")
    return [
        Tool("oakum", "{build}/oakum unpack {layer} {rootfs}", everything),
        Tool("oakum-untar", UNTAR.replace("{helper}", "{build}/oakum-helper"), ("tar",)),
        Tool("bsdtar", "bsdtar --numeric-owner -p -x -f {layer} -C {rootfs}", everything, ("bsdtar",)),
        Tool("containers-storage", peers + " storage {layer} {rootfs}", everything, (peers,)),
        Tool("containerd", peers + " containerd {layer} {rootfs}", ("gzip", "zstd", "tar"), (peers,)),
        Tool("skopeo-untar", UNTAR.replace("{helper}", "{skopeo}"), ("tar",), ("skopeo",)),
        Tool("tar", TAR + " -f {layer}", ("tar",)),
        Tool("tar+gzip", "gzip -dc {layer} | " + TAR, ("gzip",), ("gzip",)),
        Tool("tar+pigz", "pigz -dc {layer} | " + TAR, ("gzip",), ("pigz",)),
        Tool("tar+igzip", "igzip -dc {layer} | " + TAR, ("gzip",), ("igzip",)),
        Tool("tar+zstd", "zstd -dcq {layer} | " + TAR, ("zstd",), ("zstd",)),
        Tool("tar+xz", "xz -dc {layer} | " + TAR, ("xz",), ("xz",)),
        # What no unpacker can be faster than: see floor.c.
        Tool("floor-decompress", "{build}/tests/bench/floor decompress {layer}", everything),
        Tool("floor-create", "{build}/tests/bench/floor create {plain} {rootfs}", everything),
    ]


def peers_in(cache):
    return os.path.join(cache, "peers")


def build_peers(cache, source):
    """The Go program on Debian's packages of containers/storage and containerd, if they are here."""
    target = peers_in(cache)
    library = "/usr/share/gocode/src/github.com/"
    needed = ("containers/storage/pkg/chrootarchive", "containerd/containerd/archive")
    if os.path.exists(target) or not all(os.path.isdir(library + path) for path in needed):
        return
    tags = "exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper,exclude_graphdriver_zfs"
    environment = {**os.environ, "GO111MODULE": "off", "GOENV": "off", "GOPATH": "/usr/share/gocode",
                   "GOFLAGS": f"-tags={tags}", "GOCACHE": os.path.join(cache, "gocache")}
    environment.pop("GOROOT", None)
    subprocess.run(["/usr/bin/go", "build", "-o", target, "."], cwd=source, env=environment, check=False)


def startups(cache):
    """With an empty layer all that is left is start and end: a call of the library, and processes."""
    empty = UNTAR.replace("<{layer}", "<{plain}").replace("{helper}", "{skopeo}")
    return [
        Tool("oakum-call", "{build}/tests/bench/call {layer} {rootfs} 100", ("gzip",)),
        Tool("oakum", "{build}/oakum unpack {layer} {rootfs}", ("gzip",)),
        Tool("skopeo-empty", empty, ("gzip",), ("skopeo",)),
        Tool("bsdtar", "bsdtar -x -f {layer} -C {rootfs}", ("gzip",), ("bsdtar",)),
        Tool("containers-storage", peers_in(cache) + " storage {layer} {rootfs}", ("gzip",),
             (peers_in(cache),)),
    ]
