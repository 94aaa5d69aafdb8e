// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
	"github.com/containers/storage/pkg/idtools"
)

func init() {
	for _, compression := range compressions {
		groups["layer"] = append(groups["layer"], check{name: "layer-" + compression, run: layerCompressed(compression)})
	}
	groups["layer"] = append(groups["layer"], []check{
		{name: "layer-uncompressed", run: layerUncompressed},
		{name: "layer-zeros-slowly", run: layerZerosSlowly},
		{name: "layer-reads-to-the-end", run: layerDrains},
		{name: "layer-sizes", run: layerSizes},
		{name: "layer-whiteouts", run: layerWhiteouts},
		{name: "layer-opaque", run: layerOpaque},
		{name: "layer-types-change", run: layerTypes},
		{name: "layer-root-entry", run: layerRootEntry},
		{name: "layer-dot-dot-file", run: layerDotDotFile},
		{name: "layer-id-maps", run: layerIDMaps},
		{name: "layer-no-destination", run: layerNoDestination},
		{name: "layer-exported-changes", run: layerExported},
	}...)
}

// applyBothWays applies a layer with the helper and within this process: same tree, same size.
func (t *T) applyBothWays(layer []byte, options archive.TarOptions, before ...entry) (manifest, int64) {
	mine, reference := t.prepared(before...)
	theirs := options
	want, err := archive.ApplyUncompressedLayer(reference, bytes.NewReader(layer), &theirs)
	t.must(err)
	size, err := chrootarchive.ApplyUncompressedLayer(mine, bytes.NewReader(layer), &options)
	t.must(err)
	t.equal("the size of the layer", size, want)
	got := t.tree(mine)
	t.sameTree(got, t.tree(reference))
	return got, size
}

func layerCompressed(compression string) func(*T) {
	return func(t *T) {
		mine, reference := t.prepared()
		layer := pack(richEntries()...)
		want, err := archive.ApplyUncompressedLayer(reference, bytes.NewReader(layer), &archive.TarOptions{})
		t.must(err)
		size, err := chrootarchive.ApplyLayer(mine, bytes.NewReader(t.compress(compression, layer)))
		t.must(err)
		t.equal("the size of the layer", size, want)
		t.sameTree(t.tree(mine), t.tree(reference))
		t.noChanges(mine, reference)
	}
}

func layerUncompressed(t *T) {
	_, size := t.applyBothWays(pack(richEntries()...), archive.TarOptions{})
	if size < 300000 {
		t.failf("the size of the layer is %d", size)
	}
}

func layerZerosSlowly(t *T) {
	size, err := chrootarchive.ApplyLayer(t.mkdir("dest"), tenSlowZeros())
	t.must(err)
	t.equal("the size of the layer", size, int64(0))
}

func layerDrains(t *T) {
	layer := append(pack(file("f", "x")), make([]byte, 3<<20)...)
	source := &counting{Reader: bytes.NewReader(layer)}
	size, err := chrootarchive.ApplyUncompressedLayer(t.mkdir("dest"), source, nil)
	t.must(err)
	t.equal("the size of the layer", size, int64(1))
	t.equal("what was read", source.n, int64(len(layer)))
}

// Every entry counts with the size of its header, whiteouts and links too.
func layerSizes(t *T) {
	link := hardlink("link", "f")
	link.Size = 100
	for _, row := range []struct {
		entries []entry
		size    int64
	}{
		{nil, 0},
		{[]entry{directory("d"), file("d/f", "12345"), symlink("l", "d")}, 5},
		{[]entry{file("f", "12345"), file("f", "123")}, 8},
		{[]entry{file("f", "12345"), link}, 105},
		{[]entry{file("f", noise(1<<20)), whiteout("", "f")}, 1 << 20},
	} {
		size, err := chrootarchive.ApplyUncompressedLayer(t.dir, bytes.NewReader(pack(row.entries...)), nil)
		t.must(err)
		t.equal("the size of the layer", size, row.size)
	}
}

func lowerTree() []entry {
	return []entry{
		directory("d"), file("d/old", "o"), directory("d/sub"), file("d/sub/deep", "x"),
		directory("e"), file("e/stays", "s"), file("gone", "g"), symlink("gone-link", "d"), directory("gone-dir"),
		file("gone-dir/below", "b"), file("became-dir", "f"), directory("became-file"), file("became-file/f", "f"),
		symlink("became-real", "e"), file("changed", "before"),
	}
}

