// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
	"github.com/containers/storage/pkg/idtools"
)

func init() {
	for _, compression := range compressions {
		groups["untar"] = append(groups["untar"], check{name: "untar-" + compression, run: untarCompressed(compression)})
	}
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		groups["untar"] = append(groups["untar"], check{name: "untar-format-" + format.String(), run: untarFormat(format)})
	}
	groups["untar"] = append(groups["untar"], []check{
		{name: "untar-uncompressed", run: untarUncompressed},
		{name: "untar-file", run: untarFile},
		{name: "untar-creates-the-destination", run: untarCreates},
		{name: "untar-replaces", run: untarReplaces},
		{name: "untar-many-files", run: untarMany},
		{name: "untar-reads-to-the-end", run: untarDrains},
		{name: "untar-nothing", run: untarNothing},
		{name: "untar-zeros-slowly", run: untarZerosSlowly},
		{name: "untar-byte-by-byte", run: untarByteByByte},
		{name: "untar-with-root", run: untarWithRoot},
		{name: "untar-with-root-through-a-symlink", run: untarThroughSymlink},
		{name: "exclude-65534", run: excludeMany, needsHelper: true},
		{name: "exclude-is-a-prefix", run: excludePrefix},
		{name: "id-maps", run: idMaps},
		{name: "id-maps-of-several-ranges", run: idMapRanges},
		{name: "chown-opts", run: chownOpts},
		{name: "no-lchown", run: noLchown},
		{name: "in-user-namespace", run: inUserNS},
		{name: "force-mask", run: forceMask},
		{name: "whiteouts-of-overlay", run: whiteoutsOverlay},
		{name: "whiteouts-as-files", run: whiteoutsAsFiles},
		{name: "overwrite-directory", run: overwriteDirectory},
		{name: "overwrite-file", run: overwriteFile},
	}...)
}

// prepared makes two directories with the same content, one for each of the two ways.
func (t *T) prepared(before ...entry) (mine, reference string) {
	mine, reference = t.mkdir("by-helper"), t.mkdir("by-library")
	for _, dir := range []string{mine, reference} {
		t.must(archive.UntarUncompressed(bytes.NewReader(pack(before...)), dir, nil))
	}
	return mine, reference
}

// untarBothWays unpacks with the helper and within this process, and both trees must be the same.
func (t *T) untarBothWays(layer []byte, options archive.TarOptions, before ...entry) manifest {
	mine, reference := t.prepared(before...)
	theirs := options
	t.must(archive.UntarUncompressed(bytes.NewReader(layer), reference, &theirs))
	t.must(chrootarchive.UntarUncompressed(bytes.NewReader(layer), mine, &options))
	got := t.tree(mine)
	t.sameTree(got, t.tree(reference))
	return got
}

// owners: this path belongs to these ids, written "UID:GID".
func (t *T) owners(tree manifest, path, owners string) {
	line, there := tree[path]
	if !there {
		t.failf("%q is missing", path)
	}
	if fields := strings.Fields(line); fields[1] != owners {
		t.failf("%q belongs to %s, not %s", path, fields[1], owners)
	}
}

func untarCompressed(compression string) func(*T) {
	return func(t *T) {
		mine, reference := t.prepared()
		layer := pack(richEntries()...)
		t.must(archive.UntarUncompressed(bytes.NewReader(layer), reference, &archive.TarOptions{}))
		t.must(chrootarchive.Untar(bytes.NewReader(t.compress(compression, layer)), mine, nil))
		t.sameTree(t.tree(mine), t.tree(reference))
		t.noChanges(mine, reference)
	}
}

func untarFormat(format tar.Format) func(*T) {
	return func(t *T) {
		var entries []entry
		for _, e := range richEntries() {
			plain := len(e.PAXRecords) == 0 && e.Format == tar.FormatUnknown
			short := format == tar.FormatGNU || len(e.Name) <= 100
			ascii := strings.IndexFunc(e.Name, func(r rune) bool { return r >= 0x80 }) < 0
			if plain && short && ascii {
				entries = append(entries, e.form(format))
			}
		}
		t.untarBothWays(pack(entries...), archive.TarOptions{})
	}
}

