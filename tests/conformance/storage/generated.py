# SPDX-License-Identifier: Apache-2.0
"""Cases from a seed: entries, options and trees that were there before, at random.

Few names are used, so that entries meet: a file over a directory, a whiteout of a symlink, a hard
link through one. But most entries are such as succeed, for an archive is read up to its first error.
The case number N of the seed S is always the same.

There are wild ones and tame ones. Wild ones are whatever archives can be, so that some are in each
class of known differences. Tame ones leave those classes out, and for them no difference is known.
"""

import random

import tarmaker as tar
import tree as disk
from case import Case, id_map

NAMES = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "l/a", "l/e", "n/m", "n/m/a"]
SPELLINGS = ["{}", "{}", "{}", "{}", "./{}", "/{}", "{}/", "d/../{}", ".//{}", "../{}"]
SPECIAL = [".", "./", "/", "..", "", ".wh.", "d/.wh..", "a/.wh.."]
TARGETS = ["a", "b", "d", "d/a", "../a", "../b", "/a", "/d", "d/e", "l", ".", "..", "nowhere", "e",
           "./a", "/d/../a", "l/a", "../../a"]
MODES = [0o644, 0o600, 0o755, 0o4755, 0o2711, 0o1777, 0, 0o7777, 0o444]
IDS = [0, 0, 0, 1, 5, 1000, 65534, 70_000]
TIMES = [0, 1, 1_234_567_890, 1_600_000_000, -1, 1 << 31, 1 << 34]
MAPS = [None, id_map((0, 1000, 70_001)), id_map((0, 0, 1), (1, 100_000, 80_000)),
        id_map((0, 200_000, 900), (900, 50, 90_000))]
NARROW_MAPS = [[], id_map((0, 1000, 10)), id_map((1, 50, 5)), id_map((7, 9, 1))]
DIRECTORIES = ["d", "d/e", "n", "n/m"] # as a rule
SHARE = {"untar": 0.55, "layer": 0.3, "tar": 0.15}


def cases(suite, seed, count):
    for number in range(round(count * SHARE[suite])):
        # A string seeds the same way in every version.
        yield MAKERS[suite](random.Random(f"{suite} {seed} {number}"),
                            f"{suite}/generated/seed-{seed}-{number:05}")
        if suite in TAME:
            yield TAME[suite](random.Random(f"tame {suite} {seed} {number}"),
                              f"{suite}/tame/seed-{seed}-{number:05}")


def untar_case(r, name):
    return Case(name, an_archive(r), options=untar_options(r), before=a_tree(r),
                place=r.choice(["/", "/", "/", "/d", "/d/e", "/new"]),
                umask=r.choice([0o022, 0o022, 0, 0o077]), stdin_as_file=r.random() < 0.2)


def layer_case(r, name):
    return Case(name, an_archive(r), options=layer_options(r), before=a_tree(r),
                stdin_as_file=r.random() < 0.2)


def tar_case(r, name):
    return Case(name, options=tar_options(r), before=a_tree(r, for_packing=True),
                place=r.choice(["/", "/", "/", "/d", "/a", "/l", "/l/"]))


MAKERS = {"untar": untar_case, "layer": layer_case, "tar": tar_case}


# --- tame ones: what is a directory stays one, and nothing comes in two ways ---

TAME_FILES = ["a", "b", "d/a", "d/b", "d/e/a", "n/m/a", "n/b"]
TAME_TIMES = [0, 1, 1_234_567_890, 1_600_000_000, -1, 1 << 31]
HIDDEN = "w" # what whiteouts are of; no entry has this name


def tame_untar_case(r, name):
    options = untar_options(r)
    if options.get("UIDMaps") in NARROW_MAPS or options.get("GIDMaps") in NARROW_MAPS:
        options["UIDMaps"] = options["GIDMaps"] = MAPS[1]
    place = r.choice(["/", "/", "/d", "/d/e", "/new"])
    root = [tar.directory("./", mtime=5)] * r.randint(0, 1)
    return Case(name, b"".join(root) + tame_archive(r, has_hard_links=place == "/"), options=options,
                before=tame_tree(r, TAME_FILES), place=place, umask=r.choice([0o022, 0, 0o077]),
                stdin_as_file=r.random() < 0.2)


