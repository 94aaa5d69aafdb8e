# SPDX-License-Identifier: Apache-2.0
"""Cases of storage-untar, named after the sections of the contract."""

import functools

import tarmaker as tar
import tree as disk
from case import SETGID, SETUID, STICKY, Cases, document, id_map
from layers import packed_trees, real_layers


@functools.cache
def cases():
    untar = Cases("untar")
    for section in (protocol, options, id_maps, tar_reader, numbers, pax_headers, gnu_headers,
                    types_and_data, sparse, main_loop, parents, removal, directory_times, creation,
                    links, ownership, modes_and_times, xattrs, whiteouts, force_mask, hostile,
                    whole_layers):
        section(untar)
    return untar


A_FILE = tar.file("f", b"new\n", mode=0o640, uid=5, gid=6)


# --- 1: how the child is called ---

def protocol(untar):
    untar("1.1/an-archive-is-unpacked", A_FILE)
    untar("1.1/an-unknown-flag-exits-2", A_FILE, arguments=["storage-untar", "-x", "ROOT"],
          any_text=True, descriptor_form=False)
    untar("1.1/environment-and-directory-are-of-no-matter", A_FILE, directory="outside",
          environment={"TMPDIR": "/nowhere", "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"})
    untar("1.3/the-root-may-be-relative", A_FILE, directory=".",
          arguments=["storage-untar", "/", "root"], descriptor_form=False)
    untar("1.3/the-root-may-have-a-trailing-slash", A_FILE,
          arguments=["storage-untar", "/", "ROOT/"], descriptor_form=False)
    untar("1.3/a-root-that-is-a-file-fails", A_FILE, root="outside/secret", descriptor_form=False)
    untar("1.3/a-root-that-is-absent-fails", A_FILE, root="absent", descriptor_form=False)
    untar("1.3/a-root-that-is-a-symlink", A_FILE, root="to-root",
          beside=[disk.symlink("to-root", "root")])
    untar("1.2/a-destination-inside-the-root", A_FILE, place="/sub",
          before=[disk.directory("sub", 0o711, uid=3)])
    untar("1.2/a-destination-that-is-absent", A_FILE, place="/no/such")
    untar("1.2/a-destination-that-is-a-file", A_FILE, place="/sub", before=[disk.file("sub")])
    untar("1.2/a-destination-that-is-a-symlink-stays-inside", A_FILE, place="/sub",
          before=[disk.symlink("sub", "/inner"), disk.directory("inner")])
    untar("1.2/a-destination-through-an-absolute-symlink", A_FILE, place="/sub/deep",
          before=[disk.symlink("sub", "/inner"), disk.directory("inner/deep")])
    untar("1.2/a-destination-above-the-root-is-cleaned-inside", A_FILE, place="/../y")
    untar("1.2/a-destination-that-is-not-clean", A_FILE, place="//sub/./x/..//",
          before=[disk.directory("sub")])
    untar("1.5/one-argument-looks-it-up-again-inside", A_FILE,
          arguments=["storage-untar", "ROOT"], descriptor_form=False)
    untar("1.5/the-rest-of-the-input-is-read", A_FILE, tar.END, b"\x00" * 3_000_000)
    untar("1.5/rubbish-behind-the-end-is-read", A_FILE, tar.END, b"rubbish" * 300_000)
    untar("10/3-after-an-error-the-rest-is-not-read", tar.header("x", type="7"),
          tar.END, b"\x00" * 3_000_000, drain_matters=True)
    untar("10/8-standard-input-may-be-a-file", A_FILE, tar.file("g", b"g" * 5000),
          stdin_as_file=True)
    untar("10/8-a-file-is-read-to-its-end", A_FILE, tar.END, b"\x00" * 300_000, stdin_as_file=True)
    untar("1.5/a-slow-reader", tar.file("f", b"drop by drop\n"), slow=True)
    untar("9.1/an-empty-archive-from-a-slow-reader", end=b"\x00" * 10240, slow=True)
    untar("1.5/the-umask-is-inherited-027", tar.file("a/b/f", mode=0o666), umask=0o027)
    untar("1.5/the-umask-is-inherited-0", tar.file("a/b/f", mode=0o666), umask=0)
    untar("1.5/the-umask-is-inherited-0777", tar.file("a/b/f", mode=0o666), umask=0o777)
    untar("1.6/nobody-cannot-make-a-mount-namespace", A_FILE, uid=65534)
    untar("1.6/the-root-is-written-to-even-for-an-empty-archive", root="absent/deeper",
          descriptor_form=False)
    untar("1.6/without-sys-admin-a-plain-chroot", A_FILE, tar.directory("d"),
          without=("SYS_ADMIN",))
    untar("1.6/without-sys-admin-and-sys-chroot", A_FILE, without=("SYS_ADMIN", "SYS_CHROOT"))
    untar("1.6/in-a-user-namespace", A_FILE, tar.directory("d"), user_namespace=65536,
          options={"InUserNS": True})
    untar("10/5-a-file-limit-is-an-error", tar.file("f", b"x" * 100_000), file_size=50_000)
    untar("1.10/text-of-open", tar.file("l/f"), before=[disk.symlink("l", "/nowhere")])
    untar("1.10/text-of-open-in-a-file", tar.file("r/f"), before=[disk.file("r")])
    untar("1.10/text-of-mkdir-in-a-file", tar.directory("r/d"), before=[disk.file("r")])
    untar("1.10/text-of-symlink-in-a-file", tar.symlink("r/l", "x"), before=[disk.file("r")])
    untar("1.10/text-of-mknod-in-a-file", tar.fifo("r/p"), before=[disk.file("r")])
    untar("1.10/text-of-link-to-nothing", tar.hardlink("h", "nothing"))
    untar("1.10/text-of-link-to-a-directory", tar.directory("d"), tar.hardlink("h", "d"))
    untar("1.10/text-of-a-name-that-is-too-long", tar.long_name("x" * 256), tar.file("x"))
    untar("1.10/text-of-a-directory-name-that-is-too-long", tar.long_name("x" * 256 + "/f"),
          tar.file("x"))
    untar("1.10/text-of-a-path-that-is-too-long", tar.long_name("x/" * 2100 + "f"), tar.file("x"))
    untar("1.10/text-of-a-symlink-target-that-is-too-long", tar.long_link("y" * 4096),
          tar.symlink("l", "y"))
    untar("1.10/text-of-an-empty-symlink-target", tar.symlink("l", ""))
    untar("1.10/text-of-a-loop", tar.file("l/f"), before=[disk.symlink("l", "l")])
    untar("1.10/text-of-no-space-R05-1-TiB-of-hole", tar.sparse_1_0("f", [], 1 << 40, b""),
          tree_matters=False, danger="writes no zeros")
    untar("1.10/names-are-not-escaped-in-texts", tar.file("r\n\x1b[1m\"/f"),
          before=[disk.file("r\n\x1b[1m\"")])
    untar("1.10/names-are-quoted-when-outside", tar.file("../o\n\x1b\"\\é\u200b"), place="/sub",
          before=[disk.directory("sub")])
    untar("1.10/bytes-are-quoted-when-outside", tar.file(b"../o\xff\xc3\x00"), place="/sub",
          before=[disk.directory("sub")])


# --- 2: the options ---

