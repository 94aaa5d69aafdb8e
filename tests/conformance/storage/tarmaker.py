# SPDX-License-Identifier: Apache-2.0
"""Makes tar archives by hand, byte for byte: what is wrong in them is wrong on purpose.

Every function returns bytes, and an archive is their concatenation:

    archive(directory("d"), pax({"mtime": "1.5"}), file("d/f", b"text"))

A field takes a number (octal, or base-256 when it does not fit), or bytes that are stored verbatim.
"""

BLOCK = 512
MTIME = 1_600_000_000

# Magic and version, as they lie at offset 257.
USTAR = b"ustar\x0000"
GNU = b"ustar  \x00"
V7 = b"\x00" * 8
STAR = b"star"  # the ustar magic, and a trailer at offset 508


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def padded(data):
    return data + b"\x00" * (-len(data) % BLOCK)


def zero_blocks(count):
    return b"\x00" * (BLOCK * count)


END = zero_blocks(2)


def archive(*parts, end=END):
    return b"".join(parts) + end


# --- fields ---

def base256(number, width):
    """GNU's and star's binary numbers: two's complement, with the leading bit set."""
    field = bytearray(number.to_bytes(width, "big", signed=True))
    field[0] |= 0x80
    return bytes(field)


def numeric(value, width):
    if isinstance(value, bytes):
        return value.ljust(width, b"\x00")
    if value < 0 or value >= 8 ** (width - 1):
        return base256(value, width)
    return b"%0*o\x00" % (width - 1, value)


def checksum_of(block, signed=False):
    blanked = block[:148] + b" " * 8 + block[156:]
    return sum(byte - 256 if signed and byte > 127 else byte for byte in blanked)


def header(name="", *, type="0", mode=0o644, uid=0, gid=0, size=0, mtime=MTIME, link="",
           magic=USTAR, uname="", gname="", major=0, minor=0, prefix="", patches=(),
           checksum="unsigned"):
    """One header block. patches: (offset, bytes) that are put over the rest, before the checksum."""
    block = bytearray(BLOCK)

    def put(offset, width, value):
        value = as_bytes(value)
        assert len(value) <= width, (offset, value)
        block[offset:offset + len(value)] = value

    put(0, 100, name)
    put(100, 8, numeric(mode, 8))
    put(108, 8, numeric(uid, 8))
    put(116, 8, numeric(gid, 8))
    put(124, 12, numeric(size, 12))
    put(136, 12, numeric(mtime, 12))
    put(156, 1, type)
    put(157, 100, link)
    put(257, 8, USTAR if magic == STAR else magic)
    if magic != V7:
        put(265, 32, uname)
        put(297, 32, gname)
        put(329, 8, numeric(major, 8))
        put(337, 8, numeric(minor, 8))
        put(345, 131 if magic == STAR else 155, prefix)
    if magic == STAR:
        put(508, 4, b"tar\x00")
    for offset, value in patches:
        put(offset, BLOCK - offset, value)
    if isinstance(checksum, bytes):
        put(148, 8, checksum.ljust(8, b"\x00"))
    else:
        number = checksum_of(block, signed=checksum == "signed")
        put(148, 8, b"%06o\x00 " % (number + (1 if checksum == "wrong" else 0)))
    return bytes(block)


# --- entries ---

def file(name, data=b"content\n", **fields):
    data = as_bytes(data)
    fields.setdefault("size", len(data))
    return header(name, **fields) + padded(data)


def directory(name, mode=0o755, **fields):
    return header(name, type="5", mode=mode, **fields)


def symlink(name, target, mode=0o777, **fields):
    return header(name, type="2", link=target, mode=mode, **fields)


def hardlink(name, target, **fields):
    return header(name, type="1", link=target, **fields)


def char(name, major=1, minor=3, **fields):
    return header(name, type="3", major=major, minor=minor, **fields)


def block(name, major=7, minor=200, **fields):
    return header(name, type="4", major=major, minor=minor, **fields)


def fifo(name, **fields):
    return header(name, type="6", **fields)


# --- pax: records that say more about the next entry ---

def record(key, value):
    """"LENGTH KEY=VALUE\\n", where LENGTH counts its own digits."""
    rest = b" " + as_bytes(key) + b"=" + as_bytes(value) + b"\n"
    length = len(rest) + len(str(len(rest)))
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def pax_of(body, type="x", name="PaxHeaders.0/entry", **fields):
    """A pax header of any body, well formed or not."""
    fields.setdefault("size", len(body))
    return header(name, type=type, **fields) + padded(body)


def pax(records, **fields):
    """records: a dictionary, or pairs where a key comes twice."""
    pairs = records.items() if isinstance(records, dict) else records
    return pax_of(b"".join(record(key, value) for key, value in pairs), **fields)


def global_pax(records, name="pax_global_header", **fields):
    return pax(records, type="g", name=name, **fields)


def xattrs(values):
    return pax({"SCHILY.xattr." + key: value for key, value in values.items()})


# --- GNU ---

def long_name(name, type="L", **fields):
    body = as_bytes(name) + b"\x00"
    fields.setdefault("size", len(body))
    return header("././@LongLink", type=type, magic=GNU, **fields) + padded(body)


def long_link(target, **fields):
    return long_name(target, type="K", **fields)


def old_gnu_sparse(name, regions, real_size, data, extensions=(), **fields):
    """Type S: up to four regions in the header, then 21 in each block of extensions."""
    patches = [(386 + 24 * i, numeric(offset, 12) + numeric(length, 12))
               for i, (offset, length) in enumerate(regions[:4])]
    patches.append((482, b"\x01" if extensions else b"\x00"))
    patches.append((483, numeric(real_size, 12)))
    return header(name, type="S", magic=GNU, size=len(data), patches=patches, **fields) + \
        b"".join(extensions) + padded(data)


def sparse_extension(regions, more=False):
    body = b"".join(numeric(offset, 12) + numeric(length, 12) for offset, length in regions)
    return body.ljust(504, b"\x00") + (b"\x01" if more else b"\x00") + b"\x00" * 7


# --- pax sparse: three ways to say where the data lies ---

def sparse_0_0(name, regions, real_size, data, **fields):
    records = [("GNU.sparse.size", str(real_size)), ("GNU.sparse.numblocks", str(len(regions)))]
    for offset, length in regions:
        records += [("GNU.sparse.offset", str(offset)), ("GNU.sparse.numbytes", str(length))]
    return pax(records) + file(name, data, **fields)


def sparse_0_1(name, regions, real_size, data, stored_name="GNUSparseFile.0/f", **fields):
    numbers = ",".join(f"{offset},{length}" for offset, length in regions)
    return pax({"GNU.sparse.size": str(real_size), "GNU.sparse.numblocks": str(len(regions)),
                "GNU.sparse.map": numbers, "GNU.sparse.name": name}) + \
        file(stored_name, data, **fields)


def sparse_1_0(name, regions, real_size, data, stored_name="GNUSparseFile.0/f", map_text=None,
               **fields):
    if map_text is None:
        map_text = f"{len(regions)}\n" + "".join(f"{o}\n{n}\n" for o, n in regions)
    return pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name,
                "GNU.sparse.realsize": str(real_size)}) + \
        file(stored_name, padded(as_bytes(map_text)) + data, **fields)