def tame_layer_case(r, name):
    options = layer_options(r)
    if options.get("UIDMaps") in NARROW_MAPS or options.get("GIDMaps") in NARROW_MAPS:
        options["UIDMaps"] = options["GIDMaps"] = MAPS[1]
    return Case(name, tame_archive(r, has_hard_links=True), options=options,
                before=tame_tree(r, TAME_FILES + [f"{where}/{HIDDEN}" for where in DIRECTORIES]),
                stdin_as_file=r.random() < 0.2)


TAME = {"untar": tame_untar_case, "layer": tame_layer_case}


def tame_archive(r, has_hard_links):
    parts, files = [], []
    for directory in DIRECTORIES: # in front, and complete, for opaque ones to be of lower layers
        if r.random() < 0.6:
            parts += tame_entry(r, directory, "directory", files)
            if r.random() < 0.2:
                parts.append(tar.file(directory + "/.wh..wh..opq", b""))
            elif r.random() < 0.3:
                parts.append(tar.file(f"{directory}/.wh.{HIDDEN}", b"", uid=r.choice(IDS)))
    for _ in range(r.randint(1, 14)):
        kinds = ["file", "symlink", "fifo", "char", "block"]
        if has_hard_links and files:
            kinds += ["hard link"] * 2
        parts += tame_entry(r, r.choice(TAME_FILES), r.choice(kinds), files)
    return tar.archive(*parts, end=r.choice([tar.END, b"", tar.zero_blocks(1), tar.zero_blocks(20)]))


def tame_entry(r, name, kind, files):
    chosen = {"mode": r.choice(MODES), "uid": r.choice(IDS), "gid": r.choice(IDS),
              "mtime": r.choice(TAME_TIMES), "magic": r.choice([tar.USTAR, tar.GNU])}
    spelt = r.choice(["{}", "{}", "./{}", "/{}", ".//{}"]).format(name)
    records = {"mtime": "1234567890.123456789", "atime": "1700000000.5", "uid": "7"}
    if kind in ("file", "directory"):
        records["SCHILY.xattr.user.x"] = "a=b\n"
    chosen_records = {key: records[key] for key in records if r.random() < 0.15}
    yield from [tar.pax(chosen_records)] if chosen_records else []
    if kind == "directory":
        yield tar.directory(spelt, chosen.pop("mode"), **chosen)
    elif kind == "hard link" and set(files) - {name}:
        yield tar.hardlink(spelt, r.choice(sorted(set(files) - {name})), **chosen)
    elif kind == "symlink":
        yield tar.symlink(spelt, r.choice(["a", "b", "/a", "nowhere", "d", "../b"]
                                          if "/" in name else ["a", "/b", "nowhere", "d"]), **chosen)
    elif kind in ("char", "block", "fifo"):
        yield {"char": tar.char, "block": tar.block, "fifo": tar.fifo}[kind](spelt, **chosen)
    else:
        kind = "file"
        yield tar.file(spelt, b"#" * r.choice([0, 1, 511, 512, 513, 40_000]), **chosen)
    # A link is to what is there for certain: devices are not made everywhere.
    if kind == "file":
        files.append(name)
    elif name in files and kind != "directory":
        files[:] = [other for other in files if other != name]


def tame_tree(r, names):
    """Of the lower layer: directories where directories will be, and anything elsewhere."""
    nodes = [disk.directory(name, r.choice([0o755, 0o700, 0o2775, 0o1777]), uid=r.choice(IDS),
                            gid=r.choice(IDS)) for name in DIRECTORIES if r.random() < 0.6]
    for name in names:
        kind = r.choice(["file", "symlink", "fifo", "char", "nothing", "nothing", "directory"])
        if kind == "char":
            nodes.append(disk.char(name, 1, 3))
        elif kind != "nothing":
            nodes.append(a_node(r, name, kind, {}))
    return nodes