def options(untar):
    archive = [tar.directory("a"), A_FILE, tar.file("a/f", uid=1000)]
    documents = {
        "null": b"null", "an-empty-object": b"{}", "white-space-before": b" \n\t {}",
        "junk-behind-the-value": b'{"NoLchown":true} junk [',
        "two-values": b'{"NoLchown":true}{"NoLchown":false}',
        "keys-in-any-case": b'{"nolchown":true,"EXCLUDEPATTERNS":["a"]}',
        "a-duplicate-key-last-wins": b'{"NoLchown":true,"NoLchown":false}',
        "a-duplicate-key-in-another-case": b'{"NoLchown":false,"nolchown":true}',
        "unknown-keys-are-skipped": b'{"What":{"x":[1,"}",null,{"y":1e9}]},"NoLchown":true}',
        "null-leaves-zero": b'{"NoLchown":null,"ExcludePatterns":null,"WhiteoutFormat":null}',
        "null-after-a-value": b'{"NoLchown":true,"NoLchown":null}',
        "null-in-a-list-of-text": b'{"ExcludePatterns":["zzz",null]}',
        "escapes-in-text": b'{"ExcludePatterns":["\\u0061\\/f"]}',
        "a-lone-surrogate": b'{"ExcludePatterns":["\\ud800"]}',
        "a-surrogate-pair": b'{"ExcludePatterns":["\\ud83d\\ude00"]}',
        "members-of-ChownOpts": b'{"ChownOpts":{"UID":7,"GID":8}}',
        "members-of-ChownOpts-in-any-case": b'{"ChownOpts":{"uid":7,"gid":8}}',
        "ChownOpts-with-one-member": b'{"ChownOpts":{"UID":7}}',
        "an-empty-ChownOpts": b'{"ChownOpts":{}}',
        "members-of-maps-in-any-case":
            b'{"UIDMaps":[{"Container_ID":0,"HOST_ID":50,"size":2000}]}',
        "unused-fields": b'{"WhiteoutData":{"x":1},"RebaseNames":{"a":"b"},"Compression":3,'
                         b'"IncludeFiles":["a"],"CopyPass":true,"IncludeSourceDir":true,'
                         b'"Timestamp":null}',
        "a-negative-whiteout-format": b'{"WhiteoutFormat":-1}',
        "an-unknown-whiteout-format": b'{"WhiteoutFormat":7}',
    }
    for name, text in documents.items():
        untar("2.1/" + name, *archive, tar.file(".wh.x"), options=text)
    broken = {
        "nothing": b" ", "empty-input-is-EOF": None, "half-a-document": b'{"NoLchown":tr',
        "an-array": b"[]", "a-number": b"5", "text": b'"x"', "a-word": b"nonsense",
        "a-control-character-in-text": b'{"ExcludePatterns":["a\nb"]}',
        "a-number-as-text": b'{"WhiteoutFormat":"1"}', "a-fraction": b'{"WhiteoutFormat":1.0}',
        "an-exponent": b'{"WhiteoutFormat":1e0}', "a-bool-as-number": b'{"NoLchown":1}',
        "an-overflow": b'{"ForceMask":4294967296}', "a-negative-unsigned": b'{"ForceMask":-1}',
        "an-overflow-of-64-bits": b'{"WhiteoutFormat":9223372036854775808}',
        "text-in-place-of-a-list": b'{"ExcludePatterns":"a"}',
        "a-list-in-place-of-an-object": b'{"ChownOpts":[]}',
        "number-in-a-list-of-text": b'{"ExcludePatterns":[1]}',
        "a-trailing-comma": b'{"NoLchown":true,}', "single-quotes": b"{'NoLchown':true}",
        "a-comment": b'/**/{}', "a-missing-colon": b'{"NoLchown" true}',
        "a-byte-order-mark": b"\xef\xbb\xbf{}", "a-bad-escape": b'{"ExcludePatterns":["\\x41"]}',
        "a-leading-zero": b'{"WhiteoutFormat":01}', "a-plus-sign": b'{"WhiteoutFormat":+1}',
    }
    for name, text in broken.items():
        # The messages of the decoder are its own; b"" would stand for the default document.
        untar("2.1/refused-" + name, A_FILE, options=text if text is not None else NOTHING,
              any_text=True)
    untar("2.1/invalid-utf-8-in-text", A_FILE, options=b'{"ExcludePatterns":["\xff"]}')
    many = [f"pattern-{i:0300}" for i in range(65534)]
    untar("2.1/20-megabytes-of-patterns", *archive, options={"ExcludePatterns": many})
    untar("10/1-20-megabytes-and-a-failure", tar.header("x", type="7"),
          options={"ExcludePatterns": many})
    untar("2.1/20-megabytes-and-a-root-that-is-absent", A_FILE, root="absent",
          descriptor_form=False, options={"ExcludePatterns": many})
    untar("2.1/deep-nesting-of-an-unknown-key", A_FILE,
          options=b'{"What":' + b"[" * 5000 + b"]" * 5000 + b"}")

    def excluding(name, patterns, *parts):
        untar("2.2/exclude-" + name, *parts, options={"ExcludePatterns": patterns})
    entries = [tar.directory("dev"), tar.file("device"), tar.file("dev/x"), tar.file("/dev/y"),
               tar.file("./dev/z"), tar.file("other")]
    excluding("is-a-prefix-not-a-glob", ["dev"], *entries)
    excluding("a-glob-is-no-glob", ["de*"], *entries, tar.file("de*x"))
    excluding("nothing-as-a-pattern-skips-all", [""], *entries)
    excluding("with-a-slash", ["dev/"], *entries)
    excluding("a-leading-slash", ["/dev"], *entries)
    excluding("a-dot", ["."], *entries, tar.file("./.hidden"), tar.directory("./"))
    excluding("before-ids-are-mapped", ["bad"], tar.file("bad", uid=9999), tar.file("good"))
    excluding("is-of-the-cleaned-name", ["a/b"], tar.directory("a"), tar.file("a//./b"),
              tar.file("a/c/../b2"))
    excluding("a-directory-that-is-excluded-gets-no-times", ["d"], tar.directory("d", mtime=1),
              tar.file("e/f"))
    excluding("does-not-look-at-the-type", ["g"], tar.global_pax({"comment": "x"}, name="g"),
              tar.symlink("g2", "x"), tar.header("g3", type="7"))
    for uid, gid in ((0, 0), (1000, 1000), (4294967294, 4294967294)):
        untar(f"2.2/chown-opts-{uid}", *archive, options={"ChownOpts": {"UID": uid, "GID": gid}})
    untar("2.2/no-lchown", tar.directory("d", uid=7), tar.file("d/f", uid=7),
          tar.file("implied/f", uid=7), tar.symlink("l", "x", uid=7), options={"NoLchown": True})
    untar("2.2/no-lchown-and-whiteouts", tar.file("d/.wh.x", uid=7),
          options={"NoLchown": True, "WhiteoutFormat": 1})
    untar("2.2/no-lchown-still-maps", tar.file("f", uid=70_000),
          options={"NoLchown": True, "UIDMaps": id_map((0, 100, 10)),
                   "GIDMaps": id_map((0, 100, 10))})
    untar("2.2/no-lchown-and-implied-parents", tar.file("a/b/f"),
          options={"NoLchown": True, "UIDMaps": id_map((0, 100, 10)),
                   "GIDMaps": id_map((0, 200, 10))})
    for name, entry, before in (
            ("a-file-over-a-directory", tar.file("x"), disk.directory("x")),
            ("a-directory-over-a-file", tar.directory("x"), disk.file("x")),
            ("a-directory-over-a-symlink", tar.directory("x"), disk.symlink("x", ".")),
            ("a-symlink-over-a-directory", tar.symlink("x", "y"), disk.directory("x")),
            ("a-directory-over-a-directory", tar.directory("x", 0o700), disk.directory("x")),
            ("a-file-over-a-symlink", tar.file("x"), disk.symlink("x", "y")),
            ("a-file-that-is-the-root", tar.file("."), disk.file("y")),
            ("the-root-by-its-slash", tar.directory("/", 0o700), disk.file("y")),
            ("a-global-header-over-a-directory", tar.global_pax({"comment": "x"}, name="x"),
             disk.directory("x"))):
        untar("2.2/no-overwrite-" + name, entry, before=[before],
              options={"NoOverwriteDirNonDir": True})
        untar("2.2/no-overwrite-in-a-place-" + name, entry, place="/sub",
              before=[disk.directory("sub"), {**before, "path": "sub/" + before["path"]}],
              options={"NoOverwriteDirNonDir": True})
    untar("2.2/in-user-ns-skips-devices", tar.char("c"), tar.block("b"), tar.fifo("p"),
          tar.char("old"), tar.xattrs({"user.x": "1"}), tar.char("deep/c"),
          before=[disk.file("old")], options={"InUserNS": True})
    both = {"NoOverwriteDirNonDir": True, "InUserNS": True}
    for kind, make in (("char", tar.char), ("block", tar.block)):
        untar(f"2.2/no-overwrite-by-a-{kind}-that-is-skipped", make("x"), options=both,
              before=[disk.file("x/y")])
        untar(f"2.2/no-overwrite-of-a-file-by-a-{kind}-that-is-skipped", make("x"), options=both,
              before=[disk.file("x")])
    for name, parent in (("a-file", disk.file("p")), ("a-loop", disk.symlink("p", "p")),
                         ("a-dangling-symlink", disk.symlink("p", "nowhere"))):
        untar("2.2/in-user-ns-skips-a-device-below-" + name, tar.char("p/c"), before=[parent],
              options={"InUserNS": True})
    untar("2.2/in-user-ns-tolerates-xattrs", tar.xattrs({"trusted.x": "1"}), tar.file("f"),
          tar.xattrs({"user.x": "1"}), tar.symlink("l", "f"), options={"InUserNS": True})


NOTHING = b"\n"