func untarUncompressed(t *T) {
	tree := t.untarBothWays(pack(richEntries()...), archive.TarOptions{})
	t.owners(tree, "bin", "1:2")
	t.owners(tree, "sh-too", "5:6")
}

func untarFile(t *T) {
	mine, reference := t.prepared()
	layer := pack(richEntries()...)
	opened, err := os.Open(t.write("layer", string(layer)))
	t.must(err)
	defer opened.Close()
	t.must(chrootarchive.UntarUncompressed(opened, mine, nil))
	t.must(archive.UntarUncompressed(bytes.NewReader(layer), reference, nil))
	t.sameTree(t.tree(mine), t.tree(reference))
}

func untarCreates(t *T) {
	dest := t.path("some/where")
	maps := []idtools.IDMap{{ContainerID: 0, HostID: 1000, Size: 10}}
	t.must(chrootarchive.Untar(bytes.NewReader(pack(file("f", "x"))), dest, &archive.TarOptions{UIDMaps: maps, GIDMaps: maps}))
	t.owners(t.tree(t.dir), "some/where", "1000:1000")
	t.owners(t.tree(t.dir), "some/where/f", "1000:1000")
}

func untarReplaces(t *T) {
	t.untarBothWays(pack(
		file("was-dir", "now a file"), directory("was-file"), directory("was-link"), symlink("was-dir-2", "was-file"),
		file("was-link/inside", "x"), directory("stays").mode(0o700), file("stays/new", "n"),
	), archive.TarOptions{},
		directory("was-dir"), file("was-dir/below", "b"), file("was-file", "f"), symlink("was-link", "stays"),
		directory("was-dir-2"), directory("stays"), file("stays/old", "o"))
}

func untarMany(t *T) {
	var entries []entry
	for i := 0; i < 3000; i++ {
		if i%100 == 0 {
			entries = append(entries, directory(fmt.Sprintf("d%d", i/100)))
		}
		entries = append(entries, file(fmt.Sprintf("d%d/f%d", i/100, i), noise(i)).owner(i, i))
	}
	t.untarBothWays(pack(entries...), archive.TarOptions{})
}