# --- options ---

def id_options(r):
    maps = NARROW_MAPS if r.random() < 0.1 else MAPS
    chosen = {"UIDMaps": r.choice(maps), "GIDMaps": r.choice(maps)} if r.random() < 0.4 else {}
    if r.random() < 0.1:
        chosen["ChownOpts"] = {"UID": r.choice(IDS), "GID": r.choice(IDS)}
    return chosen


def untar_options(r):
    chosen = id_options(r)
    if r.random() < 0.5:
        chosen["WhiteoutFormat"] = 1
    if r.random() < 0.2:
        chosen["ExcludePatterns"] = r.sample(["a", "d/", "d/e", ".", "/", "l/a", ".wh", "nn"], 2)
    for flag in ("NoLchown", "InUserNS", "IgnoreChownErrors"):
        chosen[flag] = r.random() < 0.12
    chosen["NoOverwriteDirNonDir"] = r.random() < 0.05
    return chosen


def layer_options(r):
    return {**id_options(r), "InUserNS": r.random() < 0.2}


def tar_options(r):
    chosen = id_options(r)
    if r.random() < 0.4:
        chosen["IncludeFiles"] = r.choices(["a", "d", "d/e", "l", "l/", ".", "n", "nowhere"],
                                           k=r.randint(1, 3))
        chosen["RebaseNames"] = {r.choice(chosen["IncludeFiles"]): r.choice(["x", "x/y", "/", ""])}
    if r.random() < 0.4:
        chosen["ExcludePatterns"] = r.choices(["a", "d", "d/*", "**/a", "!d/e", "!**/b", "?", "n*"],
                                              k=r.randint(1, 3))
    for flag in ("IncludeSourceDir", "CopyPass"):
        chosen[flag] = r.random() < 0.3
    chosen["WhiteoutFormat"] = r.choice([0, 1])
    return chosen


# --- archives ---

def an_archive(r):
    parts, names = [], []
    for _ in range(r.randint(1, 14)):
        name = a_name(r)
        kind = a_kind(r, name)
        parts += an_entry(r, name, kind, names)
        if kind not in ("directory", "global", "other") and ".wh." not in name:
            names.append(name)
    archive = tar.archive(*parts, end=r.choice([tar.END, tar.END, b"", tar.zero_blocks(1),
                                                tar.zero_blocks(20)]))
    return damaged(r, archive) if r.random() < 0.1 else archive


def a_name(r):
    if r.random() < 0.02:
        return r.choice(SPECIAL)
    name = r.choice(NAMES)
    if r.random() < 0.12:
        directory, _, base = name.rpartition("/")
        base = ".wh..wh..opq" if r.random() < 0.4 else ".wh." + base
        name = f"{directory}/{base}" if directory else base
    return (r.choice(SPELLINGS) if r.random() < 0.2 else "{}").format(name)


def a_target(r, names):
    """Of a hard link: something that is there, as a rule."""
    return r.choice(names) if names and r.random() < 0.9 else r.choice(TARGETS)


def a_kind(r, name):
    if name.strip("./") in ["", *DIRECTORIES] and r.random() < 0.9:
        return "directory"
    return r.choices(["file", "directory", "symlink", "hard link", "char", "block", "fifo",
                      "global", "other"], [45, 15, 15, 8, 4, 2, 4, 2, 0.3])[0]


def fields(r):
    return {"mode": r.choice(MODES), "uid": r.choice(IDS), "gid": r.choice(IDS),
            "mtime": r.choice(TIMES), "magic": r.choice([tar.USTAR, tar.USTAR, tar.GNU, tar.V7,
                                                         tar.STAR])}


