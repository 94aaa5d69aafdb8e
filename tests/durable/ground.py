# SPDX-License-Identifier: Apache-2.0
"""What the durable tests stand on: a layer, file systems of their own, and the command."""

import io
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

MTIME = 1_600_000_000


def cannot(reason):
    """CI must run this; elsewhere CTest shows it as skipped."""
    print(f"cannot run: {reason}")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def knows(kind):
    """Does the kernel mount this file system, and can one be made?"""
    if not shutil.which(f"mkfs.{kind}"):
        return False
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", kind], check=False, stderr=subprocess.DEVNULL)
    with open("/proc/filesystems", encoding="ascii") as known:
        return kind in known.read().split()


def add(tar, name, content=None, **fields):
    """A member; fields are those of TarInfo, xattrs come as a dictionary."""
    info = tarfile.TarInfo(name)
    info.mtime = MTIME + len(name)
    info.mode = 0o755
    xattrs = fields.pop("xattrs", {})
    info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in xattrs.items()}
    for field, value in fields.items():
        setattr(info, field, value)
    if content is not None:
        info.size = len(content)
    tar.addfile(info, None if content is None else io.BytesIO(content))


def make_layer(path):
    """Every kind of entry, small and large files; the names of all entries."""
    chance = random.Random(1)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        add(tar, "./", type=tarfile.DIRTYPE)
        for i in range(8):
            above = f"d{i}/" + "below/" * (i % 4)
            add(tar, above, type=tarfile.DIRTYPE, mode=0o700 + i, uid=i)
            for j in range(6):
                add(tar, f"{above}f{j}", chance.randbytes(chance.choice((0, 1, 4096, 30000))),
                    mode=0o4711 if j == 0 else 0o640, uid=j)
            add(tar, f"{above}link", type=tarfile.SYMTYPE, linkname="f0")
            add(tar, f"hard/{i}", type=tarfile.LNKTYPE, linkname=f"{above}f1")
        add(tar, "long-link", type=tarfile.SYMTYPE, linkname="x" * 300)
        add(tar, "implied/by/its/name", b"content", uid=7)
        add(tar, "large", chance.randbytes(700_000))
        add(tar, "noted", b"", xattrs={"user.note": "value"})
        add(tar, "pipe", type=tarfile.FIFOTYPE)
        add(tar, "null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    with tarfile.open(path) as tar:
        return {name.strip("/") for name in tar.getnames()}


class Ground:
    """A directory with a tmpfs and the layer in it; programs: oakum and oakum-manifest."""

    def __init__(self, oakum, manifest):
        self.oakum = oakum
        self.manifest_program = manifest
        self.work = tempfile.mkdtemp()
        self.mounted = []
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3G", "none", self.work],
                          check=False, stderr=subprocess.DEVNULL).returncode != 0:
            os.rmdir(self.work)
            cannot("nothing can be mounted")
        self.mounted.append(self.work)
        self.layer = self.path("layer.tar")
        self.names = make_layer(self.layer)
        self.unpack(self.path("expected"))
        self.expected = self.manifest(self.path("expected"))

    def path(self, name):
        return os.path.join(self.work, name)

    def end(self):
        while self.mounted:
            self.umount(self.mounted[-1])
        os.rmdir(self.work)

    def mount(self, options, source, name):
        """At a directory of this name below the work directory; its path."""
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        run("mount", *options, source, path)
        self.mounted.append(path)
        return path

    def umount(self, path):
        run("umount", path)
        self.mounted.remove(path)

    def command(self, rootfs, *options):
        return [self.oakum, "unpack", *options, self.layer, rootfs]

    def unpack(self, rootfs, *options):
        """Must succeed; how long it took."""
        start = time.monotonic()
        run(*self.command(rootfs, *options))
        return time.monotonic() - start

    def try_unpack(self, rootfs, *options):
        """The exit status and what was said."""
        done = subprocess.run(self.command(rootfs, *options), check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.strip()

    def manifest(self, tree):
        """Lines; directories that no entry tells about are as old as the run."""
        done = subprocess.run([self.manifest_program, tree], check=True, text=True,
                              stdout=subprocess.PIPE)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        for fields in lines:
            if fields[0] not in self.names:
                fields[6] = "any"
        return ["\t".join(fields) for fields in lines]

    def state(self, tree):
        """missing, empty, complete, or the first line that is wrong."""
        if not os.path.lexists(tree):
            return "missing"
        if not os.listdir(tree):
            return "empty"
        found = self.manifest(tree)
        if found == self.expected:
            return "complete"
        wrong = set(found) ^ set(self.expected)
        return f"between: {len(wrong)} lines, {sorted(wrong)[0]!r}"

    def is_right_about_space(self, said):
        """Does it say that no space is left, and name an entry of the layer or its own step?"""
        found = re.fullmatch(r"oakum: (setup|write): (?:(.*): )?([^:]*): No space left on device(?: .*)?",
                             said)
        if not found:
            return False
        stage, entry, operation = found.groups()
        if stage == "setup":
            return entry.endswith("/rootfs") and operation.endswith("beside target")
        if operation == "rename to target":
            return entry.endswith("/rootfs")
        if entry is None: # the rootfs itself
            return operation in ("fsync", "futimens")
        return any(name == entry or name.startswith(entry + "/") for name in self.names)


def start(needs_root="mounts need root"):
    """The ground, from the command line: OAKUM MANIFEST ...; in a mount namespace of its own."""
    if os.geteuid() != 0:
        cannot(needs_root)
    if os.environ.get("OAKUM_DURABLE") != "inside":
        os.environ["OAKUM_DURABLE"] = "inside"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B",
                              *sys.argv])
    os.umask(0o022)
    return Ground(*sys.argv[1:3])
