// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
	"github.com/containers/storage/pkg/idtools"
)

func init() {
	groups["archiver"] = []check{
		{name: "archiver-tar-untar", run: copyTree(func(a *archive.Archiver) func(string, string) error { return a.TarUntar })},
		{name: "archiver-copy-tree", run: copyTree(func(a *archive.Archiver) func(string, string) error { return a.CopyWithTar })},
		{name: "archiver-copy-file", run: copyFile},
		{name: "archiver-copy-symlink", run: copySymlink},
		{name: "archiver-copy-creates-parents", run: copyCreates},
		{name: "archiver-copy-file-onto-directory", run: copyOntoDirectory},
		{name: "archiver-copy-directory-as-file", run: copyDirectoryAsFile, parentOnly: true},
		{name: "archiver-copy-and-chown", run: copyAndChown},
		{name: "archiver-copy-file-and-chown", run: copyFileAndChown},
		{name: "archiver-untar-path", run: untarPath},
		{name: "archiver-untar-path-of-a-directory", run: untarPathOfDirectory, parentOnly: true},
		{name: "archiver-untar-path-and-chown", run: untarPathAndChown},
		{name: "archiver-id-maps", run: archiverMaps},
	}
}

var (
	unmapped = &idtools.IDMappings{}
	someone  = &idtools.IDPair{UID: 1000, GID: 1001}
)

func archiver() *archive.Archiver {
	return chrootarchive.NewArchiver(unmapped)
}

// copyTree copies a whole tree, fractions of seconds included.
func copyTree(way func(*archive.Archiver) func(string, string) error) func(*T) {
	return func(t *T) {
		source := t.sourceTree()
		t.must(os.Remove(t.path("source/noted"))) // trusted.* is not packed
		t.must(way(archiver())(source, t.path("dest")))
		times := []string{"."}
		t.sameTree(t.tree(t.path("dest")).without(times...), t.tree(source).without(times...))
		t.noChanges(t.path("dest"), source)
	}
}

func copyFile(t *T) {
	t.must(archive.UntarUncompressed(bytes.NewReader(pack(
		file("from", noise(200000)).mode(0o4750).owner(3, 4).at(longAgo.Add(5)), file("to", "old"))), t.dir, nil))
	t.must(archiver().CopyFileWithTar(t.path("from"), t.path("to")))
	t.must(archiver().CopyWithTar(t.path("from"), t.path("to-too")))
	tree := t.tree(t.dir)
	t.equal("the copy", tree["to"], tree["from"])
	t.equal("the other copy", tree["to-too"], tree["from"])
}

// A link is copied as what it leads to.
func copySymlink(t *T) {
	t.write("file", "content")
	t.must(os.Symlink("file", t.path("link")))
	t.must(archiver().CopyWithTar(t.path("link"), t.path("copy")))
	tree := t.tree(t.dir)
	t.hasPieces(tree, "copy", "100644 0:0", "7 ")
}

func copyCreates(t *T) {
	t.write("file", "content")
	t.must(archiver().CopyFileWithTar(t.path("file"), t.path("new/dir")+"/"))
	t.equal("the copy", t.read(t.path("new/dir/file")), "content")
	t.hasPieces(t.tree(t.dir), "new", "040700")
}

func copyOntoDirectory(t *T) {
	t.write("file", "content")
	t.mkdir("name")
	err := archiver().CopyFileWithTar(t.path("file"), t.path("name"))
	t.fails(err, `cannot overwrite directory "/name" with non-directory "/"`)
}

func copyDirectoryAsFile(t *T) {
	t.fails(archiver().CopyFileWithTar(t.mkdir("dir"), t.path("copy")), "can't copy a directory")
}

func copyAndChown(t *T) {
	source := t.mkdir("source")
	t.write("source/file", "content")
	hash := sha256.New()
	t.must(chrootarchive.CopyWithTarAndChown(someone, hash, nil, nil)(source, t.path("dest")))
	tree := t.tree(t.path("dest"))
	t.owners(tree, ".", "1000:1001")
	t.owners(tree, "file", "1000:1001")
	t.equal("the file", t.read(t.path("dest/file")), "content")
}

// The hash of a copied file is that of its content.
func copyFileAndChown(t *T) {
	t.write("file", "content")
	hash := sha256.New()
	t.must(chrootarchive.CopyFileWithTarAndChown(someone, hash, nil, nil)(t.path("file"), t.path("copy")))
	t.owners(t.tree(t.dir), "copy", "1000:1001")
	t.equal("the hash", fmt.Sprintf("%x", hash.Sum(nil)), fmt.Sprintf("%x", sha256.Sum256([]byte("content"))))
}

func untarPath(t *T) {
	mine, reference := t.prepared()
	layer := pack(richEntries()...)
	t.must(archiver().UntarPath(t.write("layer", string(t.compress("gzip", layer))), mine))
	t.must(archive.UntarUncompressed(bytes.NewReader(layer), reference, nil))
	t.sameTree(t.tree(mine), t.tree(reference))
}

func untarPathOfDirectory(t *T) {
	t.fails(archiver().UntarPath(t.mkdir("dir"), t.mkdir("dest")), "is a directory")
}

func untarPathAndChown(t *T) {
	layer := pack(file("f", "x").owner(5, 5))
	hash := sha256.New()
	t.must(chrootarchive.UntarPathAndChown(someone, hash, nil, nil)(t.write("layer", string(layer)), t.mkdir("dest")))
	t.owners(t.tree(t.path("dest")), "f", "1000:1001")
	t.equal("the hash", fmt.Sprintf("%x", hash.Sum(nil)), fmt.Sprintf("%x", sha256.Sum256(layer)))
}

// From the ids of one container to those of another.
func archiverMaps(t *T) {
	from := idtools.NewIDMappingsFromMaps(mapTo(100000), mapTo(100000))
	to := idtools.NewIDMappingsFromMaps(mapTo(200000), mapTo(200000))
	source := t.mkdir("source")
	t.must(archive.UntarUncompressed(bytes.NewReader(pack(directory("d").owner(100001, 100002),
		file("d/f", "x").owner(100000, 165535))), source, nil))
	t.must(os.Chown(source, 100000, 100000))
	t.must(chrootarchive.NewArchiverWithChown(from, nil, to).TarUntar(source, t.mkdir("dest")))
	tree := t.tree(t.path("dest"))
	t.owners(tree, "d", "200001:200002")
	t.owners(tree, "d/f", "200000:265535")
}

func mapTo(host int) []idtools.IDMap {
	return []idtools.IDMap{{ContainerID: 0, HostID: host, Size: 65536}}
}
