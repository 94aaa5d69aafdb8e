# SPDX-License-Identifier: Apache-2.0
"""Cases of storage-tar, named after the sections of the contract."""

import functools
import os
import subprocess

import tree as disk
from case import Cases, id_map
from cases_untar import CAPABILITY
from layers import trees


@functools.cache
def cases():
    pack = Cases("tar")
    for section in (protocol, walk, includes, excludes, headers, ids, hard_links, whiteouts,
                    compression, hostile):
        section(pack)
    return pack


TREE = [disk.directory("a", 0o2711, uid=5, gid=6), disk.file("a/1", b"one\n", uid=7, mode=0o4755),
        disk.file("a/2", b""), disk.directory("b/c"), disk.file("b/c/3", b"x" * 1000),
        disk.symlink("l", "a/1", uid=8), disk.symlink("to-a", "a"), disk.file("z.txt"),
        disk.file("z.md"), disk.file(".hidden"), disk.fifo("p"), disk.char("c", 5, 6),
        disk.block("d", 259, 300_000)]


def protocol(pack):
    pack("1.8/a-tree-is-packed", before=TREE)
    pack("1.8/an-empty-tree")
    pack("1.8/a-place-in-the-root", before=TREE, place="/b")
    pack("1.8/a-place-that-is-absent", before=TREE, place="/nothing")
    pack("1.8/a-place-that-is-a-file", before=TREE, place="/a/1")
    pack("1.8/a-place-that-is-a-symlink", before=TREE, place="/to-a")
    pack("1.8/a-place-that-is-a-symlink-with-a-slash", before=TREE, place="/to-a/")
    pack("1.8/a-place-that-is-a-symlink-with-a-dot", before=TREE, place="/to-a/.")
    pack("1.8/a-place-above-the-root", before=TREE, place="/../b")
    pack("1.8/a-place-that-is-a-dangling-symlink", before=[disk.symlink("x", "no")], place="/x")
    pack("1.8/a-place-that-is-a-dangling-symlink-with-a-slash", before=[disk.symlink("x", "no")],
         place="/x/")
    pack("1.8/no-root-means-the-place", before=TREE, arguments=["storage-tar", "ROOT", ""])
    pack("1.8/the-root-is-absent", root="absent")
    pack("1.8/the-root-is-a-file", root="outside/secret")
    pack("1.8/the-root-is-relative", before=TREE, directory=".",
         arguments=["storage-tar", "/", "root"])
    for name, text in {"null": b"null", "an-empty-object": b"{}", "junk-behind": b"{} junk",
                       "keys-in-any-case": b'{"includefiles":["a"]}'}.items():
        pack("2.1/" + name, before=TREE, options=text)
    for name, text in {"nothing": b"\n", "half": b'{"CopyPass":tr', "an-array": b"[]"}.items():
        pack("2.1/refused-" + name, before=TREE, options=text, any_text=True)
    pack("1.8/nobody", before=TREE, uid=65534)
    pack("1.8/without-sys-admin", before=TREE, without=("SYS_ADMIN",))
    pack("1.8/the-environment-is-of-no-matter", before=TREE, environment={
        "_CONTAINERS_ROOTLESS_UID": "1000", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8"})


def walk(pack):
    pack("5.1/names-are-sorted-bytewise", before=[disk.file(n) for n in (
        "b", "a", "B", "a.x", "a-x", "aé", "a~", "é", b"\xff", "a b", "10", "9")] + [
        disk.file("a0/x"), disk.file("a/x".replace("a/", "ab/"))])
    pack("5.1/deep", before=[disk.file("d/" * 60 + "f")])
    pack("5.1/the-source-is-skipped", before=[disk.directory("", 0o711, uid=9), disk.file("f")])
    pack("5.1/include-source-dir", before=TREE, options={"IncludeSourceDir": True})
    pack("5.1/include-source-dir-of-a-place", before=TREE, place="/b",
         options={"IncludeSourceDir": True})
    pack("5.1/include-source-dir-of-a-file", before=TREE, place="/a/1",
         options={"IncludeSourceDir": True})
    pack("5.1/include-source-dir-with-includes", before=TREE,
         options={"IncludeSourceDir": True, "IncludeFiles": ["a", "b/c"]})
    pack("5.1/include-source-dir-and-excludes", before=TREE,
         options={"IncludeSourceDir": True, "ExcludePatterns": ["a", "z.*"]})
    pack("5.1/include-source-dir-and-exceptions", before=TREE,
         options={"IncludeSourceDir": True, "ExcludePatterns": ["**/1", "a/*", "!a/1", "!./a/2"]})
    pack("5.1/many-files", before=[disk.file(f"d{i % 7}/f{i}", b"x" * i) for i in range(200)])
    pack("5.1/large-files", before=[disk.file("large", b"0123456789" * 300_000)])
    pack("5.1/a-directory-that-is-unreadable-for-nobody", uid=65534, before=[
        disk.directory("secret", 0o700), disk.file("secret/f"), disk.file("open"),
        disk.file("closed", mode=0o600)])


def includes(pack):
    lists = {
        "one": ["a"], "two": ["b", "a"], "twice": ["a", "a"], "nested": ["a", "a/1"],
        "nested-first": ["a/1", "a"], "a-file": ["z.txt"], "below": ["b/c/3"],
        "the-root": ["."], "the-root-and-more": [".", "a"], "nothing-text": [""],
        "absent": ["nothing", "a"], "a-symlink": ["to-a"], "a-symlink-with-a-slash": ["to-a/"],
        "a-symlink-with-a-dot": ["to-a/."], "through-a-symlink": ["to-a/1"], "a-leading-slash":
        ["/a"], "dots": ["./a"], "dotdot": ["a/../b"], "above": ["../x"], "above-by-name":
        ["../outside"], "unclean": ["b//c/"], "a-trailing-slash": ["b/"], "a-glob": ["z.*"],
        "empty-list": [],
    }
    for name, files in lists.items():
        danger = "packs nothing outside the root" if name.startswith("above") else ""
        pack("5.1/include-" + name, before=TREE, options={"IncludeFiles": files}, danger=danger)
    pack("5.1/include-in-a-place", before=TREE, place="/b", options={"IncludeFiles": ["c"]})
    pack("5.1/include-above-a-place", before=TREE, place="/b", options={"IncludeFiles": ["../a"]})
    pack("5.1/include-with-a-file-as-the-place", before=TREE, place="/z.txt",
         options={"IncludeFiles": ["a"]})
    rebases = {
        "one": (["a"], {"a": "new"}), "to-slash": (["a"], {"a": "/"}), "to-nothing": (["a"], {"a": ""}),
        "to-a-path": (["a"], {"a": "x/y/z"}), "to-absolute": (["a"], {"a": "/x"}),
        "of-the-root": (["."], {".": "new"}), "of-another": (["a"], {"b": "new"}),
        "of-a-file": (["z.txt"], {"z.txt": "q.txt"}), "first-occurrence": (["b/c"], {"b/c": "c"}),
        "of-two": (["a", "b"], {"a": "b", "b": "a"}), "with-a-slash": (["a/"], {"a/": "new"}),
        "of-a-symlink": (["to-a"], {"to-a": "new"}), "to-a-whiteout": (["a/1"], {"a/1": ".wh.x"}),
    }
    for name, (files, names) in rebases.items():
        pack("5.1/rebase-" + name, before=TREE, options={"IncludeFiles": files,
                                                        "RebaseNames": names})
    pack("5.1/rebase-is-the-first-occurrence-anywhere", before=[disk.file("x/a/ab")],
         options={"IncludeFiles": ["x/a", "."], "RebaseNames": {"x/a": "q", ".": "dot"}})
    pack("5.1/rebase-the-root-replaces-a-dot", before=TREE, options={
        "IncludeFiles": ["."], "RebaseNames": {".": "D"}, "IncludeSourceDir": True})
    pack("5.1/rebase-and-excludes", before=TREE, options={
        "IncludeFiles": ["a"], "RebaseNames": {"a": "new"}, "ExcludePatterns": ["a/1"]})
    pack("5.1/rebase-of-hard-links", before=[disk.file("a/x"), disk.hardlink("a/y", "a/x")],
         options={"IncludeFiles": ["a"], "RebaseNames": {"a": "new"}})


def excludes(pack):
    before = [disk.file(n) for n in (
        "a/1", "a/2", "a/b/1", "a/b/c/1", "b/1", "b/a/1", "abc", "a.c", "a+c", "aac", "a(c", "a^c",
        "a$c", "a|c", "a{1}", "x y", "[x]", "x", "back\\slash", "*", "star*x", "q?", "é", "foo/bar",
        "foo.bar", ".hidden/x", "Z", "a\nb", "10", "m-1", "m]1")]
    lists = {
        "a-name": ["a"], "a-name-everywhere": ["**/1"], "stars-in-front": ["**"],
        "stars-behind": ["a/**"], "stars-between": ["a/**/1"], "stars-and-a-name": ["**a"],
        "three-stars": ["a/***"], "a-star": ["*"], "a-star-below": ["a/*"], "a-star-in-a-name":
        ["a*c"], "a-question": ["a?c"], "a-dot": ["a.c"], "a-dollar": ["a$c"], "a-plus": ["a+c"],
        "an-or": ["a|c"], "a-caret": ["a^c"], "a-repetition": ["a{2}c"], "a-repetition-literal":
        ["a{1}"], "a-group": ["(a)bc"], "half-a-group": ["a(c"], "a-class": ["[a-c]bc"],
        "a-negated-class": ["[^x]bc"], "a-class-with-an-exclamation": ["[!x]bc"],
        "an-escaped-class": ["\\[x\\]"], "an-escaped-star": ["\\*"], "an-escaped-letter": ["\\d"],
        "an-escaped-w": ["\\w"], "an-escaped-backslash": ["back\\\\slash"], "half-a-class": ["[a"],
        "a-trailing-backslash": ["a\\"], "an-empty-class": ["[]"], "class-with-a-bracket": ["m[]]1"],
        "a-class-range-backwards": ["[c-a]"], "nothing": [""], "white-space": ["  a  ", "\t"],
        "a-leading-slash": ["/a"], "a-trailing-slash": ["a/"], "dots": ["./a"], "dotdot": ["x/../a"],
        "above": ["../a"], "the-root": ["."], "an-exclamation": ["!"], "an-exception-alone": ["!a"],
        "exception": ["a", "!a/1"], "exception-deep": ["a", "!a/b/c/1"], "exception-then-again":
        ["a", "!a/b", "a/b/c"], "exception-by-star": ["a", "!a/*"], "exception-by-stars":
        ["a", "!**/1"], "exception-with-a-slash": ["a", "!/a/1"], "exception-with-space":
        ["a", "! a/1"], "exception-unclean": ["a", "!./a//1"], "all-but-one": ["*", "!b"],
        "all-but-deep": ["*", "!a/b/1"], "all-but-all": ["**", "!**"], "two-exclamations": ["a", "!!a"],
        "case": ["z"], "a-newline": ["a?b"], "unicode": ["?"], "an-escaped-unicode": ["\\é"],
        "prefix-only": ["ab"], "hash": ["#a"], "digits": ["\\10"], "a-dash": ["m-1"],
        "anchors": ["^a$"], "flags": ["(?i)z"], "many": ["a/1", "b/1", "foo*", "!foo.bar"],
        "posix-class": ["[[:alpha:]]bc"], "class-of-escapes": ["[\\a-c]bc"], "star-plus": ["*+"],
        "a-bad-one-last": ["a", "["], "a-bad-exception": ["!["],
    }
    for name, patterns in lists.items():
        pack("5.2/" + name, before=before, options={"ExcludePatterns": patterns})
    pack("5.2/an-include-beats-excludes", before=before, options={
        "IncludeFiles": ["a", "b"], "ExcludePatterns": ["a", "b/1"]})
    pack("5.2/an-include-that-is-unclean-does-not", before=before, options={
        "IncludeFiles": ["a/", "./b"], "ExcludePatterns": ["a", "b"]})
    pack("5.2/a-thousand-patterns", before=before, options={
        "ExcludePatterns": [f"no-{i}" for i in range(1000)] + ["a"]})
    pack("5.2/excluding-by-a-place", before=before, place="/a", options={"ExcludePatterns": ["b"]})


def headers(pack):
    pack("5.3/a-socket-is-skipped", before=[disk.unix_socket("s"), disk.file("f")])
    pack("5.3/every-mode", before=[disk.file(f"f{m:o}", mode=m) for m in (
        0, 0o644, 0o4755, 0o2755, 0o1755, 0o7777)] + [disk.directory(f"d{m:o}", m) for m in (
            0, 0o755, 0o2775, 0o1777)])
    names = {"99": "n" * 99, "100": "n" * 100, "101": "n" * 101, "255": "n" * 255,
             "prefix": "p" * 60 + "/" + "n" * 60, "prefix-155": "p" * 155 + "/" + "n" * 100,
             "prefix-156": "p" * 156 + "/" + "n" * 99, "deep": "d/" * 120 + "f",
             "no-split": "a/" + "n" * 150, "utf-8": "grüße", "long-utf-8": "ü" * 60,
             "bytes": b"b\xff\xfe", "long-bytes": b"\xff" * 120, "newline": "a\nb",
             "equals": "a=b", "backslash": "a\\b", "dots": "..."}
    for name, path in names.items():
        pack("5.3/name-" + name, before=[disk.file(path)])
        pack("5.3/directory-name-" + name, before=[disk.directory(path)])
        pack("5.3/link-to-name-" + name, before=[disk.symlink("l", path)])
    pack("5.3/a-symlink-of-2000-bytes", before=[disk.symlink("l", "t/" * 1000)])
    for uid in (0, 1000, 0o7777777, 0o10000000, 4294967294):
        pack(f"5.3/id-{uid}", before=[disk.file("f", uid=uid, gid=uid),
                                      disk.symlink("l", "x", uid=uid)])
    times = (0, 1, -1, -1.5, 1.25, 1234567890.5, 0o77777777777, 0o100000000000, 1.9999999)
    for when in times:
        for copy in (False, True):
            pack(f"5.3/time-{when}{'-copy-pass' if copy else ''}", before=[
                disk.file("f", mtime=when), disk.directory("d", mtime=when),
                disk.symlink("l", "x", mtime=when)], options={"CopyPass": copy})
    pack("5.3/copy-pass", before=TREE, options={"CopyPass": True})
    pack("5.3/xattrs", before=[
        disk.file("f", xattrs={"user.x": b"1", "user.y": b"\0=\n\xff", "security.capability":
                               CAPABILITY, "trusted.x": b"1", "security.ima": b"\1\2"}),
        disk.directory("d", xattrs={"user.d": b"1"}), disk.file("e", xattrs={"user.empty": b""}),
        disk.symlink("l", "x", xattrs={"trusted.l": b"1"})])
    pack("5.3/xattrs-of-overlay", before=[
        disk.file("f", xattrs={"user.overlay.redirect": b"/x", "user.overlayx": b"1"}),
        disk.directory("d", xattrs={"trusted.overlay.opaque": b"y", "user.overlay.opaque": b"y"})])
    pack("5.3/xattrs-of-another-module", before=[disk.file("f", xattrs={
        "security.selinux": b"system_u:object_r:etc_t:s0\0", "security.other": b"x"})])
    pack("5.3/an-xattr-with-an-equals-in-its-name", before=[disk.file("f", xattrs={
        "user.a=b": b"1"})])
    pack("5.3/an-xattr-of-64-KiB", before=[disk.file("f", xattrs={"user.large": b"x" * 60_000})])
    pack("5.3/names-of-users-are-those-of-the-root", before=[
        disk.file("etc/passwd", b"me:x:5:6::/:/bin/sh\n"), disk.file("etc/group", b"us:x:6:\n"),
        disk.file("f", uid=5, gid=6)])
    pack("5.3/device-numbers", before=[disk.char("c0", 0, 0), disk.char("c1", 4095, 1048575),
                                       disk.block("b1", 8, 255), disk.char("c2", 1, 256)])


def ids(pack):
    mapped = {"UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 2000, 10))}
    before = [disk.directory("d", uid=1003, gid=2004), disk.file("d/f", uid=1000, gid=2000),
              disk.symlink("l", "x", uid=1009, gid=2009), disk.file("unmapped", uid=5, gid=2000),
              disk.file("unmapped-group", uid=1000, gid=5), disk.directory("no", uid=5),
              disk.file("no/f", uid=1000, gid=2000), disk.file(".wh.x", uid=5)]
    pack("5.3/ids-are-mapped-to-the-container", before=before, options=mapped)
    pack("5.3/chown-opts", before=TREE, options={"ChownOpts": {"UID": 7, "GID": 8}})
    pack("5.3/chown-opts-after-maps", before=before, options={
        **mapped, "ChownOpts": {"UID": 7, "GID": 8}})
    pack("5.3/chown-opts-of-zero", before=TREE, options={"ChownOpts": {"UID": 0, "GID": 0}})
    pack("5.3/only-uids-are-mapped", before=before, options={"UIDMaps": mapped["UIDMaps"]})
    pack("5.3/an-empty-map-maps-nothing", before=before, options={
        "UIDMaps": mapped["UIDMaps"], "GIDMaps": []})
    pack("5.3/in-user-ns", before=TREE, options={"InUserNS": True})
    pack("5.3/no-lchown", before=TREE, options={"NoLchown": True})


def hard_links(pack):
    linked = [disk.file("a", b"data"), disk.hardlink("b", "a"), disk.hardlink("d/c", "a"),
              disk.symlink("s", "x"), disk.hardlink("t", "s"), disk.fifo("p"),
              disk.hardlink("q", "p")]
    pack("5.3/hard-links", before=linked)
    pack("5.3/hard-links-of-an-include", before=linked, options={"IncludeFiles": ["d", "a"]})
    pack("5.3/hard-links-with-the-first-excluded", before=linked, options={
        "ExcludePatterns": ["a"]})
    pack("5.3/hard-links-from-outside", before=[disk.file("x")], beside=[
        disk.file("outside/linked")])
    pack("5.3/hard-links-with-xattrs", before=[disk.file("a", xattrs={"user.x": b"1"}),
                                               disk.hardlink("b", "a")])
    pack("5.3/hard-links-with-a-long-name", before=[disk.file("n" * 150), disk.hardlink(
        "z", "n" * 150)])
    pack("5.3/hard-links-with-includes-twice", before=linked, options={
        "IncludeFiles": [".", "a", "b"]})
    pack("5.3/hard-links-unmapped-first", before=[disk.file("a", uid=5), disk.hardlink("b", "a")],
         options={"UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 2000, 10))})


def whiteouts(pack):
    overlay = {"WhiteoutFormat": 1}
    before = [disk.char("gone", 0, 0), disk.directory("d"), disk.char("d/gone", 0, 0, uid=5),
              disk.char("other", 0, 1), disk.block("block", 0, 0), disk.file("f"),
              disk.directory("opaque", 0o711, xattrs={"trusted.overlay.opaque": b"y"}),
              disk.directory("not-opaque", xattrs={"trusted.overlay.opaque": b"n"}),
              disk.directory("user-opaque", xattrs={"user.overlay.opaque": b"y"})]
    pack("5.3/overlay-whiteouts", before=before, options=overlay)
    pack("5.3/overlay-whiteouts-unconverted", before=before)
    pack("5.3/overlay-whiteouts-with-lower-layers", before=before, options={
        **overlay, "WhiteoutData": ["/lower"]})
    pack("5.3/overlay-whiteouts-are-linked", before=[disk.char("wh", 0, 0), disk.hardlink(
        "wh2", "wh")], options=overlay)
    pack("5.3/overlay-whiteouts-mapped", before=before, options={
        **overlay, "UIDMaps": id_map((0, 0, 10)), "GIDMaps": id_map((0, 0, 10))})
    pack("5.3/overlay-whiteouts-unmapped", before=before, options={
        **overlay, "UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 1000, 10))})
    pack("5.3/overlay-whiteouts-rebased", before=before, options={
        **overlay, "IncludeFiles": ["gone", "d"], "RebaseNames": {"gone": "x", "d": "y"}})
    pack("5.3/overlay-whiteouts-copy-pass", before=before, options={**overlay, "CopyPass": True})
    pack("5.3/overlay-opaque-rootless", before=before, options=overlay,
         environment={"_CONTAINERS_ROOTLESS_UID": "1000"})


def compression(pack):
    pack("5.3/compression-1-is-unsupported", before=TREE, options={"Compression": 1})
    pack("5.3/compression-3-is-unsupported", before=TREE, options={"Compression": 3})
    pack("5.3/compression-9-is-unknown", before=TREE, options={"Compression": 9}, any_text=True)
    pack("5.3/compression-gzip", before=TREE, options={"Compression": 2})
    pack("5.3/compression-zstd", before=TREE, options={"Compression": 4})


def hostile(pack):
    out = [disk.symlink("out", "../outside"), disk.symlink("abs", "/outside"), disk.file("f")]
    safe = "packs nothing outside the root"
    pack("9.1/a-malicious-symlink-is-the-place", before=out, place="/out", danger=safe)
    pack("9.1/a-malicious-symlink-is-followed-inside", before=out, place="/out/", danger=safe)
    pack("9.1/a-malicious-symlink-is-in-the-way", before=out, place="/out/secret", danger=safe)
    pack("9.1/a-malicious-symlink-is-absolute", before=out, place="/abs/secret", danger=safe)
    pack("9.1/a-malicious-include", before=out, options={"IncludeFiles": ["out/secret", "abs/"]},
         danger=safe)
    pack("9.1/a-malicious-include-of-a-slash", before=out, options={"IncludeFiles": ["out/"]},
         danger=safe)
    pack("9.1/a-malicious-include-above", before=out, options={
        "IncludeFiles": ["../outside/secret"]}, danger=safe)
    pack("9/everything", before=[EVERYTHING], prepare=trees)


def copy_everything(path):
    """The tree of everything, that make-tree makes for other tests too."""
    subprocess.run(["cp", "-a", os.path.join(trees(), "full"), path], check=True)


EVERYTHING = disk.node("everything", copy_everything, None)
