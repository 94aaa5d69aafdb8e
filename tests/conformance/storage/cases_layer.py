# SPDX-License-Identifier: Apache-2.0
"""Cases of storage-applyLayer, named after the sections of the contract."""

import functools

import tarmaker as tar
import tree as disk
from case import Cases, id_map
from cases_untar import CAPABILITY
from layers import packed_trees, real_layers


@functools.cache
def cases():
    layer = Cases("layer")
    for section in (protocol, options, sizes, the_root, entries, whiteouts, opaque, aufs, force_mask,
                    reader, hostile, whole_layers):
        section(layer)
    return layer


A_FILE = tar.file("f", b"new\n", mode=0o640, uid=5, gid=6)
LOWER = [disk.directory("d", 0o711), disk.file("d/lower", uid=3), disk.file("d/e/lower"),
         disk.symlink("link", "d"), disk.file("lower")]


def protocol(layer):
    layer("1.7/a-layer-is-applied", A_FILE)
    layer("1.7/opt-is-absent", A_FILE, options=None, any_text=True)
    layer("1.7/opt-is-empty", A_FILE, options=b"\n", any_text=True)
    layer("1.7/opt-is-null", A_FILE, options=b"null")
    layer("1.7/opt-is-an-empty-object", A_FILE, options=b"{}")
    layer("1.7/opt-with-junk-behind", A_FILE, options=b"{} junk", any_text=True)
    layer("1.7/opt-with-white-space-behind", A_FILE, options=b"{} \n\t ")
    layer("1.7/opt-with-two-documents", A_FILE, options=b"{}{}", any_text=True)
    for name, text in {"broken": b"{", "an-array": b"[]", "a-wrong-type": b'{"InUserNS":"x"}',
                       "a-fraction": b'{"WhiteoutFormat":1.5}'}.items():
        layer("1.7/opt-is-" + name, A_FILE, options=text, any_text=True)
    layer("1.7/opt-keys-in-any-case", A_FILE, options=b'{"chownOPTS":{"UID":7,"GID":8}}')
    layer("1.7/opt-twice-last-wins", A_FILE,
          options=b'{"ChownOpts":{"UID":7,"GID":8},"ChownOpts":null}')
    layer("1.7/opt-of-100-kilobytes", A_FILE, options={"ExcludePatterns": ["x" * 1000] * 100})
    layer("1.7/opt-null-when-rootless", A_FILE, options=b"null", any_text=True,
          environment={"_CONTAINERS_ROOTLESS_UID": "1000"})
    layer("1.7/the-root-is-absent", A_FILE, root="absent")
    layer("1.7/the-root-is-a-file", A_FILE, root="outside/secret")
    layer("1.7/the-root-is-a-symlink", A_FILE, root="to-root",
          beside=[disk.symlink("to-root", "root")])
    layer("1.7/the-root-is-relative", A_FILE, directory=".",
          arguments=["storage-applyLayer", "root"])
    layer("1.7/the-umask-is-0", tar.file("a/b/f", mode=0o666), tar.fifo("p", mode=0o666),
          umask=0o077)
    layer("1.7/the-rest-of-the-input-is-read", A_FILE, tar.END, b"\0" * 3_000_000)
    layer("1.7/after-an-error-the-rest-is-not-read", tar.header("x", type="7"), tar.END,
          b"\0" * 3_000_000, drain_matters=True)
    layer("1.7/standard-input-is-a-file", A_FILE, tar.file("g", b"g" * 5000), stdin_as_file=True)
    layer("1.7/nobody", A_FILE, uid=65534)
    layer("1.7/the-temporary-directory-is-gone-after-an-error", tar.header("x", type="7"))
    layer("1.7/tmpdir-is-of-no-matter", A_FILE, environment={"TMPDIR": "/nowhere"})
    layer("9.1/an-empty-archive-from-a-slow-reader", end=b"\0" * 10240, slow=True)
    layer("9.1/a-dot-dot-file", tar.file("..gitme"))
    layer("1.9/rootless-skips-devices", tar.char("c"), A_FILE,
          environment={"_CONTAINERS_ROOTLESS_UID": "1000"})
    layer("1.9/rootless-by-user-namespace-skips-devices", tar.char("c"), A_FILE,
          environment={"_CONTAINERS_USERNS_CONFIGURED": "1"})
    layer("1.9/in-a-user-namespace", tar.char("c"), A_FILE, user_namespace=65536)
    layer("1.9/without-sys-admin", tar.char("c"), A_FILE, without=("SYS_ADMIN",))
    layer("1.9/without-sys-admin-and-sys-chroot", A_FILE, without=("SYS_ADMIN", "SYS_CHROOT"))
    layer("1.9/rootless-tolerates-xattrs", tar.xattrs({"user.x": "1"}), tar.symlink("l", "x"),
          environment={"_CONTAINERS_ROOTLESS_UID": "1000"})


