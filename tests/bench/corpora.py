# SPDX-License-Identifier: Apache-2.0
"""The layers that are unpacked: made once, kept in a directory, the same for every tool."""

import io
import os
import random
import shutil
import subprocess
import tarfile
import tempfile

MTIME = 1700000000
SUFFIXES = {"tar": ".tar", "gzip": ".tar.gz", "zstd": ".tar.zst", "xz": ".tar.xz"}
COMPRESSORS = {
    "gzip": ["pigz", "-6", "-n", "-c"],
    "zstd": ["zstd", "-3", "-q", "-c"],
    # Blocks that several threads can take: what xz makes with -T.
    "xz": ["xz", "-6", "-T2", "--block-size=8MiB", "-c"],
}


class Missing(Exception):
    """A corpus cannot be made here; says why."""


def packed(tree, names, to):
    """Packs names (None: everything) below the directory tree into the tar file to."""
    command = ["tar", "--numeric-owner", "--sort=name", "--xattrs", "-C", tree, "-cf", to]
    if names is None:
        subprocess.run([*command, "."], check=True)
        return
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("".join(f"{name}\0" for name in names))
        listed.flush()
        subprocess.run([*command, "--no-recursion", "--null", "-T", listed.name], check=True)


def debian(to):
    """The base layer of Debian: what nearly every image starts with."""
    if not shutil.which("debootstrap"):
        raise Missing("debootstrap is not installed")
    with tempfile.TemporaryDirectory() as work:
        tree = os.path.join(work, "tree")
        made = subprocess.run(["debootstrap", "--variant=minbase", "bookworm", tree],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode != 0:
            raise Missing("debootstrap failed: is there a network?")
        for emptied in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(os.path.join(tree, emptied))
            os.mkdir(os.path.join(tree, emptied))
        packed(tree, None, to)


def installed_files(keep):
    """Regular files below /usr, in order, that keep(bytes) takes."""
    for place, directories, names in os.walk("/usr"):
        directories.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            status = os.lstat(path)
            if os.path.isfile(path) and not os.path.islink(path) and keep(status.st_size):
                yield path, status.st_size


def of_installed(to, keep, most_files, most_bytes):
    """Packs files of this machine's packages, with the directories above them."""
    names, total = set(), 0
    for path, size in installed_files(keep):
        if most_files == 0 or total + size > most_bytes:
            break
        most_files -= 1
        total += size
        while path not in ("/", ""):
            names.add(path.lstrip("/"))
            path = os.path.dirname(path)
    packed("/", sorted(names), to)


def image(to):
    of_installed(to, lambda size: size < 32 << 20, 60000, 1800 << 20)


def small(to):
    of_installed(to, lambda size: size <= 64 << 10, 100000, 1 << 30)


def big(to):
    of_installed(to, lambda size: 16 << 20 <= size < 160 << 20, 20, 640 << 20)


def member(name, kind=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type, info.mtime, info.mode = kind, MTIME, 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def links(to):
    """50,000 entries that are mostly names: links of both kinds, directories, attributes, owners."""
    rng = random.Random(1)
    with tarfile.open(to, "w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(10000):
            if number < 100:
                archive.addfile(member(f"d{number}", tarfile.DIRTYPE))
            place = f"d{number % 100}/e{number}"
            owner = rng.randrange(0, 2000)
            archive.addfile(member(place, tarfile.DIRTYPE, uid=owner))
            attributes = {"SCHILY.xattr.user.number": str(number)}
            content = rng.randbytes(rng.randrange(0, 2000))
            archive.addfile(member(f"{place}/f", size=len(content), gid=owner, pax_headers=attributes),
                            io.BytesIO(content))
            archive.addfile(member(f"{place}/hard", tarfile.LNKTYPE, linkname=f"{place}/f"))
            archive.addfile(member(f"{place}/soft", tarfile.SYMTYPE, linkname="f"))
            archive.addfile(member(f"{place}/up", tarfile.SYMTYPE, linkname=f"../e{number - 1}/f"))


def tiny(count):
    def make(to):
        with open(to, "wb") as out:
            for number in range(count):
                if number % 1000 == 0:
                    out.write(member(f"d{number // 1000}", tarfile.DIRTYPE).tobuf(tarfile.USTAR_FORMAT))
                out.write(member(f"d{number // 1000}/{number}", size=16).tobuf(tarfile.USTAR_FORMAT))
                out.write(b"sixteen bytes..\n".ljust(512, b"\0"))
            out.write(bytes(1024))
    return make


def empty(to):
    with open(to, "wb") as out:
        out.write(bytes(1024))


def smoke(to):
    """Small enough for every run of the test suite, with one of everything that matters."""
    with tarfile.open(to, "w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(20):
            archive.addfile(member(f"d{number}", tarfile.DIRTYPE))
            archive.addfile(member(f"d{number}/f", size=5000, uid=number), io.BytesIO(bytes(5000)))
            archive.addfile(member(f"d{number}/hard", tarfile.LNKTYPE, linkname=f"d{number}/f"))
            archive.addfile(member(f"d{number}/soft", tarfile.SYMTYPE, linkname="f"))


# name: (who makes it, formats, kinds of place it is unpacked to, bytes of an ext4 that holds it)
CORPORA = {
    "debian": (debian, ("gzip", "zstd", "tar", "xz"), ("ext4", "tmpfs"), 1 << 30),
    "small": (small, ("gzip",), ("ext4", "tmpfs"), 3 << 30),
    "big": (big, ("gzip",), ("ext4", "tmpfs"), 2 << 30),
    "image": (image, ("gzip",), ("tmpfs",), 4 << 30),
    "links": (links, ("gzip",), ("ext4", "tmpfs"), 1 << 30),
    "tiny-10k": (tiny(10000), ("tar",), ("tmpfs",), 1 << 30),
    "tiny-100k": (tiny(100000), ("tar",), ("tmpfs",), 1 << 30),
    "tiny-1m": (tiny(1000000), ("tar",), ("tmpfs",), 6 << 30),
    "empty": (empty, ("gzip",), ("tmpfs",), 64 << 20),
    "smoke": (smoke, ("gzip",), ("directory",), 0),
}


def kept(path, make):
    """Makes the file at path, unless it is there already: whole or not at all."""
    if os.path.exists(path):
        return
    unfinished = path + ".part"
    make(unfinished)
    os.rename(unfinished, path)


def layer(cache, name, form):
    """The path of the corpus in that format."""
    plain = os.path.join(cache, name + SUFFIXES["tar"])
    kept(plain, CORPORA[name][0])
    wanted = os.path.join(cache, name + SUFFIXES[form])

    def compress(to):
        with open(plain, "rb") as source, open(to, "wb") as out:
            subprocess.run(COMPRESSORS[form], stdin=source, stdout=out, check=True)

    kept(wanted, compress)
    return wanted
