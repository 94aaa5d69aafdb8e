// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/containers/storage"
	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/types"
	digest "github.com/opencontainers/go-digest"
)

func init() {
	for _, name := range []string{"vfs", "overlay"} {
		with := func(run func(*T, storage.Store)) func(*T) {
			name := name
			return func(t *T) { run(t, t.newStore(name)) }
		}
		// When applyLayer ends without having read the layer, this version of the library gives away a
		// buffer that it is still reading from, and may crash.
		racy := name == "vfs"
		groups[name] = append(groups[name], []check{
			{name: name + "-store-layers", run: with(storeLayers), needsHelper: racy},
			{name: name + "-store-broken-layer", run: with(storeBroken), needsHelper: racy},
			{name: name + "-store-id-maps", run: with(storeMaps), needsHelper: racy},
			{name: name + "-store-container", run: with(storeContainer), needsHelper: racy},
		}...)
	}
}

func (t *T) newStore(driver string) storage.Store {
	store, err := storage.GetStore(types.StoreOptions{
		GraphRoot: t.mkdir("graph"), RunRoot: t.mkdir("run"), GraphDriverName: driver,
	})
	t.must(err)
	t.atEnd(func() { store.Shutdown(true) })
	return store
}

// putLayers puts the three layers, each in another compression, and returns their names.
func (t *T) putLayers(store storage.Store, layers [][]byte) []string {
	var ids []string
	parent := ""
	for i, layer := range layers {
		packed := t.compress([]string{"gzip", "zstd", "none"}[i], layer)
		put, size, err := store.PutLayer("", parent, nil, "", false, nil, bytes.NewReader(packed))
		t.must(err)
		if size <= 0 {
			t.failf("the size of the layer is %d", size)
		}
		t.equal("the digest of the layer", put.CompressedDigest, digest.FromBytes(packed))
		t.equal("the digest of the archive", put.UncompressedDigest, digest.FromBytes(layer))
		ids, parent = append(ids, put.ID), put.ID
	}
	return ids
}

// storeTree is the tree of a layer or container as it is mounted.
func (t *T) storeTree(store storage.Store, id string) manifest {
	dir, err := store.Mount(id, "")
	t.must(err)
	tree := t.tree(dir).without(".")
	_, err = store.Unmount(id, true)
	t.must(err)
	return tree
}

// storeLayers: what comes out is, byte by byte, what was put in, from the files that the helper made.
func storeLayers(t *T, store storage.Store) {
	layers := threeLayers()
	ids := t.putLayers(store, layers)
	uncompressed := archive.Uncompressed
	for i, id := range ids {
		diff, err := store.Diff("", id, &storage.DiffOptions{Compression: &uncompressed})
		t.must(err)
		again, err := io.ReadAll(diff)
		t.must(err)
		t.must(diff.Close())
		t.equal("the digest of the difference", digest.FromBytes(again), digest.FromBytes(layers[i]))
		t.sameTree(t.storeTree(store, id), t.tree(t.plainUpTo(layers[:i+1], id)).without("."))
	}
	size, err := store.DiffSize(ids[1], ids[2])
	t.must(err)
	t.equal("the size of the difference", size, int64(len("n"+"a"+"f"+"f"+"after")))
	changes, err := store.Changes(ids[1], ids[2])
	t.must(err)
	t.changed(changes, "D /gone", "A /e/added", "C /changed", "D /gone-dir")
}

func (t *T) changed(changes []archive.Change, wanted ...string) {
	var all []string
	for _, change := range changes {
		all = append(all, change.String())
	}
	text := "\n" + strings.Join(all, "\n") + "\n"
	for _, want := range wanted {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.failf("%s is not among the changes: %s", want, strings.Join(all, ", "))
		}
	}
}

// storeBroken: a layer that cannot be unpacked leaves no layer.
func storeBroken(t *T, store storage.Store) {
	for text, layer := range map[string][]byte{
		"unexpected EOF":     threeLayers()[0][:100000],
		"invalid tar header": []byte(noise(20480)),
	} {
		_, _, err := store.PutLayer("broken", "", nil, "", false, nil, bytes.NewReader(layer))
		t.fails(err, text)
		if store.Exists("broken") {
			t.failf("the broken layer is there")
		}
	}
}

// storeMaps: a container sees the ids of its map, be they on the disk or made by the mount, which is the
// overlay's choice where the kernel maps ids.
func storeMaps(t *T, store storage.Store) {
	mapping := types.IDMappingOptions{UIDMap: mapTo(100000), GIDMap: mapTo(200000)}
	layer := threeLayers()[0]
	put, _, err := store.PutLayer("", "", nil, "", false, &storage.LayerOptions{IDMappingOptions: mapping}, bytes.NewReader(layer))
	t.must(err)
	t.equal("the digest of the archive", put.UncompressedDigest, digest.FromBytes(layer))
	image, err := store.CreateImage("", nil, put.ID, "", &storage.ImageOptions{})
	t.must(err)
	container, err := store.CreateContainer("", nil, image.ID, "", "", &storage.ContainerOptions{IDMappingOptions: mapping})
	t.must(err)
	tree := t.storeTree(store, container.ID)
	t.owners(tree, "bin", "100001:200002")
	t.owners(tree, "empty", "165534:265534")
}

// storeContainer: an image of three layers, and a container on it that is written to.
func storeContainer(t *T, store storage.Store) {
	layers := threeLayers()
	ids := t.putLayers(store, layers)
	image, err := store.CreateImage("", []string{"image"}, ids[2], "", &storage.ImageOptions{})
	t.must(err)
	container, err := store.CreateContainer("", []string{"container"}, image.ID, "", "", &storage.ContainerOptions{})
	t.must(err)
	t.sameTree(t.storeTree(store, container.ID), t.tree(t.plainUpTo(layers, "all")).without("."))
}