def options(layer):
    layer("4.2/excludes-are-ignored", A_FILE, options={"ExcludePatterns": ["f", ""]})
    layer("4.2/no-lchown-is-ignored", A_FILE, options={"NoLchown": True})
    layer("4.2/no-overwrite-is-ignored", tar.file("d"), before=LOWER,
          options={"NoOverwriteDirNonDir": True})
    layer("4.2/whiteout-format-is-ignored", tar.file("d/.wh.lower", b""), before=LOWER,
          options={"WhiteoutFormat": 1})
    layer("4.2/chown-opts", A_FILE, tar.symlink("l", "x"), tar.file("a/b/f"),
          options={"ChownOpts": {"UID": 7, "GID": 8}})
    mapped = {"UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 2000, 10))}
    layer("4.9/ids-are-mapped", A_FILE, tar.directory("d", uid=1), options=mapped)
    layer("4.9/ids-that-cannot-be-mapped", tar.file("f", uid=10), options=mapped)
    layer("4.9/ids-of-whiteouts-are-not-mapped", tar.file(".wh.lower", b"", uid=99), before=LOWER,
          options=mapped)
    layer("4.9/chown-opts-are-mapped", A_FILE, options={**mapped, "ChownOpts":
                                                       {"UID": 3, "GID": 4}})
    layer("4.9/a-global-header-maps-id-0", tar.global_pax({"comment": "x"}),
          options={"UIDMaps": id_map((1, 1000, 5)), "GIDMaps": id_map((1, 2000, 5))})
    layer("4.3/parents-are-not-the-root-pair's", tar.file("a/b/f"), options=mapped)
    layer("4.3/parents-have-mode-0755", tar.file("a/b/f"), umask=0o077)
    layer("4.9/without-chown", A_FILE, without=("CHOWN",))
    layer("4.9/without-chown-ignored", A_FILE, tar.directory("d", uid=4), without=("CHOWN",),
          options={"IgnoreChownErrors": True})
    layer("4.9/in-user-ns", tar.char("lower"), tar.block("b"), tar.fifo("p"), before=LOWER,
          options={"InUserNS": True})


def sizes(layer):
    layer("4.1/no-input", end=b"")
    layer("4.1/an-empty-archive")
    layer("4.1/files-are-added", tar.file("a", b"x" * 100), tar.file("b", b"x" * 1000))
    layer("4.1/a-hard-link-with-a-size", tar.file("a", b"x"),
          tar.header("h", type="1", link="a", size=100))
    layer("4.1/a-symlink-with-a-size", tar.header("l", type="2", link="a", size=100))
    layer("4.1/a-directory-with-a-size", tar.header("d", type="5", mode=0o755, size=100))
    layer("4.1/whiteouts-with-data", tar.file(".wh.lower", b"x" * 50), before=LOWER)
    layer("4.1/what-is-skipped-counts", tar.file(".wh..wh.aufs", b"x" * 30))
    layer("4.1/size-of-pax", tar.pax({"size": "5"}),
          tar.header("f", size=0) + tar.padded(b"12345"))
    for version, make in (("0.0", tar.sparse_0_0), ("0.1", tar.sparse_0_1), ("1.0", tar.sparse_1_0)):
        layer(f"4.1/sparse-{version}-counts-its-holes", make("f", [(0, 5), (4096, 5)], 10_000,
                                                           b"helloworld"))
    layer("4.1/a-global-header-counts-nothing", tar.global_pax({"comment": "x" * 100}))
    layer("4.1/a-global-header-with-a-size", tar.global_pax({"size": "1234"}))
    layer("4.1/sizes-that-overflow", tar.header("a", type="5", size=(1 << 63) - 1),
          tar.header("b", type="5", size=(1 << 63) - 1), tar.header("c", type="5", size=7))
    layer("4.1/a-negative-size-of-a-directory", tar.header("a", type="5", size=-7))


def the_root(layer):
    for name in (".", "./", "/", "//", "", "a/..", ".."):
        label = name.replace("/", "|") or "nothing"
        layer(f"4.7/the-root-as-{label}", tar.directory(name, 0o1711, uid=7, gid=8, mtime=12345),
              tar.file("f"), before=LOWER)
    for name, path in (("the-root", "."), ("slash", "/")):
        for kind, entry in {"file": tar.file(path), "symlink": tar.symlink(path, "x"),
                            "fifo": tar.fifo(path), "hard-link": tar.hardlink(path, "lower"),
                            "global": tar.global_pax({"path": path}),
                            "unknown": tar.header(path, type="7")}.items():
            layer(f"4.7/{name}-is-not-a-{kind}", entry, before=LOWER,
                  danger="leaves the root and what is in it alone")
    layer("4.7/the-root-with-xattrs", tar.xattrs({"user.x": "1"}), tar.directory("./"))


def entries(layer):
    layer("4.9/one-of-each-type", tar.directory("d"), tar.file("f"), tar.symlink("l", "f"),
          tar.hardlink("h", "f"), tar.char("c"), tar.block("b"), tar.fifo("p"))
    for kind in ("7", "S", "V", "M", "D", "X", "N", "A", "Z", " ", "\xff"):
        layer(f"4.9/type-{ord(kind):02x}", tar.file("f", type=kind.encode("latin-1"), link="t"),
              tar.file("after"))
    for name in ("../x", "../../a/b/c", "a/../../x", "/..", "/../x", "a/..", ".../x", "..x"):
        layer("4.5/name-" + name.replace("/", "|"), tar.file(name), before=LOWER,
              danger="refuses what leaves the root" if ".." in name.split("/") else "")
    news = {"file": tar.file("x", mode=0o640, uid=5), "directory": tar.directory("x", 0o711, uid=5),
            "symlink": tar.symlink("x", "t"), "hard-link": tar.hardlink("x", "t"),
            "fifo": tar.fifo("x"), "global": tar.global_pax({"comment": "c"}, name="x"),
            "whiteout": tar.file(".wh.x", b"")}
    olds = {"file": [disk.file("x", uid=3)],
            "full-directory": [disk.directory("x", uid=3), disk.file("x/y/z")],
            "symlink-to-a-directory": [disk.file("real/keep"), disk.symlink("x", "real")],
            "dangling-symlink": [disk.symlink("x", "nowhere")], "char": [disk.char("x")],
            "hard-link": [disk.file("x"), disk.hardlink("other", "x")]}
    for new, entry in news.items():
        for old, before in olds.items():
            layer(f"4.7/{new}-over-{old}", entry, before=[disk.file("t"), *before])
    layer("4.3/a-dangling-symlink-is-a-parent", tar.file("l/f"), before=[disk.symlink("l", "no")])
    layer("4.3/a-file-is-a-parent", tar.file("lower/f"), before=LOWER)
    layer("4.3/a-symlink-is-a-parent", tar.file("link/new/f"), before=LOWER)
    layer("4.3/a-loop-is-a-parent", tar.file("l/d/f"), before=[disk.symlink("l", "l")])
    layer("4.3/a-setgid-parent", tar.file("s/a/f"), before=[disk.directory("s", 0o2775, gid=77)])
    layer("4.10/directory-times", tar.directory("d", mtime=5), tar.file("d/f"),
          tar.directory("d/e", mtime=7), tar.file("d/e/f"), before=LOWER)
    layer("4.10/a-directory-that-became-a-dangling-symlink", tar.directory("x", mtime=5),
          tar.symlink("x", "nowhere"))
    layer("4.10/a-directory-that-a-whiteout-removed", tar.directory("x", mtime=5),
          tar.file(".wh.x", b""), danger="a whiteout hides lower layers only")
    layer("4.9/xattrs", tar.xattrs({"user.x": "1", "trusted.y": "2", "security.capability":
                                    CAPABILITY}), A_FILE)
    layer("4.9/xattrs-on-a-symlink", tar.xattrs({"user.x": "1"}), tar.symlink("l", "f"))
    targets = ("lower", "/lower", "./lower", "d/../lower", "../lower", "nowhere", "d", "link",
               "link/lower", "", ".", "..", "/")
    for target in targets:
        label = target.replace("/", "|") or "nothing"
        danger = "links to nothing outside" if ".." in target.split("/") else ""
        layer("4.9/hard-link-to-" + label, tar.hardlink("h", target, mode=0o4711, uid=9, mtime=77),
              before=LOWER, danger=danger)
        layer("4.9/hard-link-below-to-" + label, tar.hardlink("d/h", target), before=LOWER,
              danger=danger)
        layer("4.9/symlink-to-" + label, tar.symlink("l", target), before=LOWER, danger=danger)
    layer("4.9/hard-link-to-a-symlink", tar.symlink("l", "lower"),
          tar.hardlink("h", "l", mode=0o777), before=LOWER)


def whiteouts(layer):
    def apply(name, *parts, **more):
        layer("4.6/" + name, *parts, **{"before": LOWER, **more})
    apply("a-file", tar.file(".wh.lower", b""))
    apply("a-directory", tar.file(".wh.d", b""))
    apply("a-symlink", tar.file(".wh.link", b""))
    apply("what-is-absent", tar.file(".wh.nothing", b""))
    apply("in-a-directory", tar.file("d/.wh.lower", b""))
    apply("in-a-directory-that-is-absent", tar.file("n/m/.wh.x", b""))
    apply("through-a-symlink", tar.file("link/.wh.lower", b""))
    apply("through-a-dangling-symlink", tar.file("l/.wh.x", b""), before=[disk.symlink("l", "no")])
    apply("below-a-file", tar.file("lower/.wh.x", b""))
    apply("below-a-loop", tar.file("l/.wh.x", b""), before=[disk.symlink("l", "l")])
    apply("with-an-absolute-name", tar.file("/.wh.lower", b""))
    apply("with-a-trailing-slash", tar.directory(".wh.d/"))
    apply("with-something-below", tar.file(".wh.d/x"))
    for kind, make in (("directory", tar.directory), ("fifo", tar.fifo), ("char", tar.char),
                       ("symlink", lambda n: tar.symlink(n, "t")),
                       ("unknown", lambda n: tar.header(n, type="7")),
                       ("global", lambda n: tar.global_pax({"comment": "x"}, name=n))):
        apply(f"that-is-a-{kind}", make(".wh.lower"))
        apply(f"opaque-that-is-a-{kind}", make("d/.wh..wh..opq"))
    apply("of-what-the-layer-made", tar.file("new"), tar.file(".wh.new", b""),
          danger="a whiteout hides lower layers only")
    apply("then-the-file-again", tar.file(".wh.lower", b""), tar.file("lower"))
    apply("then-the-directory-again", tar.file(".wh.d", b""), tar.directory("d"), tar.file("d/f"))
    apply("of-a-name-like-a-whiteout", tar.file(".wh..wh.x", b""),
          before=[disk.file(".wh.x"), disk.file(".wh..wh.x")])
    apply("in-a-directory-of-a-name-like-a-whiteout", tar.file("d/.wh..wh.x", b""),
          before=[disk.file("d/.wh.x"), disk.file("d/.wh..wh.x")])
    apply("of-a-long-name", tar.long_name(".wh." + "x" * 252), tar.file("y", b""))
    apply("of-a-name-that-is-too-long", tar.long_name(".wh." + "x" * 256), tar.file("y", b""))
    apply("lower-marks-itself", tar.file(".wh.wh.lower", b""), before=[disk.file("wh.lower")])
    nothing = "refuses a whiteout of nothing, of . and of .."
    for name in (".wh.", ".wh..", ".wh..."):
        for where in ("", "d/", "d/e/", "/", "/d/"):
            apply(f"{where.replace('/', '|')}{name}", tar.file(where + name, b""), danger=nothing)


def opaque(layer):
    marker = "d/.wh..wh..opq"
    def apply(name, *parts, **more):
        layer("4.6/opaque-" + name, *parts, **{"before": LOWER, **more})
    apply("removes-what-is-below", tar.file(marker, b""))
    apply("after-its-directory", tar.directory("d", 0o700), tar.file(marker, b""), tar.file("d/f"))
    apply("keeps-what-came-before", tar.directory("d"), tar.file("d/new"), tar.file(marker, b""))
    apply("keeps-what-came-before-in-a-directory", tar.directory("d"), tar.directory("d/e"),
          tar.file("d/e/new"), tar.file(marker, b""))
    apply("removes-what-is-implied", tar.file("d/n/new"), tar.file(marker, b""),
          danger="what the layer itself made stays")
    apply("names-are-compared-when-cleaned", tar.file("./d//e/../new"), tar.file("/d/other"),
          tar.file(marker, b""))
    apply("of-what-is-absent", tar.file("n/.wh..wh..opq", b""))
    apply("of-a-file", tar.file("lower/.wh..wh..opq", b""))
    apply("of-a-symlink", tar.file("link/.wh..wh..opq", b""), danger="looks inside the root only")
    apply("of-an-absolute-symlink", tar.file("l/.wh..wh..opq", b""),
          before=[disk.symlink("l", "/real"), disk.file("real/x")])
    apply("of-a-dangling-symlink", tar.file("l/.wh..wh..opq", b""), before=[disk.symlink("l", "no")])
    apply("of-a-fifo", tar.file("p/.wh..wh..opq", b""), before=[disk.fifo("p")])
    apply("of-the-root", tar.file(".wh..wh..opq", b""))
    apply("of-the-root-with-a-dot", tar.file("./.wh..wh..opq", b""))
    apply("of-the-root-with-a-slash", tar.file("/.wh..wh..opq", b""))
    apply("of-the-root-keeps-the-layer's", tar.directory("d"), tar.file("d/new"),
          tar.file(".wh..wh..opq", b""))
    apply("of-the-root-before-the-layer's", tar.file(".wh..wh..opq", b""), tar.file("d/new"))
    apply("nested", tar.file(".wh..wh..opq", b""), tar.file("d/e/.wh..wh..opq", b""))
    apply("twice", tar.file(marker, b""), tar.file("d/f"), tar.file(marker, b""))
    apply("with-something-below", tar.file("d/.wh..wh..opq/x"))
    apply("with-a-trailing-slash", tar.directory("d/.wh..wh..opq/"))
    apply("with-more-behind", tar.file("d/.wh..wh..opqx", b""))
    apply("keeps-nothing-of-a-file-that-was-replaced", tar.file("d"), tar.file(marker, b""))
    apply("keeps-hard-links", tar.directory("d"), tar.hardlink("d/h", "lower"),
          tar.file(marker, b""))
    apply("keeps-symlinks", tar.directory("d"), tar.symlink("d/s", "../lower"), tar.file(marker, b""))
    apply("does-not-follow", tar.file(marker, b""),
          before=[disk.symlink("d/out", "/keep"), disk.file("keep/f")])
    apply("of-whiteouts-of-the-layer", tar.directory("d"), tar.file("d/.wh.lower", b""),
          tar.file(marker, b""))
    layer("9.2/four-layers-in-one", tar.directory("a"), tar.file("a/x"), tar.file("a/.wh..wh..opq"),
          tar.file(".wh.lower"), tar.directory("d/"), tar.file("d/e/new"), before=LOWER)


def aufs(layer):
    mapped = {"UIDMaps": id_map((0, 10, 100)), "GIDMaps": id_map((0, 10, 100))}
    def apply(name, *parts, **more):
        layer("4.4/" + name, *parts, **more)
    linked = tar.file(".wh..wh.plnk/1.2", b"pseudo link\n", mode=0o640, uid=3, gid=4)
    apply("metadata-is-skipped", tar.file(".wh..wh.aufs", b""), tar.directory(".wh..wh.orph"),
          tar.directory(".wh..wh.plnk"))
    apply("a-link-is-a-copy", linked, tar.hardlink("f", ".wh..wh.plnk/1.2"))
    apply("a-link-twice", linked, tar.hardlink("f", ".wh..wh.plnk/1.2"),
          tar.hardlink("g", ".wh..wh.plnk/1.2"))
    apply("a-link-is-mapped-twice", linked, tar.hardlink("f", ".wh..wh.plnk/1.2"),
          tar.hardlink("g", ".wh..wh.plnk/1.2"), options=mapped)
    apply("a-link-that-is-unknown", tar.hardlink("f", ".wh..wh.plnk/9.9"))
    apply("a-link-of-an-unclean-name", linked, tar.hardlink("f", ".//.wh..wh.plnk/./1.2"))
    apply("a-link-by-base-name", linked, tar.hardlink("f", ".wh..wh.plnk/else/1.2"))
    apply("a-link-of-a-longer-prefix", linked, tar.hardlink("f", ".wh..wh.plnkx/1.2"))
    apply("a-link-of-an-absolute-name", linked, tar.hardlink("f", "/.wh..wh.plnk/1.2"))
    apply("a-symlink-is-no-link", linked, tar.symlink("f", ".wh..wh.plnk/1.2"))
    apply("an-absolute-name-is-no-metadata", tar.file("/.wh..wh.aufs", b""))
    apply("below-a-directory-it-is-a-whiteout", tar.file("d/.wh..wh.aufs", b""), before=LOWER)
    apply("a-directory-in-plnk", tar.directory(".wh..wh.plnk/d"))
    apply("a-symlink-in-plnk", tar.symlink(".wh..wh.plnk/l", "x"),
          tar.hardlink("f", ".wh..wh.plnk/l"))
    apply("a-nul-type-in-plnk", tar.file(".wh..wh.plnk/1.2", type="\0"),
          tar.hardlink("f", ".wh..wh.plnk/1.2"))
    apply("the-same-name-twice", linked, tar.file(".wh..wh.plnk/1.2", b"second\n"),
          tar.hardlink("f", ".wh..wh.plnk/1.2"))
    apply("an-opaque-root-is-no-metadata", tar.file(".wh..wh..opq", b""), before=LOWER)
    apply("opaque-with-more", tar.file(".wh..wh..opqx", b""), before=LOWER)
    apply("opaque-of-a-plnk-directory", linked, tar.file(".wh..wh.plnk/.wh..wh..opq", b""))
    apply("the-copy-has-xattrs", tar.xattrs({"user.x": "1"}), linked,
          tar.hardlink("f", ".wh..wh.plnk/1.2"))
    apply("a-file-of-the-prefix-alone", tar.file(".wh..wh.", b"x"))
    apply("deeper-metadata-makes-parents", tar.file(".wh..wh.plnk/a/b/c", b"x"))


def force_mask(layer):
    entries_ = [tar.directory("./", 0o1777, uid=7), tar.directory("d", 0o2711, uid=5, gid=6),
                tar.file("d/f", mode=0o4755, uid=5), tar.symlink("l", "d"), tar.hardlink("h", "d/f")]
    layer("4.10/force-mask", *entries_, options={"ForceMask": 0o700})
    layer("4.10/force-mask-mapped", *entries_, options={
        "ForceMask": 0o755, "UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 2000, 10))})
    layer("4.10/force-mask-whiteouts", tar.file("d/.wh.lower"), before=LOWER,
          options={"ForceMask": 0o700})
    layer("4.10/force-mask-fifo", tar.fifo("p"), options={"ForceMask": 0o700})


def reader(layer):
    layer("3.0/one-zero-block-then-eof", A_FILE, end=tar.zero_blocks(1))
    layer("3.0/one-zero-block-then-an-entry", A_FILE, tar.zero_blocks(1), tar.file("g"))
    layer("3.0/no-end", A_FILE, end=b"")
    layer("3.0/concatenated-archives", tar.archive(A_FILE), tar.archive(tar.file("g")))
    layer("3.0/eof-in-data", tar.file("f", b"x" * 1000)[:900], end=b"")
    layer("3.0/eof-in-a-whiteout's-data", tar.file(".wh.x", b"x" * 1000)[:900], end=b"")
    layer("3.0/eof-in-padding", tar.file("f", b"x" * 600)[:512 + 700], end=b"")
    layer("3.0/eof-in-a-header", A_FILE, tar.file("g")[:100], end=b"")
    layer("3.0/rubbish", b"\x55" * 1024)
    layer("3.0/pax-path", tar.pax({"path": "d/.wh.lower"}), tar.file("x", b""), before=LOWER)
    layer("3.0/wrong-checksum", tar.file("f", checksum="wrong"))
    layer("3.0/pax-body-is-broken", tar.pax_of(b"nonsense"), A_FILE)
    layer("3.0/the-same-file-twice", tar.file("f", b"1"), tar.file("f", b"22"))


def hostile(layer):
    victim = [disk.directory("victim"), disk.file("victim/hello", mode=0o600)]
    def refused(name, *parts, safe, **more):
        layer("hostile/" + name, *parts, danger=safe, **{"before": victim, **more})
    refused("P01-dotdot", tar.file("../victim/hello", b"owned"), safe="refuses the entry")
    refused("P05-dotdot-dir-chmod", tar.directory("..", 0o777, uid=9), safe="refuses the entry")
    refused("L01-absolute-symlink-write", tar.symlink("l", "/victim"), tar.file("l/hello", b"x"),
            safe="stays in the root")
    refused("L03-lexical-chain", tar.symlink("a", "."), tar.symlink("a/b", ".."),
            tar.file("b/outside/secret", b"x"), safe="stays in the root")
    refused("L10-hard-link-dotdot", tar.hardlink("h", "../outside/secret"), tar.file("h", b"x"),
            safe="refuses the link")
    refused("L13-hard-link-to-symlink-chmod", tar.symlink("l", "/victim/hello"),
            tar.hardlink("h", "l", mode=0o777, uid=9), safe="the target keeps its mode")
    refused("L23-whiteout-via-symlink", tar.symlink("l", "../outside"),
            tar.file("l/.wh.secret", b""), safe="removes nothing outside")
    refused("L24-opaque-via-symlink", tar.symlink("l", "../outside"),
            tar.file("l/.wh..wh..opq", b""), safe="removes nothing outside")
    refused("L24-opaque-via-absolute-symlink", tar.symlink("l", "/victim"),
            tar.file("l/.wh..wh..opq", b""), safe="removes nothing outside the root")
    refused("L33-symlink-replaces-a-directory", tar.file("d/f"), tar.symlink("d", "/victim"),
            tar.file("d/hello", b"x"), safe="stays in the root")
    refused("W01-whiteout-of-dot", tar.file("victim/.wh..", b""), safe="refuses it")
    refused("W02-whiteout-of-dotdot", tar.file("victim/.wh...", b""), safe="refuses it")
    refused("W03-whiteout-of-nothing", tar.file(".wh.", b""), safe="refuses it")
    refused("a-whiteout-below-a-fifo", tar.fifo("p"), tar.file("p/.wh.x", b""), oracle_hangs=True,
            safe="does not open the fifo, and so does not hang")
    refused("an-opaque-marker-below-a-fifo", tar.fifo("p"), tar.file("p/.wh..wh..opq", b""),
            safe="does not hang")
    refused("a-file-below-a-fifo", tar.fifo("p"), tar.file("p/x"), safe="does not hang")
    refused("W08-trusted-opaque", tar.xattrs({"trusted.overlay.opaque": "y"}), tar.directory("d"),
            safe="drops or escapes it")
    refused("M33-uid-minus-1", tar.file("f", mode=0o4755, uid=4294967295), safe="refuses it")
    refused("S03-8-EiB-of-hole", tar.sparse_1_0("f", [(0, 1)], (1 << 63) - 1, b"x"),
            tree_matters=False, safe="refuses the size, and writes no zeros")
    refused("E04-a-directory-like-the-temporary-one", tar.directory("temp-storage-extract1", 0o777),
            tar.symlink("temp-storage-extract2", "/victim"), linked_plnk(), safe="is an entry")


def linked_plnk():
    return tar.file(".wh..wh.plnk/../../victim/hello", b"owned")


def whole_layers(layer):
    everyone = id_map((0, 100_000, 65_536), (4294967294, 7, 1))
    mapped = {"UIDMaps": everyone, "GIDMaps": everyone}
    for name, archive in [*real_layers(), *packed_trees()]:
        layer("9/layer-" + name, archive=archive)
        layer(f"9/layer-{name}-mapped-over-itself", archive=archive, options=mapped,
              stdin_as_file=True, before=[disk.directory("usr/share"), disk.symlink("bin", "usr")])
