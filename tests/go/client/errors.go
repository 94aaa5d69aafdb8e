// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
)

func init() {
	for _, way := range []struct {
		name string
		run  func(io.Reader, string) error
	}{
		{"untar", func(r io.Reader, dest string) error { return chrootarchive.Untar(r, dest, nil) }},
		{"layer", func(r io.Reader, dest string) error { _, err := chrootarchive.ApplyLayer(dest, r); return err }},
	} {
		groups["errors"] = append(groups["errors"], failing(way.name, way.run)...)
	}
	groups["errors"] = append(groups["errors"], []check{
		{name: "untar-no-reader", run: untarNoReader, parentOnly: true},
		{name: "untar-onto-a-file", run: untarOntoFile},
		{name: "untar-outside", run: untarOutside},
		{name: "untar-no-space", run: untarNoSpace},
	}...)
}

var errSource = errors.New("the source broke")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errSource }

// failing is the checks of what fails in the same words for untar and layer.
func failing(name string, run func(io.Reader, string) error) []check {
	whole := pack(directory("d"), file("d/f", noise(100000)), file("later", "x"))
	return []check{
		{name: name + "-source-breaks-at-once", parentOnly: true, run: func(t *T) {
			t.fails(run(broken{}, t.mkdir("dest")), errSource.Error())
		}},
		{name: name + "-source-breaks-between-entries", run: func(t *T) {
			t.fails(run(io.MultiReader(bytes.NewReader(whole[:512]), broken{}), t.mkdir("dest")), errSource.Error())
			t.hasPieces(t.tree(t.path("dest")), "d", "040755")
		}},
		{name: name + "-source-breaks-in-an-entry", run: func(t *T) {
			t.fails(run(io.MultiReader(bytes.NewReader(whole[:40000]), broken{}), t.mkdir("dest")), "unexpected EOF")
			t.absent(t.path("dest/later"))
		}},
		{name: name + "-truncated-content", run: func(t *T) {
			t.fails(run(bytes.NewReader(whole[:40000]), t.mkdir("dest")), "unexpected EOF")
		}},
		{name: name + "-truncated-header", run: func(t *T) {
			t.fails(run(bytes.NewReader(whole[:700]), t.mkdir("dest")), "unexpected EOF")
		}},
		{name: name + "-truncated-padding", run: func(t *T) {
			t.must(run(bytes.NewReader(pack(file("f", "12345"))[:512+5]), t.mkdir("dest")))
			t.equal("f", t.read(t.path("dest/f")), "12345")
		}},
		{name: name + "-no-tar", run: func(t *T) {
			t.fails(run(bytes.NewReader([]byte(noise(4096))), t.mkdir("dest")), "invalid tar header")
		}},
		{name: name + "-junk-after-an-entry", run: func(t *T) {
			junk := append(pack(file("f", "x"))[:1024], noise(1024)...)
			t.fails(run(bytes.NewReader(junk), t.mkdir("dest")), "invalid tar header")
			t.equal("f", t.read(t.path("dest/f")), "x")
		}},
		{name: name + "-truncated-gzip", run: func(t *T) {
			packed := t.compress("gzip", whole)
			t.fails(run(bytes.NewReader(packed[:len(packed)/2]), t.mkdir("dest")), "unexpected EOF")
		}},
		{name: name + "-unknown-type", run: func(t *T) {
			t.fails(run(bytes.NewReader(pack(newEntry('7', "odd", 0o644))), t.mkdir("dest")), "unhandled tar header type 55")
		}},
		{name: name + "-missing-link-target", run: func(t *T) {
			t.fails(run(bytes.NewReader(pack(hardlink("l", "nowhere"))), t.mkdir("dest")), "no such file or directory")
		}},
		{name: name + "-symlink-in-the-way", run: func(t *T) {
			dest := t.mkdir("dest")
			host := t.mkdir("host")
			layer := pack(symlink("out", host), file("out/f", "x"))
			t.fails(run(bytes.NewReader(layer), dest), "open /out/f: no such file or directory")
			t.absent(t.path("host/f"))
		}},
		{name: name + "-dot-dot", run: func(t *T) {
			dest := t.mkdir("dest")
			run(bytes.NewReader(pack(file("../escaped", "x"))), dest) // it may fail, or be put into the root
			t.absent(t.path("escaped"))
			t.must(run(bytes.NewReader(pack(file("honest", "x"))), dest))
		}},
	}
}

func untarNoReader(t *T) {
	t.fails(chrootarchive.Untar(nil, t.dir, nil), "empty archive")
}

func untarOntoFile(t *T) {
	dest := t.write("dest", "I am a file")
	t.fails(chrootarchive.Untar(bytes.NewReader(pack(file("f", "x"))), dest, nil), "not a directory")
	t.equal("the file", t.read(dest), "I am a file")
}

// Below a directory of the root there is an outside, and the helper itself must say so.
func untarOutside(t *T) {
	t.mkdir("root")
	sub := t.mkdir("root/sub")
	for _, row := range []struct {
		e    entry
		text string
	}{
		{file("../escaped", "x"), `"../escaped" is outside of "/sub"`},
		{hardlink("escaped-link", "../victim"), `invalid hardlink "/victim" -> "../victim"`},
		{symlink("escaped-symlink", "../../victim"), `invalid symlink "/sub/escaped-symlink" -> "../../victim"`},
	} {
		err := chrootarchive.UntarWithRoot(bytes.NewReader(pack(row.e)), sub, &archive.TarOptions{}, t.path("root"))
		t.fails(err, row.text)
	}
	t.absent(t.path("root/escaped"))
	t.absent(t.path("root/sub/escaped-link"))
	t.absent(t.path("root/sub/escaped-symlink"))
}

func untarNoSpace(t *T) {
	if err := mountTmpfs(t.mkdir("small"), "size=64k"); err != nil {
		t.failf("cannot mount a tmpfs: %v", err)
	}
	defer unmount(t.path("small"))
	dest := t.path("small/dest")
	t.must(os.Mkdir(dest, 0o755))
	err := chrootarchive.Untar(bytes.NewReader(pack(file("f", noise(1<<20)))), dest, nil)
	t.fails(err, "write /f: no space left on device")
}