func upperTree() []entry {
	return []entry{
		directory("d").mode(0o700), opaque("d"), file("d/new", "n"), directory("e"), file("e/added", "a"),
		whiteout("", "gone"), whiteout("", "gone-link"), whiteout("", "gone-dir"), whiteout("e/", "never-was"),
		directory("became-dir"), file("became-dir/f", "f"), file("became-file", "f"),
		directory("became-real"), file("became-real/f", "f"), file("changed", "after").owner(9, 9),
	}
}

func layerWhiteouts(t *T) {
	tree, _ := t.applyBothWays(pack(upperTree()...), archive.TarOptions{}, lowerTree()...)
	for _, path := range []string{"gone", "gone-link", "gone-dir", "d/old", "d/sub", ".wh.gone", "e/.wh.never-was"} {
		if _, there := tree[path]; there {
			t.failf("%s is still there", path)
		}
	}
	t.hasPieces(tree, "e/stays", "100644")
	t.hasPieces(tree, "d/new", "100644")
}

// An opaque marker also comes last, and keeps what its own layer brought.
func layerOpaque(t *T) {
	tree, _ := t.applyBothWays(pack(directory("d"), file("d/new", "n"), directory("d/sub"), file("d/sub/new", "n"), opaque("d")),
		archive.TarOptions{}, lowerTree()...)
	t.hasPieces(tree, "d/sub/new", "100644")
	if _, there := tree["d/sub/deep"]; there {
		t.failf("d/sub/deep is still there")
	}
	t.applyBothWaysAgain(pack(opaque("."), file("only", "o")))
}

func (t *T) applyBothWaysAgain(layer []byte) {
	for _, dir := range []string{t.path("by-helper"), t.path("by-library")} {
		apply := chrootarchive.ApplyUncompressedLayer
		if dir == t.path("by-library") {
			apply = archive.ApplyUncompressedLayer
		}
		_, err := apply(dir, bytes.NewReader(layer), &archive.TarOptions{})
		t.must(err)
	}
	t.sameTree(t.tree(t.path("by-helper")), t.tree(t.path("by-library")))
}

func layerTypes(t *T) {
	tree, _ := t.applyBothWays(pack(
		directory("file"), symlink("dir", "file"), file("link", "f"), newEntry(tar.TypeFifo, "char", 0o600),
		device(tar.TypeChar, "fifo", 1, 3),
	), archive.TarOptions{},
		file("file", ""), directory("dir"), file("dir/f", ""), symlink("link", "dir"), device(tar.TypeChar, "char", 1, 3),
		newEntry(tar.TypeFifo, "fifo", 0o600))
	t.hasPieces(tree, "file", "040755")
	t.hasPieces(tree, "link", "100644")
}

func layerRootEntry(t *T) {
	tree, _ := t.applyBothWays(pack(directory(".").mode(0o711).owner(12, 34), file("f", "x")), archive.TarOptions{})
	t.hasPieces(tree, ".", "040711 12:34")
}

func layerDotDotFile(t *T) {
	tree, _ := t.applyBothWays(pack(file("..gitme", "x"), directory("...")), archive.TarOptions{})
	t.equal("the number of paths", len(tree), 3)
}

func layerIDMaps(t *T) {
	maps := []idtools.IDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	tree, _ := t.applyBothWays(pack(richEntries()...), archive.TarOptions{UIDMaps: maps, GIDMaps: maps})
	t.owners(tree, "bin", "100001:100002")
	_, err := chrootarchive.ApplyUncompressedLayer(t.mkdir("unmapped"), bytes.NewReader(pack(file("f", "x").owner(0, 70000))),
		&archive.TarOptions{UIDMaps: maps, GIDMaps: maps})
	t.fails(err, "container ID 70000 cannot be mapped to a host ID")
}

func layerNoDestination(t *T) {
	_, err := chrootarchive.ApplyLayer(t.path("nowhere"), bytes.NewReader(pack(file("f", "x"))))
	t.fails(err, "no such file or directory")
	t.absent(t.path("nowhere"))
}

// The library's own difference of two trees makes one of the other.
func layerExported(t *T) {
	before, after := t.prepared(lowerTree()...)
	_, err := archive.ApplyUncompressedLayer(after, bytes.NewReader(pack(upperTree()...)), &archive.TarOptions{})
	t.must(err)
	changes, err := archive.ChangesDirs(after, &idtools.IDMappings{}, before, &idtools.IDMappings{})
	t.must(err)
	layer, err := archive.ExportChanges(after, changes, nil, nil)
	t.must(err)
	defer layer.Close()
	_, err = chrootarchive.ApplyLayer(before, layer)
	t.must(err)
	t.noChanges(before, after)
}