// counting counts what was read, by whoever has it now.
type counting struct {
	io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// What follows the end of the archive is read too: engines make digests of it.
func untarDrains(t *T) {
	layer := append(pack(file("f", "x")), make([]byte, 3<<20)...)
	source := &counting{Reader: bytes.NewReader(layer)}
	t.must(chrootarchive.UntarUncompressed(source, t.mkdir("dest"), nil))
	t.equal("what was read", source.n, int64(len(layer)))
	t.equal("f", t.read(t.path("dest/f")), "x")
}

func untarNothing(t *T) {
	t.must(chrootarchive.Untar(bytes.NewReader(nil), t.mkdir("dest"), nil))
	t.sameTree(t.tree(t.path("dest")).without("."), manifest{})
}

// slow delivers a little at a time.
type slow struct {
	io.Reader
	piece int
	pause time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	if len(p) > s.piece {
		p = p[:s.piece]
	}
	return s.Reader.Read(p)
}

func tenSlowZeros() io.Reader {
	return &slow{bytes.NewReader(make([]byte, 10240)), 1024, 100 * time.Millisecond}
}

func untarZerosSlowly(t *T) {
	t.must(chrootarchive.Untar(tenSlowZeros(), t.mkdir("dest"), nil))
	t.sameTree(t.tree(t.path("dest")).without("."), manifest{})
}

func untarByteByByte(t *T) {
	mine, reference := t.prepared()
	layer := pack(directory("d"), file("d/f", noise(3000)), symlink("l", "d"))
	t.must(archive.UntarUncompressed(bytes.NewReader(layer), reference, nil))
	t.must(chrootarchive.UntarUncompressed(&slow{bytes.NewReader(layer), 1, 0}, mine, nil))
	t.sameTree(t.tree(mine), t.tree(reference))
}

func untarWithRoot(t *T) {
	root := t.mkdir("root")
	t.mkdir("root/data")
	t.must(chrootarchive.UntarWithRoot(bytes.NewReader(pack(file("f", "x"))), t.path("root/data"), nil, root))
	t.equal("f", t.read(t.path("root/data/f")), "x")
}

// A name in the root leads to the host's own directory; in the root it must not.
func untarThroughSymlink(t *T) {
	t.mkdir("root")
	host := t.write("host-file", "I am a host file")
	t.must(os.Symlink(t.dir, t.path("root/safe")))
	layer := pack(file("host-file", "I am a container"))
	err := chrootarchive.UntarWithRoot(bytes.NewReader(layer), t.path("root/safe"), &archive.TarOptions{}, t.path("root"))
	t.fails(err, "open /safe/host-file: no such file or directory")
	t.equal("the host's file", t.read(host), "I am a host file")

	// A caller that takes the link itself for the root has asked for it.
	t.must(chrootarchive.UntarWithRoot(bytes.NewReader(layer), t.path("root/safe"), &archive.TarOptions{}, t.path("root/safe")))
	t.equal("the host's file", t.read(host), "I am a container")
}

// 20 MB of options go through a pipe while the helper already has the archive.
func excludeMany(t *T) {
	excludes := make([]string, 65534)
	for i := range excludes {
		excludes[i] = strings.Repeat(fmt.Sprint(i), 64)
	}
	tree := t.untarBothWays(pack(file("kept", "x"), file(excludes[65533]+"/f", "y"), file("also", "z")),
		archive.TarOptions{ExcludePatterns: excludes})
	t.equal("the number of paths", len(tree), 3)
}

func excludePrefix(t *T) {
	tree := t.untarBothWays(pack(file("dev/null", "x"), file("device", "x"), file("./de", "x"), file("a/dev", "x")),
		archive.TarOptions{ExcludePatterns: []string{"dev", "d*"}})
	t.equal("the number of paths", len(tree), 4) // the root, de, a, a/dev: it is no pattern
}

func idMaps(t *T) {
	maps := []idtools.IDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	entries := append(richEntries(), file("implied/dir/f", "x"))
	tree := t.untarBothWays(pack(entries...), archive.TarOptions{UIDMaps: maps, GIDMaps: maps})
	t.owners(tree, "bin", "100001:100002")
	t.owners(tree, "implied/dir", "100000:100000")
	t.owners(tree, "absolute", "100005:100006")

	err := chrootarchive.Untar(bytes.NewReader(pack(file("f", "x").owner(70000, 0))), t.mkdir("unmapped"),
		&archive.TarOptions{UIDMaps: maps, GIDMaps: maps})
	t.fails(err, "container ID 70000 cannot be mapped to a host ID")
}

func idMapRanges(t *T) {
	uids := []idtools.IDMap{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 200000, Size: 70000}}
	gids := []idtools.IDMap{{ContainerID: 10, HostID: 5, Size: 1}, {ContainerID: 0, HostID: 300000, Size: 10}}
	tree := t.untarBothWays(pack(file("a", "").owner(0, 10), file("b/c", "").owner(65534, 9)),
		archive.TarOptions{UIDMaps: uids, GIDMaps: gids})
	t.owners(tree, "a", "1000:5")
	t.owners(tree, "b", "1000:300000")
	t.owners(tree, "b/c", "265533:300009")
}