def an_entry(r, name, kind, names):
    """The parts of one entry: what says more about it, and the entry."""
    chosen = fields(r)
    if kind == "file":
        entry = tar.file(name, b"#" * r.choice([0, 1, 10, 511, 512, 513, 40_000]), **chosen)
    elif kind == "directory":
        entry = tar.directory(name, chosen.pop("mode"), **chosen)
    elif kind == "symlink":
        entry = tar.symlink(name, r.choice(TARGETS), **chosen)
    elif kind == "hard link":
        entry = tar.hardlink(name, a_target(r, names), **chosen)
    elif kind == "global":
        entry = tar.global_pax({"comment": "x"}, name=name)
    elif kind == "other":
        entry = tar.header(name, type=r.choice("7SVMD"), **chosen)
    else:
        entry = {"char": tar.char, "block": tar.block, "fifo": tar.fifo}[kind](name, **chosen)
    return [*described(r, kind), entry]


def described(r, kind):
    if r.random() < 0.2:
        possible = [("mtime", ["1234567890.123456789", "-5.5", "99999999999", "0.5"]),
                    ("atime", ["1700000000.5", "5", "-3"]), ("ctime", ["5"]),
                    ("uid", ["7", "1000"]), ("gid", ["7", ""]), ("path", NAMES + [""]),
                    ("linkpath", TARGETS + [""]), ("SCHILY.xattr.trusted.x", ["1"]),
                    ("SCHILY.xattr.security.selinux", ["x"]), ("comment", ["any"])]
        if kind in ("file", "directory"):
            possible.append(("SCHILY.xattr.user.x", ["1", "a=b\n"]))
        chosen = r.choices(possible, k=r.randint(1, 3))
        yield tar.pax({key: r.choice(values) for key, values in chosen})
    if r.random() < 0.03:
        yield tar.long_name(r.choice(NAMES))
    if r.random() < 0.02:
        yield tar.long_link(r.choice(TARGETS))


def damaged(r, archive):
    how = r.choice(["cut", "cut", "byte", "byte", "block"])
    at = r.randrange(len(archive) or 1)
    if how == "cut":
        return archive[:at]
    if how == "byte":
        return archive[:at] + bytes([r.randrange(256)]) + archive[at + 1:]
    at -= at % tar.BLOCK
    return archive[:at] + r.choice([tar.zero_blocks(1), archive[:tar.BLOCK], b""]) + archive[at:]


# --- trees ---

def a_tree(r, for_packing=False):
    """Nodes whose parents are directories: what is below something else is left out."""
    nodes, kinds = [], {}
    for name in NAMES:
        if r.random() < (0.2 if for_packing else 0.5):
            continue
        parents = [name[:i] for i, letter in enumerate(name) if letter == "/"]
        if any(kinds.get(parent, "directory") != "directory" for parent in parents):
            continue
        is_parent = any(other.startswith(name + "/") for other in NAMES)
        kind = r.choices(["directory", "file", "symlink", "hard link", "fifo", "char"],
                         [100 if is_parent else 8, 20, 12, 6, 4, 4])[0]
        node = a_node(r, name, kind, kinds)
        if node:
            nodes.append(node)
            kinds[name] = kind
            for parent in parents:
                kinds[parent] = "directory"
    return nodes


def a_node(r, name, kind, kinds):
    more = {"uid": r.choice(IDS), "gid": r.choice(IDS)}
    if kind == "directory":
        xattrs = {"trusted.overlay.opaque": b"y"} if r.random() < 0.1 else {}
        return disk.directory(name, r.choice([0o755, 0o700, 0o2775, 0o1777]), xattrs=xattrs, **more)
    if kind == "file":
        xattrs = {"user.old": b"1"} if r.random() < 0.2 else {}
        return disk.file(name, b"-" * r.choice([0, 5, 3000]), r.choice(MODES), xattrs=xattrs,
                         mtime=r.choice([disk.BEFORE, 1, 1_234_567_890.25]), **more)
    if kind == "symlink":
        return disk.symlink(name, r.choice([t for t in TARGETS if t]), **more)
    if kind == "fifo":
        return disk.fifo(name, **more)
    if kind == "char":
        return disk.char(name, *r.choice([(0, 0), (0, 0), (1, 3)]), **more)
    linkable = [n for n, k in kinds.items() if k in ("file", "symlink", "fifo", "char")]
    return disk.hardlink(name, r.choice(linkable)) if linkable else None