def id_maps(untar):
    entries = [tar.directory("d", uid=1, gid=2), tar.file("d/f", uid=0, gid=0),
               tar.file("implied/f", uid=3, gid=4), tar.symlink("l", "x", uid=5, gid=6)]
    maps = {
        "one-range": (id_map((0, 1000, 100)), id_map((0, 2000, 100))),
        "several-ranges-first-wins": (id_map((0, 1000, 1), (1, 500, 3), (1, 9000, 100)),
                                      id_map((0, 2000, 2), (2, 70000, 100))),
        "null-is-identity": (id_map((0, 1000, 100)), None),
        "null-is-identity-for-uids": (None, id_map((0, 1000, 100))),
        "empty-maps-nothing": (id_map((0, 1000, 100)), []),
        "both-empty-is-identity": ([], []),
        "a-gap": (id_map((0, 1000, 3)), id_map((0, 2000, 100))),
        "a-gap-of-gids": (id_map((0, 1000, 100)), id_map((0, 2000, 3))),
        "no-zero-is-no-root-pair": (id_map((1, 1000, 100)), id_map((1, 2000, 100))),
        "a-size-of-one-is-the-root-pair": (id_map((5, 1000, 1)), id_map((5, 2000, 1))),
        "a-size-of-nothing": (id_map((0, 1000, 0)), id_map((0, 2000, 0))),
        "negative-sizes": (id_map((0, 1000, -1)), id_map((0, 2000, -5))),
        "large-host-ids": (id_map((0, 4294900000, 100)), id_map((0, 4294900000, 100))),
    }
    for name, (uids, gids) in maps.items():
        untar("2.3/" + name, *entries, options={"UIDMaps": uids, "GIDMaps": gids})
    mapped = {"UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 2000, 10))}
    untar("2.3/the-root-pair-owns-what-is-implied", tar.file("a/b/c/f", uid=1), options=mapped)
    untar("2.3/a-root-pair-of-another-id", tar.file("a/b/f", uid=5, gid=5),
          options={"UIDMaps": id_map((5, 1000, 1)), "GIDMaps": id_map((5, 2000, 1))})
    untar("2.3/no-root-pair-leaves-the-owner", tar.file("a/b/f", uid=1, gid=1),
          options={"UIDMaps": id_map((1, 1000, 5)), "GIDMaps": id_map((1, 2000, 5))})
    untar("2.3/chown-opts-are-mapped", *entries,
          options={**mapped, "ChownOpts": {"UID": 3, "GID": 4}})
    untar("2.3/chown-opts-that-cannot-be-mapped", *entries,
          options={**mapped, "ChownOpts": {"UID": 30, "GID": 4}})
    untar("2.3/ids-beyond-32-bits", tar.file("f", uid=4294967301, gid=8589934593))
    untar("2.3/negative-ids", tar.file("f", uid=-1, gid=-2))
    untar("2.3/ids-beyond-32-bits-are-mapped-whole", tar.file("f", uid=4294967296),
          options=mapped)
    untar("2.3/a-skipped-root-is-not-mapped", tar.directory("./", uid=999), options=mapped)
    untar("2.3/whiteouts-are-mapped", tar.file(".wh.x", uid=3, gid=4),
          options={**mapped, "WhiteoutFormat": 1})
    untar("2.3/hard-links-are-mapped-again", tar.file("f", uid=1, gid=1),
          tar.hardlink("h", "f", uid=2, gid=2), options=mapped)
    untar("2.3/a-global-header-maps-id-0", tar.global_pax({"comment": "x"}),
          options={"UIDMaps": id_map((1, 1000, 5)), "GIDMaps": id_map((1, 2000, 5))})


# --- 3.0: the reader ---

def tar_reader(untar):
    untar("3.0/no-input", end=b"")
    untar("3.0/two-zero-blocks-alone")
    untar("3.0/one-zero-block-alone", end=tar.zero_blocks(1))
    untar("3.0/no-end", A_FILE, end=b"")
    untar("3.0/one-zero-block-then-eof", A_FILE, end=tar.zero_blocks(1))
    untar("3.0/one-zero-block-then-an-entry", A_FILE, tar.zero_blocks(1), tar.file("g"))
    untar("3.0/one-zero-block-then-half-a-block", A_FILE, end=b"\x00" * 700)
    untar("3.0/two-zero-blocks-then-an-entry", A_FILE, tar.END, tar.file("g"))
    untar("3.0/concatenated-archives", tar.archive(A_FILE), tar.archive(tar.file("g")))
    for size in (1, 100, 511):
        untar(f"3.0/eof-after-{size}-bytes-of-a-header", A_FILE, tar.file("g", b"")[:size], end=b"")
    untar("3.0/eof-before-data", tar.file("f", b"", size=5), end=b"")
    untar("3.0/eof-in-data", tar.file("f", b"x" * 1000)[:900], end=b"")
    untar("3.0/eof-in-data-that-is-skipped", tar.file("f", b"x" * 1000)[:900], end=b"",
          options={"ExcludePatterns": ["f"]})
    untar("3.0/eof-in-data-that-is-skipped-from-a-file", tar.file("f", b"x" * 1000)[:900], end=b"",
          options={"ExcludePatterns": ["f"]}, stdin_as_file=True)
    untar("3.0/eof-in-padding", tar.file("f", b"x" * 600)[:512 + 700], end=b"")
    untar("3.0/eof-at-the-end-of-data", tar.file("f", b"x" * 600)[:512 + 600], end=b"")
    untar("3.0/eof-in-padding-that-is-skipped", tar.file("f", b"x" * 600)[:512 + 700], end=b"",
          options={"ExcludePatterns": ["f"]})
    untar("3.0/padding-that-is-not-zero", tar.file("f", b"x"*100)[:-10] + b"y" * 10, A_FILE)
    untar("3.0/rubbish", b"\x55" * 1024)
    untar("3.0/text", b"this is not a tar archive\n" * 100)
    untar("3.0/a-gzip-stream-is-not-decompressed", b"\x1f\x8b\x08" + b"\x00" * 1021)
    for kind in ("unsigned", "signed", "wrong"):
        untar(f"3.0/checksum-{kind}", tar.file(b"\xff\xfe\x80", checksum=kind))
    for name, raw in {"without-leading-zeros": lambda n: b"%o" % n, "of-spaces": lambda n: b" " * 8,
                      "of-zeros": lambda n: b"\0" * 8, "in-base-256": lambda n: tar.base256(n, 8),
                      "padded-with-spaces": lambda n: b"%6o  " % n,
                      "with-a-bad-digit": lambda n: b"00%o8\0" % n,
                      "of-seven-digits": lambda n: b"%07o\0" % n}.items():
        number = tar.checksum_of(tar.header("f", size=4))
        untar("3.0/checksum-" + name,
              tar.header("f", size=4, checksum=raw(number)) + tar.padded(b"abcd"))
    magics = {"ustar": tar.USTAR, "gnu": tar.GNU, "v7": tar.V7, "star": tar.STAR,
              "ustar-of-another-version": b"ustar\x00zz", "ustar-without-version": b"ustar\0\0\0",
              "ustar-and-a-space": b"ustar \x00\x00", "gnu-with-a-zero": b"ustar\x00 \x00",
              "rubbish": b"rubbish!", "upper-case": b"USTAR\x0000"}
    for name, magic in magics.items():
        untar("3.0/magic-" + name, tar.file("f", magic=magic, uname="root", gname="root"),
              tar.char("c", 5, 6, magic=magic), tar.file("name", magic=magic, prefix="some/prefix"),
              tar.directory("d/", magic=magic), tar.symlink("l", "f", magic=magic))
    untar("3.0/v7-has-no-devices", tar.char("c", 1, 3, magic=tar.V7))
    untar("3.0/v7-directory-by-its-slash", tar.header("d/", type="\0", magic=tar.V7, mode=0o755))
    untar("3.0/star-times", tar.file("f", magic=tar.STAR, patches=[
        (476, b"14000000000\0"), (488, b"14000000001\0")]))
    untar("3.0/star-times-that-are-not-numbers", tar.file("f", magic=tar.STAR, patches=[
        (476, b"x" * 12)]))
    untar("3.0/star-prefix-of-131", tar.file("f", magic=tar.STAR, prefix="p/" * 65))
    untar("3.0/star-without-its-trailer", tar.file("f", patches=[(476, b"14000000000\0")]))
    untar("3.0/a-name-of-100-bytes", tar.file("n" * 100), tar.file("m" * 99))
    untar("3.0/a-prefix-of-155-bytes", tar.file("n" * 100, prefix="p/" * 77 + "q"))
    untar("3.0/a-link-of-100-bytes", tar.symlink("l", "t" * 100))
    untar("3.0/a-name-ends-at-its-nul", tar.file(b"name\x00junk"), tar.symlink("l", b"x\x00y"))
    untar("3.0/a-prefix-ends-at-its-nul", tar.file("f", prefix=b"p\x00junk"))
    untar("3.0/a-prefix-alone", tar.file("", prefix="p"))
    untar("3.0/a-prefix-of-a-slash", tar.file("f", prefix="/"))
    untar("3.0/no-name", tar.file(""), before=[disk.file("x")])
    untar("3.0/a-directory-without-a-name", tar.directory(""))
    untar("3.0/any-bytes-in-names", *(tar.file(b"byte-%02x-" % b + bytes([b]))
                                      for b in range(1, 256) if b != 0x2f))


def numbers(untar):
    fields = ("mode", "uid", "gid", "size", "mtime", "major", "minor")
    spellings = {
        "spaces-before": b"   7 ", "spaces-behind": b"7   ", "nuls-before": b"\0\0007",
        "empty": b"", "spaces-alone": b"    ", "a-digit-8": b"8", "a-letter": b"7x",
        "a-minus": b"-7", "a-plus": b"+7", "a-hex": b"0x7", "a-space-between": b"1 1",
        "a-nul-between": b"1\x001", "underscore": b"1_0", "tab-before": b"\t7",
        "newline-behind": b"7\n", "no-end": None, "base-256": "positive",
        "base-256-negative": "negative", "base-256-overflow": "overflow",
        "base-256-just-too-large": "just",
    }
    for name in fields:
        width = 12 if name in ("size", "mtime") else 8
        for spelling, value in spellings.items():
            if value is None:
                value = b"7".rjust(width, b"0")
            elif value == "positive":
                value = tar.base256(7, width)
            elif value == "negative":
                value = tar.base256(-7, width)
            elif value == "overflow":
                value = b"\x80" + b"\x7f" * (width - 1)
            elif value == "just":
                value = tar.base256(1 << 63 if width == 12 else (1 << 55) - 1, width)
            kind = "3" if name in ("major", "minor") else "0"
            data = tar.padded(b"1234567") if name == "size" else b""
            fields_of = {"size": 0, **{name: value}}
            untar(f"3.0/number-{name}-{spelling}", tar.header("f", type=kind, **fields_of) + data)
    untar("3.0/every-device-number", *(tar.char(f"c{i}", major, minor) for i, (major, minor) in
                                      enumerate(((0, 0), (1, 3), (255, 255), (256, 256),
                                                 (4095, 1048575), (204, 70000), (4096, 1),
                                                 (1, 1048576), (-1, -1), (65537, 65537)))))
    untar("3.0/every-block-device-number",
          *(tar.block(f"b{i}", major, minor) for i, (major, minor) in
            enumerate(((0, 0), (8, 1), (259, 300000), (4096, 1)))))
    untar("3.0/every-mode-bit", *(tar.file(f"f{mode:o}", mode=mode) for mode in
                                  (0, 0o7777, 0o4755, 0o2755, 0o1755, 0o100644, 0o777777, 0o40755)),
          *(tar.directory(f"d{mode:o}", mode) for mode in (0, 0o7777, 0o2775, 0o1777, 0o100755)))
    untar("3.0/a-negative-mode", tar.file("f", mode=-1))


def pax_headers(untar):
    def with_record(name, records, entry=A_FILE, **more):
        untar("3.0/pax-" + name, tar.pax(records), entry, tar.file("after"), **more)
    with_record("path", {"path": "other"})
    with_record("path-that-is-empty", {"path": ""})
    with_record("path-with-nul", {"path": "a\0b"})
    with_record("path-that-ends-in-a-slash", {"path": "d/"})
    with_record("path-of-a-directory-by-nul-type", {"path": "d/"}, tar.header("x", type="\0"))
    with_record("linkpath", {"linkpath": "target"}, tar.symlink("l", "x"))
    with_record("linkpath-that-is-empty", {"linkpath": ""}, tar.symlink("l", "x"))
    with_record("linkpath-with-nul", {"linkpath": "a\0b"}, tar.symlink("l", "x"))
    with_record("linkpath-on-a-file", {"linkpath": "target"})
    with_record("uname-with-nul", {"uname": "a\0b"})
    with_record("comment-with-nul", {"comment": "a\0b"})
    with_record("ids", {"uid": "3000000", "gid": "4000000"})
    with_record("ids-beyond-32-bits", {"uid": "4294967301", "gid": "8589934597"})
    with_record("ids-that-are-negative", {"uid": "-1", "gid": "-5"})
    with_record("ids-that-are-empty", {"uid": "", "gid": ""})
    for name, value in {"text": "x", "a-plus": "+5", "a-space": " 5", "a-fraction": "5.0",
                        "hex": "0x5", "overflow": "9223372036854775808", "underscore": "1_0",
                        "leading-zeros": "005", "the-largest": "9223372036854775807"}.items():
        with_record("uid-" + name, {"uid": value})
        with_record("size-" + name, {"size": value}, tree_matters=name != "the-largest")
    times = {"seconds": "1234567890", "fraction": "1234567890.5", "nanoseconds":
             "1234567890.123456789", "more-digits": "1234567890.1234567899999",
             "negative": "-5", "negative-fraction": "-5.25", "minus-nothing": "-0.5",
             "no-seconds": ".5", "no-fraction": "5.", "a-plus": "+5", "text": "x",
             "two-dots": "1.2.3", "a-sign-in-the-fraction": "1.-5", "a-letter-in-it": "1.5x",
             "a-letter-behind-nine-digits": "1.123456789x", "exponent": "1e9", "dot": ".",
             "large": "9223372036", "larger": "9223372037", "beyond": "9223372036854775808",
             "largest": "9223372036854775807", "empty": "", "minus": "-", "spaces": " 5 ",
             "at-the-limit": "9223372036.854775807", "behind-the-limit": "9223372036.854775808"}
    for name, value in times.items():
        with_record("mtime-" + name, {"mtime": value})
        untar("3.0/pax-mtime-of-a-symlink-" + name, tar.pax({"mtime": value}),
              tar.symlink("l", "x"))
        untar("3.0/pax-mtime-of-a-directory-" + name, tar.pax({"mtime": value}),
              tar.directory("d"))
        with_record("atime-" + name, {"atime": value})
        with_record("ctime-" + name, {"ctime": value})
    with_record("a-newer-atime", {"atime": "1700000000.25", "mtime": "1600000000.5"})
    with_record("an-older-atime", {"atime": "1500000000.25", "mtime": "1600000000.5"})
    with_record("atime-of-a-directory", {"atime": "1500000000.25"}, tar.directory("d"))
    with_record("newer-atime-of-a-directory", {"atime": "1700000000.25"}, tar.directory("d"))
    with_record("negative-atime-of-a-directory", {"atime": "-7"}, tar.directory("d"))
    with_record("atime-of-a-symlink", {"atime": "1700000000"}, tar.symlink("l", "x"))
    with_record("size-wins", {"size": "5"}, tar.header("f", size=0) + tar.padded(b"12345"))
    with_record("size-wins-over-a-larger", {"size": "5"},
                tar.header("f", size=1024) + tar.padded(b"12345"))
    with_record("size-negative", {"size": "-5"})
    with_record("size-empty", {"size": ""})
    with_record("size-of-a-directory", {"size": "512"}, tar.directory("d"))
    with_record("size-of-a-symlink", {"size": "512"}, tar.symlink("l", "x"))
    with_record("a-key-twice-last-wins", [("path", "first"), ("path", "second")])
    with_record("a-key-twice-empty-last", [("path", "first"), ("path", "")])
    with_record("an-unknown-key", {"VENDOR.thing": "x", "comment": "y", "charset": "BINARY"})
    with_record("an-equals-in-the-value", {"path": "a=b=c"})
    with_record("a-newline-in-the-value", {"path": "a\nb"})
    with_record("bytes-that-are-not-utf-8", {"path": b"a\xffb"})
    with_record("hdrcharset-binary", {"hdrcharset": "BINARY", "path": b"a\xffb"})
    with_record("path-longer-than-everything", {"path": "d/" * 100 + "f"})
    with_record("gnu-sparse-name-alone", {"GNU.sparse.name": "other"})
    bodies = {
        "empty": b"", "a-nul": b"\0", "zeros": b"\0" * 20, "no-equals": b"9 pathab\n",
        "no-newline": b"10 path=ab", "length-0": b"0 path=a\n", "length-too-short": b"5 path=ab\n",
        "length-too-long": b"99 path=ab\n", "length-one-too-long": b"11 path=ab\n\0",
        "length-not-a-number": b"x path=ab\n", "length-negative": b"-9 path=a\n",
        "length-with-a-plus": b"+11 path=a\n", "length-with-zeros": b"0012 path=a\n",
        "length-overflow": b"99999999999999999999 path=a\n", "no-space": b"10path=ab\n",
        "length-with-many-zeros": b"0" * 30 + b"40 path=a\n",
        "two-spaces": b"11  path=a\n", "no-key": b"6 =ab\n", "of-length-4": b"4 =\n",
        "of-length-5": b"5 a=\n", "nul-in-the-key": b"11 pa\0th=a\n", "newlines-before":
        b"\n10 path=a\n", "rubbish-behind": tar.record("path", "a") + b"rubbish",
        "a-nul-behind": tar.record("path", "a") + b"\0", "two-records":
        tar.record("path", "a") + tar.record("uid", "7"),
        "second-is-broken": tar.record("path", "a") + b"7 uid7\n", "spaces-before": b"  12 path=a\n",
    }
    for name, body in bodies.items():
        untar("3.0/pax-body-" + name, tar.pax_of(body), A_FILE)
        untar("3.0/pax-global-body-" + name, tar.pax_of(body, type="g"), A_FILE)
    untar("3.0/pax-at-the-end", A_FILE, tar.pax({"path": "x"}))
    untar("3.0/pax-at-the-end-without-trailer", A_FILE, tar.pax({"path": "x"}), end=b"")
    untar("3.0/pax-body-is-cut", A_FILE, tar.pax({"path": "x" * 600})[:700], end=b"")
    untar("3.0/pax-padding-is-cut", A_FILE, tar.pax({"path": "x"})[:600], end=b"")
    untar("3.0/pax-only-the-last-counts", tar.pax({"uid": "77", "path": "first"}),
          tar.pax({"gid": "88"}), A_FILE)
    untar("3.0/pax-the-last-may-be-empty", tar.pax({"path": "first"}), tar.pax({}), A_FILE)
    untar("3.0/pax-before-a-global-is-lost", tar.pax({"path": "first"}),
          tar.global_pax({"comment": "x"}), A_FILE)
    untar("3.0/pax-solaris-X", tar.pax({"path": "first"}, type="X"), A_FILE)
    untar("3.0/pax-limit-1-MiB", tar.pax({"comment": "x" * (1 << 20 - 1)}), A_FILE)
    untar("3.0/pax-at-1-MiB", tar.pax_of(filled(1 << 20)), A_FILE)
    untar("3.0/pax-beyond-1-MiB", tar.pax_of(filled((1 << 20) + 1)), A_FILE)
    untar("3.0/pax-of-1-TiB", tar.pax_of(b"", size=1 << 40), A_FILE)
    untar("3.0/global-of-1-TiB", tar.pax_of(b"", type="g", size=1 << 40), A_FILE)
    untar("3.0/global-is-not-applied", tar.global_pax({"path": "other", "uid": "77",
                                                       "mtime": "5"}), A_FILE)
    untar("3.0/global-names-itself", tar.global_pax({"path": "named"}), A_FILE,
          before=[disk.file("named"), disk.file("pax_global_header")])
    untar("3.0/global-with-a-size", tar.global_pax({"size": "512"}), A_FILE)
    untar("3.0/global-xattrs", tar.global_pax({"SCHILY.xattr.user.x": "1"}), A_FILE)
    untar("3.0/global-at-the-end", A_FILE, tar.global_pax({"comment": "x"}))
    untar("3.0/pax-in-v7", tar.pax({"path": "other"}, magic=tar.V7), tar.file("f", magic=tar.V7))
    untar("3.0/pax-in-gnu", tar.pax({"path": "other"}, magic=tar.GNU), tar.file("f", magic=tar.GNU))
    untar("10/20-one-zero-block-inside-pax", tar.pax({"path": "x"}), tar.zero_blocks(1), A_FILE)


def filled(size):
    """A pax body of exactly size bytes."""
    record = tar.record("comment", "x" * (size - 20))
    return tar.record("comment", "x" * (size - 20 + size - len(record)))


def gnu_headers(untar):
    untar("3.0/gnu-long-name", tar.long_name("d/" * 100 + "f"), tar.file("short", magic=tar.GNU))
    untar("3.0/gnu-long-link", tar.long_link("d/" * 100 + "f"),
          tar.symlink("l", "short", magic=tar.GNU))
    untar("3.0/gnu-both", tar.long_link("t" * 150), tar.long_name("n" * 150),
          tar.symlink("l", "short", magic=tar.GNU))
    untar("3.0/gnu-beats-pax-path", tar.long_name("by-gnu"), tar.pax({"path": "by-pax"}), A_FILE)
    untar("3.0/gnu-beats-pax-path-in-the-other-order", tar.pax({"path": "by-pax"}),
          tar.long_name("by-gnu"), A_FILE)
    untar("3.0/gnu-link-beats-pax-linkpath", tar.long_link("by-gnu"),
          tar.pax({"linkpath": "by-pax"}), tar.symlink("l", "x"))
    untar("3.0/gnu-two-long-names", tar.long_name("first"), tar.long_name("second"), A_FILE)
    untar("3.0/gnu-an-empty-long-name", tar.long_name(""), A_FILE)
    untar("3.0/gnu-a-long-name-of-no-bytes", tar.long_name("", size=0)[:512], A_FILE)
    untar("3.0/gnu-a-long-name-without-nul", tar.pax_of(b"other", type="L", magic=tar.GNU), A_FILE)
    untar("3.0/gnu-a-long-name-with-nul-inside", tar.long_name("a\0b"), A_FILE)
    untar("3.0/gnu-a-long-name-with-a-slash", tar.long_name("d/"), tar.header("x", type="\0"))
    untar("3.0/gnu-a-long-name-before-a-global", tar.long_name("named"),
          tar.global_pax({"comment": "x"}), A_FILE, before=[disk.file("named")])
    untar("3.0/gnu-a-long-name-at-the-end", A_FILE, tar.long_name("x"))
    untar("3.0/gnu-a-long-name-of-1-TiB", tar.long_name("x", size=1 << 40), A_FILE)
    untar("3.0/gnu-a-long-name-beyond-1-MiB", tar.long_name("x" * (1 << 20)), A_FILE)
    untar("3.0/gnu-a-long-name-in-ustar", tar.pax_of(b"other\0", type="L"), A_FILE)
    untar("3.0/gnu-times", tar.file("f", magic=tar.GNU, patches=[(345, b"14000000000\0"),
                                                                 (357, b"14000000001\0")]))
    untar("3.0/gnu-times-of-a-directory", tar.directory("d", magic=tar.GNU, patches=[
        (345, b"14000000000\0")]))
    untar("3.0/gnu-a-prefix-of-old-go", tar.file("f", magic=tar.GNU, prefix="old/prefix"))
    untar("3.0/gnu-a-prefix-that-is-not-ascii", tar.file("f", magic=tar.GNU, prefix="pré"))
    untar("3.0/gnu-a-ctime-that-is-no-number", tar.file("f", magic=tar.GNU, patches=[
        (345, b"14000000000\0"), (357, b"nonsense")]))
    untar("3.0/gnu-multi-volume-offset", tar.file("f", magic=tar.GNU, patches=[
        (369, b"00000000001\0")]))


def types_and_data(untar):
    for kind in range(256):
        name = f"{kind:02x}"
        if kind in b"xgLK":
            continue # these say something about what comes next
        untar(f"3.0/type-{name}", tar.file("f", b"some data\n", type=bytes([kind]), link="t"),
              tar.file("after"))
    for kind in "123456":
        untar(f"3.0/type-{kind}-has-no-data", tar.header("f", type=kind, size=1024, link="t"),
              tar.file("after"), before=[disk.file("t")])
    for kind in "\0" "01567":
        code = ord(kind)
        untar(f"3.0/type-{code:02x}-with-a-slash", tar.header("f/", type=kind, link="t"),
              before=[disk.file("t")])
        untar(f"3.0/type-{code:02x}-with-a-slash-and-data",
              tar.header("f/", type=kind, link="t", size=7) + tar.padded(b"content"),
              before=[disk.file("t")])
    untar("3.0/sizes-round-the-block",
          *(tar.file(f"f{n}", b"x" * n) for n in (0, 1, 511, 512, 513, 1024, 32767, 32768, 32769,
                                                  1 << 20)))
    untar("3.0/a-size-beyond-everything", tar.header("f", size=(1 << 63) - 1), tree_matters=False)
    untar("3.0/a-negative-size-is-refused", tar.header("f", size=-1))


def sparse(untar):
    one = ([(0, 5), (4096, 5)], 10_000, b"helloworld")
    shapes = {
        "two-regions": one, "all-hole": ([], 5000, b""), "all-data": ([(0, 10)], 10, one[2]),
        "hole-behind": ([(0, 10)], 70_000, one[2]), "hole-in-front": ([(70_000, 10)], 70_010, one[2]),
        "an-empty-region-behind": ([(0, 10), (10_000, 0)], 10_000, one[2]),
        "overlapping": ([(0, 6), (5, 4)], 10_000, one[2]),
        "unordered": ([(4096, 5), (0, 5)], 10_000, one[2]),
        "beyond-the-size": ([(0, 5), (9_998, 5)], 10_000, one[2]),
        "more-data-than-regions": ([(0, 5)], 10_000, one[2]),
        "less-data-than-regions": ([(0, 5), (4096, 50)], 10_000, one[2]),
        "negative-offset": ([(-5, 5), (10, 5)], 10_000, one[2]),
        "negative-length": ([(0, -5), (10, 15)], 10_000, one[2]),
        "negative-size": ([(0, 10)], -1, one[2]),
        "no-size": ([], 0, b""),
        "huge-sum": ([(0, 5), ((1 << 63) - 6, 5)], (1 << 63) - 1, one[2]),
    }
    for name, (regions, size, data) in shapes.items():
        disk_full = name == "huge-sum"
        for version, make in (("0.0", tar.sparse_0_0), ("0.1", tar.sparse_0_1),
                              ("1.0", tar.sparse_1_0)):
            untar(f"3.0/sparse-{version}-{name}", make("f", regions, size, data),
                  tar.file("after"), tree_matters=not disk_full,
                  **({"danger": "says that the size is beyond a limit, and writes no zeros"}
                     if disk_full else {}))
        if size >= 0 and all(o >= 0 and n >= 0 for o, n in regions):
            untar(f"3.0/sparse-old-gnu-{name}", tar.old_gnu_sparse("f", regions, size, data),
                  tar.file("after"))
    untar("3.0/sparse-old-gnu-extended", tar.old_gnu_sparse(
        "f", [(i * 1024, 1) for i in range(4)], 10_000, b"abcdefgh",
        [tar.sparse_extension([(i * 1024, 1) for i in range(4, 8)])]), tar.file("after"))
    untar("3.0/sparse-old-gnu-extension-is-cut", tar.old_gnu_sparse(
        "f", [(0, 1)], 10, b"", [b""]), end=b"")
    untar("3.0/sparse-1.0-name-with-dots", tar.sparse_1_0("../f", *one), place="/sub",
          before=[disk.directory("sub")], danger="refuses the name, or stays in the root")
    maps = {"no-numbers": "", "text": "x\n", "negative-count": "-1\n", "too-many": "3\n0\n5\n",
            "no-newline": "1", "a-long-number": "1" * 600, "leading-zeros": "02\n000\n5\n4096\n5\n",
            "a-plus": "+2\n0\n5\n4096\n5\n", "a-huge-count": "99999999999\n",
            "an-empty-line": "2\n\n0\n5\n4096\n5\n", "crlf": "2\r\n0\r\n5\r\n4096\r\n5\r\n"}
    for name, text in maps.items():
        untar("3.0/sparse-1.0-map-" + name, tar.sparse_1_0("f", *one, map_text=text),
              tar.file("after"))
    untar("3.0/sparse-1.0-map-of-many-blocks",
          tar.sparse_1_0("f", [(i * 100, 1) for i in range(500)], 60_000, b"x" * 500),
          tar.file("after"))
    untar("3.0/sparse-1.0-by-size-record", tar.pax(
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.size": "100"}),
        tar.file("f", tar.padded(b"1\n0\n5\n") + b"hello"), tar.file("after"))
    untar("3.0/sparse-unknown-version", tar.pax(
        {"GNU.sparse.major": "2", "GNU.sparse.minor": "0", "GNU.sparse.name": "other"}), A_FILE)
    untar("3.0/sparse-0.0-too-few-numbers", tar.pax(
        [("GNU.sparse.size", "100"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.offset", "0"),
         ("GNU.sparse.numbytes", "5")]), tar.file("f", b"hello"))
    untar("3.0/sparse-0.0-offset-twice", tar.pax(
        [("GNU.sparse.size", "100"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.offset", "0"),
         ("GNU.sparse.offset", "5")]), tar.file("f", b"hello"))
    untar("3.0/sparse-0.1-odd-map", tar.pax(
        {"GNU.sparse.size": "100", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,5,7"}),
        tar.file("f", b"hello"))
    untar("3.0/sparse-0.1-comma-in-the-map", tar.pax(
        [("GNU.sparse.size", "100"), ("GNU.sparse.numblocks", "1"),
         ("GNU.sparse.offset", "0,5")]), tar.file("f", b"hello"))
    untar("3.0/sparse-of-a-directory", tar.pax(
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "other",
         "GNU.sparse.realsize": "100"}), tar.directory("d"), tar.file("after"))
    untar("3.0/sparse-holes-are-excluded", tar.sparse_1_0("f", *one), tar.file("after"),
          options={"ExcludePatterns": ["f"]})
    untar("3.0/sparse-cut", tar.sparse_1_0("f", *one)[:-600], end=b"")


# --- 3.2: the main loop ---

def main_loop(untar):
    untar("3.2/names-are-cleaned", tar.file("./a//b/../c/./f"), tar.file("/abs/f"),
          tar.directory("x/y/"), tar.file("x//y///z"))
    for name in ("../x", "../../a/b/c", "a/../../x", "..", "../", "/..", "/../x", "a/..", "./..",
                 "../sub", "../sub/f", "../subother", ".../x", "..x", "a/..b"):
        label = name.replace("/", "|")
        for place in ("/", "/sub", "/sub/deep"):
            untar(f"3.2/name-{label}-in-{place.replace('/', '|')}", tar.file(name),
                  before=[disk.directory("sub/deep"), disk.directory("subother")], place=place,
                  danger="refuses what leaves the place, and touches nothing above it"
                  if ".." in name.split("/") else "")
            untar(f"3.2/directory-{label}-in-{place.replace('/', '|')}",
                  tar.directory(name, 0o700, uid=7),
                  before=[disk.directory("sub/deep"), disk.directory("subother")], place=place,
                  danger="refuses what leaves the place, and touches nothing above it"
                  if ".." in name.split("/") else "")
    for name in (".", "./", "", "/", "//", "/.", "a/..", "./."):
        label = name.replace("/", "|") or "nothing"
        for place in ("/", "/sub"):
            untar(f"3.2/the-root-as-{label}-in-{place.replace('/', '|')}",
                  tar.directory(name, 0o1711, uid=7, gid=8, mtime=1234567890), tar.file("f"),
                  place=place, before=[disk.directory("sub", 0o750)])
    untar("3.2/the-root-has-its-times-in-the-end", tar.directory("/", mtime=1234567890),
          tar.directory("d"), place="/sub", before=[disk.directory("sub")])
    for kind, entry in {"file": tar.file("."), "symlink": tar.symlink(".", "x"),
                        "fifo": tar.fifo("."), "hard-link": tar.hardlink(".", "x"),
                        "global": tar.global_pax({"path": "."}),
                        "unknown": tar.header(".", type="7")}.items():
        untar(f"3.2/the-root-is-not-a-{kind}", entry, before=[disk.file("x")])
    untar("3.2/a-file-that-is-slash", tar.file("/"), before=[disk.file("x")], place="/sub",
          danger="leaves the root and what is in it alone", beside=[])
    untar("3.2/a-file-that-is-slash-in-a-place", tar.file("/"), place="/sub",
          before=[disk.file("sub/x"), disk.file("y")],
          danger="leaves the place and what is in it alone")
    untar("3.2/a-file-that-is-slash-in-the-root", tar.file("/"), before=[disk.file("x")],
          danger="leaves the root and what is in it alone")
    untar("3.2/nothing-is-rolled-back", tar.file("a"), tar.directory("d", mtime=5),
          tar.header("x", type="7"), tar.file("b"))
    untar("3.2/the-same-file-twice", tar.file("f", b"1", mode=0o600), tar.file("f", b"22"))
    untar("3.2/many-files", *(tar.file(f"d{i % 10}/f{i}", b"x" * i) for i in range(1000)))
    untar("3.2/deep-directories", *(tar.directory("d/" * i) for i in range(1, 40)))
    untar("3.2/ids-are-mapped-for-every-type", tar.header("x", type="7", uid=50),
          options={"UIDMaps": id_map((0, 100, 10)), "GIDMaps": id_map((0, 100, 10))})
    untar("3.2/excluded-entries-make-no-parents", tar.file("a/b/f"),
          options={"ExcludePatterns": ["a/b/f"]})


def parents(untar):
    untar("3.3/implied-directories", tar.file("a/b/c/f", mode=0o600, uid=5))
    untar("3.3/implied-directories-of-an-absolute-name", tar.file("/a/b/f"))
    untar("3.3/implied-directories-then-their-entry", tar.file("a/b/f"), tar.directory("a", 0o700))
    untar("3.3/an-unknown-type-makes-parents", tar.header("a/b/x", type="7"))
    untar("3.3/a-global-header-makes-parents",
          tar.global_pax({"comment": "x"}, name="/tmp/GlobalHead.1"), A_FILE)
    untar("3.3/outside-makes-parents-first", tar.file("../../a/b"), place="/sub",
          before=[disk.directory("sub")], danger="makes nothing above the place")
    untar("3.3/a-dangling-symlink-is-a-parent", tar.file("l/f"),
          before=[disk.symlink("l", "nowhere")])
    untar("3.3/below-a-dangling-symlink", tar.file("l/d/f"), before=[disk.symlink("l", "nowhere")])
    untar("3.3/a-symlink-to-a-directory-is-a-parent", tar.file("l/d/f"),
          before=[disk.symlink("l", "/real"), disk.directory("real", 0o711)])
    untar("3.3/a-symlink-of-the-archive-is-a-parent", tar.directory("usr/bin"),
          tar.symlink("bin", "usr/bin"), tar.file("bin/f"))
    untar("3.3/a-file-is-a-parent", tar.file("r/d/f"), before=[disk.file("r")])
    untar("3.3/a-loop-is-a-parent", tar.file("l/d/f"), before=[disk.symlink("l", "l")])
    untar("3.3/a-setgid-parent-hands-its-group-down", tar.file("d/a/f", gid=9),
          tar.directory("d/b", 0o755, gid=9), before=[disk.directory("d", 0o2775, gid=77)])
    untar("3.3/implied-inside-a-foreign-directory", tar.file("d/a/f"),
          before=[disk.directory("d", 0o700, uid=9, gid=9)])
    untar("3.3/the-place-itself-is-implied", tar.file("f"), place="/a/b",
          options={"UIDMaps": id_map((0, 50, 10)), "GIDMaps": id_map((0, 60, 10))})


def removal(untar):
    news = {"file": tar.file("x", mode=0o640, uid=5), "directory": tar.directory("x", 0o711, uid=5),
            "symlink": tar.symlink("x", "t", uid=5), "hard-link": tar.hardlink("x", "t"),
            "char": tar.char("x", uid=5), "block": tar.block("x"), "fifo": tar.fifo("x", uid=5),
            "global": tar.global_pax({"comment": "c"}, name="x"),
            "unknown": tar.header("x", type="7"),
            "whiteout": tar.file(".wh.x")}
    olds = {"file": [disk.file("x", uid=3)], "directory": [disk.directory("x", 0o700, uid=3)],
            "full-directory": [disk.directory("x", uid=3), disk.file("x/y/z")],
            "symlink": [disk.symlink("x", "t")], "dangling-symlink": [disk.symlink("x", "nowhere")],
            "symlink-to-a-directory": [disk.directory("real"), disk.file("real/keep"),
                                       disk.symlink("x", "real")],
            "hard-link": [disk.file("x"), disk.hardlink("other", "x")],
            "char": [disk.char("x")], "fifo": [disk.fifo("x")],
            "socket": [disk.unix_socket("x")]}
    for new, entry in news.items():
        for old, before in olds.items():
            untar(f"3.2/{new}-over-{old}", entry, before=[disk.file("t", uid=1), *before])
    untar("3.2/removal-does-not-follow-symlinks", tar.file("x"), before=[
        disk.directory("x/d"), disk.symlink("x/out", "/keep"), disk.file("keep/f")])
    untar("3.2/removal-of-a-deep-tree", tar.file("x"), before=[disk.file("x/" + "d/" * 100 + "f")])
    untar("3.2/a-hard-link-to-itself", tar.hardlink("x", "x"), before=[disk.file("x")])
    untar("3.2/a-directory-keeps-what-is-in-it", tar.directory("x", 0o700, uid=5, mtime=99),
          before=[disk.file("x/y"), disk.directory("x", 0o755, xattrs={"user.old": b"1"})])


def directory_times(untar):
    untar("3.2/directories-have-atime-0", tar.directory("d"), tar.file("d/f"))
    untar("3.2/directory-times-come-last", tar.directory("d", mtime=5), tar.directory("d/e", mtime=7),
          tar.file("d/e/f"), tar.file("d/g"))
    untar("3.2/a-directory-twice", tar.directory("d", mtime=5), tar.file("d/f"),
          tar.directory("d", mtime=9))
    untar("3.2/a-directory-becomes-a-file", tar.directory("d", mtime=5), tar.file("d", mtime=99))
    untar("3.2/a-directory-becomes-a-symlink", tar.directory("d", mtime=5),
          tar.symlink("d", "t", mtime=99), before=[disk.file("t")])
    untar("3.2/a-directory-becomes-a-dangling-symlink", tar.directory("d", mtime=5),
          tar.symlink("d", "nowhere"), danger="may fail as the oracle does, touching nothing else")
    untar("3.2/a-directory-becomes-a-symlink-out", tar.directory("d", mtime=5),
          tar.symlink("d", "/t"), before=[disk.directory("t", 0o700)],
          danger="times go to the link or to what it means inside the root")
    untar("3.2/a-directory-is-removed-by-its-parent", tar.directory("a/d", mtime=5), tar.file("a"))
    untar("3.2/a-directory-below-a-symlink", tar.directory("real/d"), tar.symlink("l", "real"),
          tar.directory("l/d", mtime=5))
    untar("3.2/a-parent-becomes-a-symlink", tar.directory("a/d", mtime=5), tar.directory("other/d"),
          tar.file("a"), tar.symlink("a", "other"))
    untar("3.2/an-existing-directory-gets-times", tar.directory("d", mtime=5),
          before=[disk.directory("d")])
    untar("3.2/directory-times-are-clamped", tar.directory("d", mtime=-5),
          tar.directory("e", mtime=10_000_000_000))


# --- 3.4: one entry ---

def creation(untar):
    untar("3.4/one-of-each-type", tar.directory("d"), tar.file("f"), tar.symlink("l", "f"),
          tar.hardlink("h", "f"), tar.char("c"), tar.block("b"), tar.fifo("p"))
    untar("3.4/through-a-symlinked-parent", tar.symlink("l", "/d"), tar.directory("d"),
          tar.file("l/f"), tar.symlink("l/s", "x"), tar.fifo("l/p"), tar.directory("l/e"),
          tar.hardlink("l/h", "d/f"))
    untar("3.4/umask-0-and-077-make-the-same", tar.file("f", mode=0o666), tar.directory("d", 0o777),
          tar.fifo("p", mode=0o666), tar.char("c", mode=0o666), umask=0o077)
    untar("3.4/fifo-in-a-user-namespace", tar.fifo("p"), tar.file("f"), user_namespace=65536,
          options={"InUserNS": True})
    untar("3.4/char-without-mknod", tar.char("c"), without=("MKNOD",))
    untar("3.4/char-0-0-without-mknod", tar.char("c", 0, 0), without=("MKNOD",))
    untar("3.4/block-without-mknod", tar.block("b"), without=("MKNOD",))
    untar("3.4/fifo-without-mknod", tar.fifo("p"), without=("MKNOD",))
    untar("3.4/char-in-a-user-namespace", tar.char("c"), user_namespace=65536)
    untar("3.4/a-file-over-a-device-is-no-write-to-it", tar.file("null", b"x" * 100),
          before=[disk.char("null")])
    untar("3.4/a-file-over-a-fifo-does-not-block", tar.file("p", b"x" * 100),
          before=[disk.fifo("p")])
    untar("3.4/a-file-through-a-device-parent", tar.file("null/f"), before=[disk.char("null")])


def links(untar):
    before = [disk.directory("sub/d"), disk.file("sub/t", uid=3), disk.file("t", uid=4),
              disk.directory("subother"), disk.file("subother/t"), disk.symlink("sub/s", "t")]
    targets = ("t", "/t", "./t", "d/../t", "../t", "../../t", "../sub/t", "../subother/t",
               "../subother", "/../t", "/sub/t", "", ".", "/", "..", "d", "s", "s/x", "nowhere",
               "t/", "t/x")
    for target in targets:
        label = target.replace("/", "|") or "nothing"
        outside = ".." in target.split("/")
        for place in ("/", "/sub"):
            where = place.replace("/", "|")
            danger = "links to nothing outside of the place" if outside else ""
            untar(f"3.4/hard-link-to-{label}-in-{where}",
                  tar.hardlink("h", target, mode=0o4711, uid=9, mtime=77), before=before,
                  place=place, danger=danger)
            untar(f"3.4/hard-link-below-to-{label}-in-{where}",
                  tar.hardlink("d/h", target, mode=0o4711, uid=9), before=before, place=place,
                  danger=danger)
            untar(f"3.4/symlink-to-{label}-in-{where}", tar.symlink("l", target), before=before,
                  place=place, danger=danger)
            untar(f"3.4/symlink-below-to-{label}-in-{where}", tar.symlink("d/l", target),
                  before=before, place=place, danger=danger)
    untar("3.4/symlink-absolute-name-below", tar.symlink("/d/l", "../t"), before=before,
          place="/sub")
    untar("3.4/hard-link-through-a-symlink", tar.symlink("out", "/subother"),
          tar.hardlink("h", "out/t"), before=before, place="/sub")
    untar("3.4/hard-link-to-a-symlink", tar.symlink("l", "t"), tar.hardlink("h", "l", mode=0o600))
    untar("3.4/hard-link-to-a-symlink-does-not-chmod", tar.symlink("l", "t"), tar.hardlink(
        "h", "l", mode=0o4777, uid=9), before=[disk.file("t", mode=0o600)],
        danger="the target of the link keeps its mode")
    untar("3.4/hard-link-to-a-fifo", tar.fifo("p"), tar.hardlink("h", "p", mode=0o600))
    untar("3.4/hard-link-to-a-device", tar.char("c"), tar.hardlink("h", "c"))
    untar("3.4/hard-link-changes-the-target", tar.file("t", mode=0o600, uid=1, mtime=1), tar.hardlink(
        "h", "t", mode=0o755, uid=2, mtime=2))
    untar("3.4/hard-link-raw-name-is-relative-to-slash", tar.file("t", mode=0o600), tar.hardlink(
        "h", "t", mode=0o755, mtime=2), place="/sub", before=[disk.directory("sub")])
    untar("3.4/hard-link-raw-name-exists-elsewhere", tar.file("t", mode=0o600), tar.hardlink(
        "h", "t", mode=0o755, mtime=2), place="/sub",
        before=[disk.directory("sub"), disk.file("t", mode=0o640)])
    untar("3.4/hard-link-raw-name-is-a-symlink-elsewhere", tar.file("t", mode=0o600), tar.hardlink(
        "h", "t", mode=0o755, mtime=2), place="/sub",
        before=[disk.directory("sub"), disk.symlink("t", "u")])
    untar("3.4/hard-link-to-a-symlink-raw-name-is-a-file-elsewhere", tar.symlink("l", "t"),
          tar.hardlink("h", "l", mode=0o4777, mtime=2), place="/sub",
          before=[disk.directory("sub"), disk.file("sub/t", mode=0o600), disk.file("l")],
          danger="what the link leads to keeps its mode and times")
    untar("3.4/hard-link-absolute", tar.file("t"), tar.hardlink("h", "/t", mode=0o755))
    untar("3.4/hard-link-absolute-in-a-place", tar.file("t"), tar.hardlink("h", "/t", mode=0o755),
          place="/sub", before=[disk.directory("sub")])
    untar("3.4/hard-link-not-clean", tar.file("d/t"), tar.hardlink("h", "d//./t", mode=0o755))
    untar("3.4/hard-link-with-xattrs", tar.file("t"), tar.xattrs({"user.x": "1"}),
          tar.hardlink("h", "t"))
    untar("3.4/hard-link-to-what-comes-later", tar.hardlink("h", "t"), tar.file("t"))
    untar("3.4/hard-link-with-a-body-is-no-body", tar.header("h", type="1", link="t", size=512),
          tar.file("inner"), before=[disk.file("t")])
    untar("3.4/ten-hard-links", tar.file("t0"), *(tar.hardlink(f"t{i}", f"t{i - 1}")
                                                 for i in range(1, 11)))
    untar("3.4/symlink-is-stored-verbatim", tar.symlink("a", ".//x/../y/"), tar.symlink("b", "./"),
          tar.symlink("c", "x y\n"), tar.symlink("d", b"\xff"))
    untar("3.4/symlink-with-times-and-mode", tar.symlink("l", "x", mode=0, uid=5, mtime=99))


def ownership(untar):
    entries = [tar.file("f", uid=5), tar.directory("d", uid=5), tar.symlink("l", "x", gid=5),
               tar.fifo("p", uid=5), tar.hardlink("h", "f", uid=6)]
    untar("3.4/without-chown", *entries, without=("CHOWN",))
    untar("3.4/without-chown-ignored", *entries, without=("CHOWN",),
          options={"IgnoreChownErrors": True})
    untar("3.4/without-chown-ids-that-match", tar.file("f"), tar.directory("d"),
          tar.symlink("l", "x"), without=("CHOWN",))
    untar("3.4/without-chown-implied", tar.file("a/f"), without=("CHOWN",), options={
        "UIDMaps": id_map((0, 100, 10)), "GIDMaps": id_map((0, 100, 10))})
    untar("3.4/without-chown-implied-ignored", tar.file("a/f"), without=("CHOWN",), options={
        "UIDMaps": id_map((0, 100, 10)), "GIDMaps": id_map((0, 100, 10)),
        "IgnoreChownErrors": True})
    untar("3.4/einval-has-a-hint", tar.file("f", uid=5000, gid=6000), user_namespace=1000)
    untar("3.4/einval-has-a-hint-for-symlinks", tar.symlink("l", "x", uid=5000),
          user_namespace=1000)
    untar("3.4/einval-is-ignored", tar.file("f", uid=5000), tar.directory("d", uid=5000),
          user_namespace=1000, options={"IgnoreChownErrors": True})
    untar("3.4/einval-of-a-whiteout", tar.file(".wh.x", uid=5000), user_namespace=1000,
          options={"WhiteoutFormat": 1, "IgnoreChownErrors": True})
    untar("3.4/set-uid-survives-the-owner", tar.file("f", mode=0o6755, uid=5, gid=6),
          tar.directory("d", 0o7777, uid=5))
    untar("3.4/id-minus-1-does-not-change", tar.file("f", uid=4294967295, gid=4294967295),
          tar.directory("d", uid=4294967295, gid=3),
          before=[disk.directory("d", uid=7, gid=7)])


def modes_and_times(untar):
    seconds = (0, 1, -1, -5, 1 << 31, 1 << 32, 9223372036, 9223372037, 1 << 35, -(1 << 33), 1 << 62)
    for n in seconds:
        untar(f"3.6/time-{n}", tar.file("f", mtime=n), tar.directory("d", mtime=n),
              tar.fifo("p", mtime=n), tar.char("c", mtime=n))
        untar(f"3.6/time-{n}-of-a-symlink", tar.symlink("l", "x", mtime=n))
    untar("3.4/chmod-follows-no-new-link", tar.symlink("l", "t"), before=[
        disk.file("t", mode=0o600)])
    untar("3.4/modes-survive-umask", tar.file("f", mode=0o666), tar.directory("d", 0o777),
          umask=0o777)
    untar("3.6/atime-and-mtime-are-clamped-apart", tar.pax({"atime": "-5", "mtime": "1000000000"}),
          tar.file("f"), tar.pax({"atime": "99999999999", "mtime": "1000000000"}), tar.file("g"),
          tar.pax({"atime": "1000000000", "mtime": "99999999999"}), tar.file("h"))


# --- 3.5: xattrs ---

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def xattrs(untar):
    def on(name, values, entry=A_FILE, **more):
        untar("3.5/" + name, tar.xattrs(values), entry, **more)
    on("user", {"user.x": "value", "user.y": "other"})
    on("user-on-a-directory", {"user.x": "1"}, tar.directory("d"))
    on("user-on-a-symlink-is-refused", {"user.x": "1"}, tar.symlink("l", "f"))
    on("user-on-a-fifo-is-refused", {"user.x": "1"}, tar.fifo("p"))
    on("user-on-a-device-is-refused", {"user.x": "1"}, tar.char("c"))
    on("user-on-a-symlink-in-user-ns", {"user.x": "1"}, tar.symlink("l", "f"),
       options={"InUserNS": True})
    on("trusted", {"trusted.x": "1", "trusted.overlay.opaque": "y"}, tar.directory("d"),
       danger="trusted.overlay attributes of an archive are dropped or escaped")
    on("trusted-overlay-redirect", {"trusted.overlay.redirect": "/etc"}, tar.directory("d"),
       danger="trusted.overlay attributes of an archive are dropped or escaped")
    on("user-overlay", {"user.overlay.opaque": "y"}, tar.directory("d"),
       danger="user.overlay attributes of an archive are dropped or escaped")
    on("trusted-on-a-symlink", {"trusted.x": "1"}, tar.symlink("l", "f"))
    on("trusted-without-sys-admin", {"trusted.x": "1"}, without=("SYS_ADMIN",))
    on("trusted-without-sys-admin-in-user-ns", {"trusted.x": "1"}, without=("SYS_ADMIN",),
       options={"InUserNS": True})
    on("security-selinux-is-skipped", {"security.selinux": "system_u:object_r:etc_t:s0"})
    on("security-selinux-alone-on-a-symlink", {"security.selinux": "x"}, tar.symlink("l", "f"))
    on("capability-survives-the-owner", {"security.capability": CAPABILITY})
    on("capability-that-is-no-capability", {"security.capability": b"nonsense"})
    on("capability-on-a-directory", {"security.capability": CAPABILITY}, tar.directory("d"))
    on("security-ima", {"security.ima": b"\x01\x02\x00\x03"})
    on("security-other", {"security.other": "x"})
    on("system-posix-acl", {"system.posix_acl_access": bytes.fromhex("02000000")})
    on("system-other", {"system.nonsense": "x"})
    on("an-unknown-namespace-is-tolerated", {"bogus.x": "1"})
    on("no-namespace", {"x": "1"})
    on("a-namespace-alone", {"user.": "1"})
    on("no-name", {"": "1"})
    on("an-empty-value-is-skipped", {"user.x": ""})
    on("binary-value", {"user.x": b"\x00=\n\xff\x00"})
    on("a-newline-in-the-key", {"user.a\nb": "1"})
    on("an-equals-in-the-key-ends-it", {"user.a=b": "1"})
    on("a-key-that-is-too-long", {"user." + "x" * 300: "1"})
    on("a-key-that-is-just-long-enough", {"user." + "x" * 250: "1"})
    on("a-value-of-64-KiB", {"user.x": "x" * 65536}, tree_matters=True)
    on("a-value-that-is-too-long", {"user.x": "x" * 65537})
    on("override-stat-of-the-archive", {"user.containers.override_stat": "0:0:0755:file"},
       danger="override_stat of an archive is dropped: only we write it")
    on("on-a-hard-link", {"user.x": "1"}, tar.hardlink("h", "f"), before=[disk.file("f")])
    on("of-an-unknown-type", {"user.x": "1"}, tar.header("x", type="7"))
    on("on-the-root-that-is-skipped", {"user.x": "1"}, tar.directory("./"))
    on("on-the-root-by-slash", {"user.x": "1"}, tar.directory("/"), place="/sub",
       before=[disk.directory("sub")])
    on("on-a-whiteout-are-lost", {"user.x": "1"}, tar.file(".wh.x"), options={"WhiteoutFormat": 1})
    untar("3.5/libarchive-is-ignored", tar.pax({"LIBARCHIVE.xattr.user.x": "MQ=="}), A_FILE)
    untar("3.5/rht-selinux-is-ignored", tar.pax({"RHT.security.selinux": "x"}), A_FILE)
    untar("3.5/acls-of-star-are-ignored", tar.pax({"SCHILY.acl.access": "user::rwx"}), A_FILE)
    untar("3.4/file-flags-are-ignored", tar.pax({"SCHILY.fflags": "uchg,sappnd"}), A_FILE)
    untar("3.5/a-name-twice-last-wins", tar.pax([("SCHILY.xattr.user.x", "1"),
                                                ("SCHILY.xattr.user.x", "2")]), A_FILE)
    untar("3.5/lower-case-prefix-is-another-key", tar.pax({"schily.xattr.user.x": "1"}), A_FILE)
    untar("3.5/read-only-file", tar.xattrs({"user.x": "1"}), tar.file("f", mode=0o000))
    untar("3.5/replaced-with-the-file", tar.xattrs({"user.new": "1"}), A_FILE,
          before=[disk.file("f", xattrs={"user.old": b"1"})])
    untar("3.5/kept-on-a-directory", tar.xattrs({"user.new": "1"}), tar.directory("d"),
          before=[disk.directory("d", xattrs={"user.old": b"1"})])


# --- 3.7: whiteouts ---

def whiteouts(untar):
    def convert(name, *parts, **more):
        untar("3.7/" + name, *parts, options={"WhiteoutFormat": 1}, **more)
    convert("a-whiteout-is-a-device", tar.file(".wh.x", b"", mode=0o644, uid=5, gid=6))
    convert("a-whiteout-in-a-directory", tar.directory("d"), tar.file("d/.wh.x", b""))
    convert("a-whiteout-implies-parents", tar.file("a/b/.wh.x", b""))
    convert("a-whiteout-with-data", tar.file(".wh.x", b"some data\n"), tar.file("after"))
    convert("an-opaque-directory", tar.directory("d"), tar.file("d/.wh..wh..opq", b""))
    convert("an-opaque-directory-that-is-implied", tar.file("d/.wh..wh..opq", b""))
    convert("an-opaque-root", tar.file(".wh..wh..opq", b""))
    convert("an-opaque-place", tar.file(".wh..wh..opq", b""), place="/sub",
            before=[disk.directory("sub")])
    convert("opaque-through-a-symlink", tar.file("l/.wh..wh..opq", b""),
            before=[disk.symlink("l", "d"), disk.directory("d")])
    convert("opaque-below-a-file", tar.file("r/.wh..wh..opq", b""), before=[disk.file("r")])
    convert("opaque-and-whiteouts", tar.directory("d"), tar.file("d/.wh..wh..opq", b""),
            tar.file("d/.wh.x", b""), tar.file("d/f"))
    for kind, make in (("directory", tar.directory), ("fifo", tar.fifo), ("char", tar.char),
                       ("symlink", lambda n: tar.symlink(n, "t")),
                       ("hard-link", lambda n: tar.hardlink(n, "t")),
                       ("unknown", lambda n: tar.header(n, type="7"))):
        convert(f"a-whiteout-that-is-a-{kind}", make("d/.wh.x"), tar.file("after"))
        convert(f"an-opaque-marker-that-is-a-{kind}", make("d/.wh..wh..opq"), tar.file("after"))
    convert("a-whiteout-of-what-is-there", tar.file(".wh.x", b""), before=[disk.file("x")])
    convert("a-whiteout-of-what-the-layer-made", tar.file("x"), tar.file(".wh.x", b""),
            danger="hides what lies below and keeps the layer's own; never removes the wrong one")
    convert("a-file-after-its-whiteout", tar.file(".wh.x", b""), tar.file("x"))
    convert("a-directory-after-its-whiteout", tar.file(".wh.x", b""), tar.directory("x"),
            tar.file("x/f"), danger="the directory is opaque, or deleted files come back")
    convert("a-file-below-its-whiteout", tar.file(".wh.x", b""), tar.file("x/f"))
    convert("a-directory-below-its-whiteout", tar.file(".wh.x", b""), tar.directory("x/d"))
    convert("a-whiteout-below-a-whiteout", tar.file(".wh.foo", b""), tar.file("foo/.wh.bar", b""))
    convert("a-whiteout-below-a-file", tar.file("r/.wh.x", b""), before=[disk.file("r")])
    convert("a-whiteout-twice", tar.file(".wh.x", b""), tar.file(".wh.x", b""))
    convert("a-whiteout-over-a-file-of-its-name", tar.file(".wh.x", b""), before=[
        disk.file(".wh.x")])
    for name in (".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh...", ".wh..wh.x",
                 ".wh..wh.", ".wh..wh..opq.x", ".wh..wh..opq/x", ".wh..wh.plnk", ".wh..wh.plnk/1.2",
                 ".wh..wh.aufs", ".wh.wh", ".wh", "x.wh.y", ".wh.x/", ".wh.x/y", "/.wh.x"):
        convert("special-" + name.replace("/", "|"), tar.directory("d"), tar.file(name, b""),
                before=[disk.file("d/keep")],
                danger="refuses a whiteout of nothing, of . and of .."
                if name.split("/")[-1] in (".wh.", ".wh..", ".wh...") else "")
        untar("3.7/unconverted-" + name.replace("/", "|"), tar.directory("d"), tar.file(name, b""),
              before=[disk.file("d/keep")])
    convert("a-whiteout-through-a-symlink", tar.file("l/.wh.secret", b""),
            before=[disk.symlink("l", "/../outside"), disk.directory("outside")],
            danger="makes the device inside the root")
    convert("a-long-whiteout", tar.long_name(".wh." + "x" * 251), tar.file("y", b""))
    convert("a-whiteout-longer-than-a-name", tar.long_name(".wh." + "x" * 252), tar.file("y", b""))
    convert("without-mknod", tar.file(".wh.x", b""), without=("MKNOD",))
    convert("without-sys-admin", tar.file("d/.wh..wh..opq", b""), without=("SYS_ADMIN",))
    convert("rootless-by-environment", tar.file("d/.wh..wh..opq", b""), tar.file(".wh.x", b""),
            environment={"_CONTAINERS_ROOTLESS_UID": "1000"})
    convert("rootless-by-user-namespace", tar.file("d/.wh..wh..opq", b""),
            environment={"_CONTAINERS_USERNS_CONFIGURED": "done"})
    convert("rootless-uid-0-is-not-rootless", tar.file("d/.wh..wh..opq", b""),
            environment={"_CONTAINERS_ROOTLESS_UID": "0"})
    convert("rootless-uid-that-is-no-number", tar.file("d/.wh..wh..opq", b""),
            environment={"_CONTAINERS_ROOTLESS_UID": "x"})
    convert("rootless-uid-that-is-empty", tar.file("d/.wh..wh..opq", b""),
            environment={"_CONTAINERS_ROOTLESS_UID": ""})
    convert("rootless-user-namespace-that-is-empty", tar.file("d/.wh..wh..opq", b""),
            environment={"_CONTAINERS_USERNS_CONFIGURED": ""})
    convert("in-a-user-namespace-without-environment", tar.file("d/.wh..wh..opq", b""),
            user_namespace=65536)
    convert("in-a-user-namespace-with-environment", tar.file("d/.wh..wh..opq", b""),
            tar.file(".wh.x", b""), user_namespace=65536,
            environment={"_CONTAINERS_USERNS_CONFIGURED": "done"})
    convert("the-root-is-skipped-before", tar.directory("./"), tar.file("./.wh.x", b""))
    convert("excluded", tar.file(".wh.x", b""))
    convert("an-owner-that-cannot-be-set", tar.file(".wh.x", b"", uid=5), without=("CHOWN",))


# --- 3.8: ForceMask; the oracle's form is an older one ---

def force_mask(untar):
    entries = [tar.directory("d", 0o2711, uid=5, gid=6), tar.file("d/f", mode=0o4755, uid=5),
               tar.symlink("l", "d"), tar.hardlink("h", "d/f"), tar.file("implied/f", mode=0o644)]
    masks = {"0700": 0o700, "0755": 0o755, "0": 0, "setuid": 0o700 | SETUID,
             "unix-bits-mean-nothing": 0o4700, "all": 0o777 | SETUID | SETGID | STICKY}
    for name, mask in masks.items():
        untar("3.8/" + name, *entries, options={"ForceMask": mask})
    for kind, entry in {"fifo": tar.fifo("x", uid=3), "char": tar.char("x"), "block":
                        tar.block("x"), "unknown": tar.file("x", type="7"),
                        "global": tar.global_pax({"comment": "x"}, name="x")}.items():
        untar(f"3.8/type-{kind}", entry, options={"ForceMask": 0o700})
        untar(f"3.8/type-{kind}-in-user-ns", entry, options={"ForceMask": 0o700, "InUserNS": True})
    untar("3.8/the-root-entry", tar.directory("./", 0o1777, uid=7, gid=8), tar.file("f"),
          options={"ForceMask": 0o700})
    untar("3.8/the-root-entry-by-slash", tar.directory("/", 0o1777, uid=7, gid=8),
          options={"ForceMask": 0o700})
    untar("3.8/mapped", tar.directory("./", uid=7, gid=8), *entries, options={
        "ForceMask": 0o700, "UIDMaps": id_map((0, 1000, 10)), "GIDMaps": id_map((0, 2000, 10))})
    untar("3.8/an-empty-archive", options={"ForceMask": 0o700})
    untar("3.8/chown-opts", *entries, options={"ForceMask": 0o700,
                                               "ChownOpts": {"UID": 3, "GID": 4}})
    untar("3.8/whiteouts", tar.file("d/.wh.x"), tar.file("d/.wh..wh..opq"),
          options={"ForceMask": 0o700, "WhiteoutFormat": 1})
    untar("3.8/an-override-that-came-along", tar.xattrs(
        {"user.containers.override_stat": "1:2:0644:file"}), tar.file("f"),
        options={"ForceMask": 0o700})


# --- what is sent to do harm: ids of the list of hostile layers ---

def hostile(untar):
    victim = [disk.directory("victim", 0o755), disk.file("victim/hello", mode=0o600)]

    def refused(name, *parts, safe, **more):
        more.setdefault("place", "/dest")
        more.setdefault("before", [disk.directory("dest"), *victim])
        untar("hostile/" + name, *parts, danger=safe, **more)
    refused("P01-dotdot", tar.file("../victim/hello", b"owned"), safe="refuses the entry")
    refused("P02-mid-dotdot", tar.directory("a"), tar.file("a/../../victim/hello", b"owned"),
            safe="refuses the entry")
    refused("P04-absolute", tar.file("/victim/hello", b"owned"), safe="stays in the place")
    refused("P05-dotdot-dir-chmod", tar.directory("..", 0o777, uid=9),
            safe="the directory above keeps its mode and owner")
    refused("P10-sibling-prefix", tar.file("../dest-evil/f"), safe="refuses the entry",
            before=[disk.directory("dest"), disk.directory("dest-evil")])
    refused("P11-sibling-prefix-hard-link", tar.hardlink("h", "../dest-evil/f", mode=0o777),
            before=[disk.directory("dest"), disk.file("dest-evil/f")], safe="refuses the link")
    refused("P20-gnu-dotdot", tar.long_name("../victim/hello"), tar.file("x"),
            safe="refuses the entry")
    refused("P21-pax-dotdot", tar.pax({"path": "../victim/hello"}), tar.file("x"),
            safe="refuses the entry")
    refused("P22-sparse-dotdot", tar.sparse_1_0("../victim/hello", [(0, 5)], 5, b"owned"),
            safe="refuses the entry")
    refused("L01-absolute-symlink-write", tar.symlink("l", "/victim"),
            tar.file("l/hello", b"owned"), safe="stays in the root")
    refused("L03-lexical-chain", tar.symlink("a", "."), tar.symlink("a/b", ".."),
            tar.file("b/victim/hello", b"owned"), safe="stays in the root")
    refused("L04-lexical-chain-deep", tar.directory("d/e"), tar.symlink("s", "d/e"),
            tar.symlink("s/up", "../.."), tar.file("s/up/x"), tar.symlink("s/out", "../../.."),
            tar.file("s/out/y"), safe="stays in the root")
    refused("L05-a-chain-of-60", *(tar.symlink(f"l{i}", f"l{i + 1}") for i in range(60)),
            tar.directory("l60"), tar.file("l0/f"), safe="is refused with ELOOP")
    refused("L08-chmod-through-a-link", tar.symlink("foo", "/victim"),
            tar.directory("foo/.", 0o777), safe="the target keeps its mode, or is inside")
    refused("L09-file-over-a-link", tar.symlink("l", "/victim/hello"), tar.file("l", b"new"),
            safe="replaces the link")
    refused("L10-hard-link-dotdot", tar.hardlink("h", "../victim/hello"), tar.file("h", b"owned"),
            safe="refuses the link")
    refused("L11-hard-link-absolute", tar.hardlink("h", "/victim/hello"), tar.file("h", b"owned"),
            safe="refuses the link, or looks in the place")
    refused("L13-hard-link-to-symlink-chmod", tar.symlink("l", "/victim/hello"),
            tar.hardlink("h", "l", mode=0o777, uid=9), safe="the target keeps its mode")
    refused("L13-hard-link-to-symlink-chmod-in-the-root", tar.symlink("l", "/victim/hello"),
            tar.hardlink("h", "l", mode=0o777, uid=9), safe="the target keeps its mode", place="/")
    refused("L14-hard-link-to-symlink-data", tar.symlink("l", "/victim/hello"),
            tar.header("h", type="1", link="l", size=5) + tar.padded(b"owned"),
            safe="nothing is written through the link")
    refused("L18-hard-link-to-a-directory", tar.directory("d"), tar.hardlink("h", "d"),
            safe="is refused")
    refused("L25-hard-link-from-the-working-directory", tar.hardlink("h", "secret", mode=0o777),
            directory="outside", safe="never looks in the working directory")
    refused("L26-dangling-parent", tar.symlink("l", "/nowhere"), tar.file("l/f"),
            safe="is refused, or made below the root")
    refused("L33-symlink-replaces-a-directory", tar.file("d/f"), tar.symlink("d", "/victim"),
            tar.file("d/hello", b"owned"), safe="stays in the root")
    refused("L34-directory-over-a-symlink", tar.symlink("l", "/victim"), tar.directory("l"),
            tar.file("l/hello", b"mine"), safe="children land in the new directory")
    for marker in ("", ".wh.", ".wh..wh..opq"):
        refused(f"a-file-below-a-fifo-{marker}x", tar.fifo("p"), tar.file(f"p/{marker}x"),
                options={"WhiteoutFormat": 1}, safe="does not hang")
    refused("W23-whiteout-through-a-symlink", tar.symlink("l", "/victim"),
            tar.file("l/.wh.hello", b""), options={"WhiteoutFormat": 1},
            safe="makes nothing outside the root")
    refused("W24-opaque-through-a-symlink", tar.symlink("l", "/victim"),
            tar.file("l/.wh..wh..opq", b""), options={"WhiteoutFormat": 1},
            safe="marks nothing outside the root")
    refused("M09-tarmageddon", tar.pax({"size": "1024"}), tar.header("outer", size=0)
            + tar.file("inner", b"hidden")[:1024], tar.file("after"),
            safe="the inner entry does not appear")
    refused("M33-uid-minus-1", tar.file("f", mode=0o4755, uid=4294967295, gid=4294967295),
            safe="refuses it: the file would stay with root")
    refused("M34-uid-2-32", tar.file("f", mode=0o4755, uid=1 << 32), safe="refuses it")
    refused("X03-a-disk", tar.block("sda", 8, 0, mode=0o666),
            safe="makes the device where devices are allowed")
    refused("S03-8-EiB-of-hole", tar.sparse_1_0("f", [(0, 1)], (1 << 63) - 1, b"x"),
            tree_matters=False, safe="refuses the size, and writes no zeros")
    refused("S07-old-gnu-flood", tar.old_gnu_sparse("f", [(0, 0)] * 4, 0, b"", [
        tar.sparse_extension([(0, 0)] * 21, more=True) for _ in range(2000)]),
        tree_matters=False, safe="a limit, in constant memory")
    refused("R03-20000-pax-headers", *(tar.pax({"comment": "x"}) for _ in range(20_000)),
            tar.file("f"), safe="is quick")


# --- 9: whole layers ---

def whole_layers(untar):
    everyone = id_map((0, 100_000, 65_536), (4294967294, 7, 1))
    mapped = {"UIDMaps": everyone, "GIDMaps": everyone, "WhiteoutFormat": 1}
    for name, archive in [*real_layers(), *packed_trees()]:
        untar("9/layer-" + name, archive=archive)
        untar(f"9/layer-{name}-mapped-overlay", archive=archive, options=mapped)
        untar(f"9/layer-{name}-from-a-file-in-a-place", archive=archive, place="/sub",
              stdin_as_file=True, before=[disk.directory("sub", 0o700)])
