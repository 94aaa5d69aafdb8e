# SPDX-License-Identifier: Apache-2.0
"""Trees on disk: how they are before a child runs, and what one looks like afterwards."""

import hashlib
import os
import shutil
import socket
import stat
import subprocess

# Whatever is there before has this time, so that "now" is recognised.
BEFORE = 1_500_000_000

KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "symlink",
         stat.S_IFCHR: "char", stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


# --- building: each function describes one path ---

def node(path, make, mode, uid=0, gid=0, xattrs=None, mtime=BEFORE):
    return {"path": path, "make": make, "mode": mode, "uid": uid, "gid": gid,
            "xattrs": xattrs or {}, "mtime": mtime}


def directory(path, mode=0o755, **more):
    return node(path, lambda p: os.makedirs(p, exist_ok=True), mode, **more)


def file(path, data=b"before\n", mode=0o644, **more):
    def make(p):
        with open(p, "wb") as out:
            out.write(data)
    return node(path, make, mode, **more)


def symlink(path, target, **more):
    return node(path, lambda p: os.symlink(os.fsencode(target), p), None, **more)


def hardlink(path, target):
    """target: relative to the root. Keeps the metadata of the first name."""
    def make(p, root):
        os.link(os.path.join(root, os.fsencode(target)), p, follow_symlinks=False)
    return {"path": path, "link": make}


def char(path, major=1, minor=3, mode=0o600, **more):
    return node(path, lambda p: os.mknod(p, stat.S_IFCHR | 0o600, os.makedev(major, minor)), mode,
                **more)


def block(path, major=7, minor=200, mode=0o600, **more):
    return node(path, lambda p: os.mknod(p, stat.S_IFBLK | 0o600, os.makedev(major, minor)), mode,
                **more)


def fifo(path, mode=0o600, **more):
    return node(path, lambda p: os.mkfifo(p), mode, **more)


def unix_socket(path, mode=0o600, **more):
    def make(p):
        # The path may be longer than a socket's address: from the directory it is not.
        here = os.open(".", os.O_RDONLY)
        os.chdir(os.path.dirname(p))
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(os.path.basename(p))
        finally:
            os.fchdir(here)
            os.close(here)
    return node(path, make, mode, **more)


def build(root, nodes):
    """Makes nodes below root; parents that nobody described are made as well."""
    os.makedirs(root, exist_ok=True)
    for item in nodes:
        path = os.path.join(root, os.fsencode(item["path"]).lstrip(b"/"))
        if item["path"]:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        if "link" in item:
            item["link"](path, root)
            continue
        item["make"](path)
        if item["uid"] or item["gid"]:
            os.chown(path, item["uid"], item["gid"], follow_symlinks=False)
        if item["mode"] is not None:
            os.chmod(path, item["mode"])
        for key, value in item["xattrs"].items():
            os.setxattr(path, key, value, follow_symlinks=False)
    for parent, directories, files in os.walk(root, topdown=False):
        for name in directories + files:
            set_time(os.path.join(parent, name), BEFORE)
    set_time(root, BEFORE)
    for item in nodes:
        if item.get("mtime", BEFORE) != BEFORE:
            set_time(os.path.join(root, os.fsencode(item["path"]).lstrip(b"/")), item["mtime"])


def set_time(path, seconds):
    nanoseconds = int(seconds * 1_000_000_000)
    os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=False)


def remove(path):
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except (OSError, RecursionError):
        subprocess.run(["rm", "-rf", "--", path], check=True)


# --- looking ---

def readable(raw):
    """Bytes as one word of ASCII."""
    return raw.decode("utf-8", "surrogateescape").encode("unicode_escape", "surrogatepass") \
        .decode().replace("\\udc", "\\x")


def snapshot(root, started, ended):
    """{path: {field: value}} of everything below root, root itself included as "/".

    Times between started and ended (in ns) are "now".
    """
    entries = {}
    inodes = {}

    def when(nanoseconds):
        if started <= nanoseconds <= ended:
            return "now"
        sign = "-" if nanoseconds < 0 else ""
        return f"{sign}{abs(nanoseconds) // 10**9}.{abs(nanoseconds) % 10**9:09}"

    def look(directory, name, path):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        through = b"/proc/self/fd/%d/%s" % (directory, name)
        fields = {"type": KINDS[stat.S_IFMT(status.st_mode)],
                  "mode": f"{stat.S_IMODE(status.st_mode):04o}",
                  "uid": str(status.st_uid), "gid": str(status.st_gid),
                  "mtime": when(status.st_mtime_ns), "atime": when(status.st_atime_ns)}
        for key in sorted(os.listxattr(through, follow_symlinks=False)):
            fields["xattr " + key] = readable(os.getxattr(through, key, follow_symlinks=False))
        kind = fields["type"]
        if kind == "file":
            fields["size"] = str(status.st_size)
            fields["content"] = content_of(directory, name, status.st_size)
        elif kind == "symlink":
            fields["target"] = readable(os.readlink(name, dir_fd=directory))
        elif kind in ("char", "block"):
            fields["device"] = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        if kind != "directory" and status.st_nlink > 1:
            fields["links"] = inodes.setdefault(status.st_ino, []) # filled in below
            inodes[status.st_ino].append(path)
        entries[path] = fields
        if kind == "directory":
            below(directory, name, path)

    def below(directory, name, path):
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        try:
            for child in sorted(os.fsencode(n) for n in os.listdir(opened)):
                look(opened, child, path.rstrip("/") + "/" + readable(child))
        finally:
            os.close(opened)

    if not os.path.lexists(root):
        return {}
    parent = os.open(os.path.dirname(root), os.O_RDONLY | os.O_DIRECTORY)
    try:
        look(parent, os.path.basename(root), "/")
    finally:
        os.close(parent)
    for fields in entries.values():
        if "links" in fields:
            fields["links"] = " = ".join(fields["links"])
    return entries


def settle_root(fields):
    """The root's time before the run counts as "now": one child makes a temporary directory there,
    and another need not."""
    for field in ("mtime", "atime"):
        if fields[field] == f"{BEFORE}.000000000":
            fields[field] = "now"


def content_of(directory, name, size):
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
    with os.fdopen(opened, "rb") as stream:
        if size <= 40:
            return readable(stream.read())
        if size > 1 << 28: # of holes: there is no room for as much
            return f"{size} bytes"
        return hashlib.file_digest(stream, "sha256").hexdigest()