func chownOpts(t *T) {
	maps := []idtools.IDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	tree := t.untarBothWays(pack(richEntries()...), archive.TarOptions{ChownOpts: &idtools.IDPair{UID: 33, GID: 44}})
	t.owners(tree, "bin/tool", "33:44")
	t.owners(tree, "secret/deep", "0:0")
	t.must(chrootarchive.Untar(bytes.NewReader(pack(file("f", ""))), t.mkdir("mapped"),
		&archive.TarOptions{ChownOpts: &idtools.IDPair{UID: 33, GID: 44}, UIDMaps: maps, GIDMaps: maps}))
	t.owners(t.tree(t.path("mapped")), "f", "100033:100044")
}

func noLchown(t *T) {
	tree := t.untarBothWays(pack(richEntries()...), archive.TarOptions{NoLchown: true})
	t.owners(tree, "bin", "0:0")
}

func inUserNS(t *T) {
	tree := t.untarBothWays(pack(richEntries()...), archive.TarOptions{InUserNS: true})
	for _, name := range []string{"tty", "sda"} {
		if _, there := tree[name]; there {
			t.failf("the device %s was made", name)
		}
	}
}

// Versions differ in what follows the mode in the attribute, so only its beginning is told.
func forceMask(t *T) {
	mask := os.FileMode(0o700)
	dest := t.mkdir("dest")
	layer := pack(directory("d").owner(1, 2), file("f", "x").owner(7, 8), symlink("l", "f"))
	t.must(chrootarchive.Untar(bytes.NewReader(layer), dest, &archive.TarOptions{ForceMask: &mask}))
	tree := t.tree(dest)
	t.hasPieces(tree, "f", "100700 0:0", `user.containers.override_stat="7:8:0644`)
	t.hasPieces(tree, "d", "040700 0:0", `user.containers.override_stat="1:2:0755`)
	t.hasPieces(tree, ".", `user.containers.override_stat="0:0:0`)
	if strings.Contains(tree["l"], "override_stat") {
		t.failf("the symbolic link has the attribute")
	}
}

func (t *T) hasPieces(tree manifest, path string, pieces ...string) {
	for _, piece := range pieces {
		if !strings.Contains(tree[path], piece) {
			t.failf("%q is %s; expected: %s", path, tree[path], piece)
		}
	}
}

func whiteoutsOverlay(t *T) {
	tree := t.untarBothWays(pack(
		directory("d"), file("d/kept", "k"), opaque("d"), whiteout("", "gone"), whiteout("d/", "gone-too").owner(3, 4),
		whiteout("", "hidden-dir"), whiteout("hidden-dir/", "below"), whiteout("", "again"), file("again", "new"),
	), archive.TarOptions{WhiteoutFormat: archive.OverlayWhiteoutFormat})
	t.hasPieces(tree, "d", `trusted.overlay.opaque="y"`)
	t.hasPieces(tree, "gone", "020000 0:0", "0,0")
	t.hasPieces(tree, "d/gone-too", "020000 3:4", "0,0")
	t.hasPieces(tree, "again", "100644")
}

func whiteoutsAsFiles(t *T) {
	tree := t.untarBothWays(pack(directory("d"), opaque("d"), whiteout("", "gone")), archive.TarOptions{}, file("gone", "x"))
	t.hasPieces(tree, "d/.wh..wh..opq", "100644")
	t.hasPieces(tree, ".wh.gone", "100644")
	t.hasPieces(tree, "gone", "100644")
}

func overwriteDirectory(t *T) {
	dest, _ := t.prepared(directory("name"))
	err := chrootarchive.Untar(bytes.NewReader(pack(file("name", "x"))), dest, &archive.TarOptions{NoOverwriteDirNonDir: true})
	t.fails(err, `cannot overwrite directory "/name" with non-directory "/"`)
	t.hasPieces(t.tree(dest), "name", "040755")
}

func overwriteFile(t *T) {
	dest, _ := t.prepared(file("name", "x"))
	err := chrootarchive.Untar(bytes.NewReader(pack(directory("name"))), dest, &archive.TarOptions{NoOverwriteDirNonDir: true})
	t.fails(err, `cannot overwrite non-directory "/name" with directory "/"`)
	t.hasPieces(t.tree(dest), "name", "100644")
}
