# SPDX-License-Identifier: Apache-2.0
"""Takes the stream of storage-tar apart, field by field, and blanks what versions disagree about."""

import gzip
import hashlib
import os
import subprocess

from tarmaker import BLOCK, checksum_of
from tree import readable

FIELDS = {"name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
          "mtime": (136, 12), "link": (157, 100), "magic": (257, 8), "uname": (265, 32),
          "gname": (297, 32), "major": (329, 8), "minor": (337, 8), "prefix": (345, 155),
          "rest": (500, 12)}


class Malformed(Exception):
    pass


def decompressed(stream):
    try:
        if stream.startswith(b"\x1f\x8b"):
            return gzip.decompress(stream)
        if stream.startswith(b"\x28\xb5\x2f\xfd"):
            return subprocess.run(["zstd", "-dcq"], input=stream, stdout=subprocess.PIPE,
                                  check=True).stdout
    except (OSError, EOFError, subprocess.CalledProcessError) as error:
        raise Malformed(str(error)) from error
    return stream


def number(field):
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7f]) + field[1:], "big")
    return int(field.strip(b" \x00") or b"0", 8)


def parse(stream):
    """[{field: value}], one for each header block, and how the stream ends as the last."""
    entries = []
    at = 0
    while at < len(stream):
        block = stream[at:at + BLOCK]
        if len(block) < BLOCK:
            raise Malformed(f"{len(block)} bytes are left at {at}")
        if not any(block):
            entries.append({"type": "end", "zeros": str(len(stream) - at)
                            if not any(stream[at:]) else "and something behind them"})
            return entries
        entry = {name: readable(block[offset:offset + width])
                 for name, (offset, width) in FIELDS.items()}
        entry["type"] = readable(block[156:157])
        entry["mode"] = f"{number(block[100:108]):o}"
        if number(block[148:156]) != checksum_of(block):
            raise Malformed(f"wrong checksum at {at}")
        size = 0 if entry["type"] in "123456" else number(block[124:136])
        data = stream[at + BLOCK:at + BLOCK + size]
        padding = stream[at + BLOCK + size:at + BLOCK + size + -size % BLOCK]
        if len(data) < size or any(padding):
            raise Malformed(f"data or padding at {at}")
        if entry["type"] in "xg":
            for key, value in records(data):
                entry["record " + readable(key)] = readable(value)
        elif size:
            entry["content"] = hashlib.sha256(data).hexdigest()
        entries.append(entry)
        at += BLOCK + size + len(padding)
    entries.append({"type": "end", "zeros": "0"})
    return entries


def records(body):
    at = 0
    while at < len(body):
        length, _, rest = body[at:].partition(b" ")
        key, _, value = rest[:int(length) - len(length) - 2].partition(b"=")
        if body[at + int(length) - 1:at + int(length)] != b"\n":
            raise Malformed("a pax record without its newline")
        yield key, value
        at += int(length)


def normalised(stream):
    """{number and name: fields}, without what section 5.3 lists as different in newer versions.

    This is the one place where that is done. Newer versions, which oakum follows, give
    * in mode the permissions and 07000 alone; the oracle adds the type, S_IFMT,
    * no uname and gname; the oracle looks them up inside the root,
    * no atime and ctime with CopyPass; the oracle adds these records,
    * no xattrs user.overlay.*,
    * as the target of a hard link the name as written; the oracle, the name before .wh. was added.
    A pax header that is left without records was there for these alone, and is dropped.
    """
    result = {}
    for entry in parse(decompressed(stream)):
        if entry["type"] == "end":
            result["end"] = entry
            continue
        entry["mode"] = f"{int(entry['mode'], 8) & 0o7777:04o}"
        entry["uname"] = entry["gname"] = ""
        if entry["type"] == "x":
            for key in [k for k in entry if k in ("record atime", "record ctime") or
                        k.startswith("record SCHILY.xattr.user.overlay.")]:
                del entry[key]
            entry["size"] = ""
            if not any(key.startswith("record ") for key in entry):
                continue
        if entry["type"] == "1":
            entry["link"] = os.path.join(os.path.dirname(entry["link"]), "") + \
                os.path.basename(entry["link"]).removeprefix(".wh.")
        result[f"{len(result)} {entry['type']} {entry['name']}"] = entry
    return result
