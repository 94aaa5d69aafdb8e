// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"strings"

	graphdriver "github.com/containers/storage/drivers"
	_ "github.com/containers/storage/drivers/overlay"
	_ "github.com/containers/storage/drivers/vfs"
	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/idtools"
)

func init() {
	for _, name := range []string{"vfs", "overlay"} {
		with := func(run func(*T, *stack)) func(*T) {
			name := name
			return func(t *T) { run(t, t.newStack(name)) }
		}
		groups[name] = append(groups[name], []check{
			{name: name + "-layers", run: with(driverLayers)},
			{name: name + "-changes", run: with(driverChanges)},
			{name: name + "-sizes", run: with(driverSizes)},
			{name: name + "-diff-applied-again", run: with(driverDiff)},
			{name: name + "-diff-of-all-applied", run: with(driverDiffOfAll)},
			{name: name + "-broken-layer", run: with(driverBroken)},
			{name: name + "-id-maps", run: with(driverMaps)},
		}...)
	}
}

// threeLayers: the second and the third hide, replace and add.
func threeLayers() [][]byte {
	second := append(lowerTree(),
		directory("bin").owner(1, 2), whiteout("bin/", "sh"), file("bin/tool-2", "t"), directory("tmp").mode(0o1777),
		opaque("tmp"), whiteout("", "fifo"), file("tty", "no device any more"))
	return [][]byte{
		pack(stackable()...),
		append(pack(second...), make([]byte, 8192)...), // engines pad to a whole record
		pack(without(upperTree(), "became-dir/f")...),  // OverlayChanges fails with a file below what was a file
	}
}

// stackable is what a stack keeps whichever driver makes it: vfs copies links to symbolic links as files of
// their own, implied directories are made in two ways, and the store takes no name twice.
func stackable() []entry {
	return without(packable(), "sh-too", "twice", "secret/deep/er/file")
}

func without(all []entry, names ...string) []entry {
	var entries []entry
	for _, e := range all {
		if !strings.Contains("\x00"+strings.Join(names, "\x00")+"\x00", "\x00"+e.Name+"\x00") {
			entries = append(entries, e)
		}
	}
	return entries
}

// stack is the layers in a driver, and what they must look like.
type stack struct {
	driver graphdriver.Driver
	layers [][]byte
	ids    []string
	plain  []string // by layer: a directory with all layers up to it, made without a helper
}

func (t *T) newStack(name string) *stack {
	driver, err := graphdriver.GetDriver(name, graphdriver.Options{Root: t.mkdir("root"), RunRoot: t.mkdir("run")})
	t.must(err)
	t.atEnd(func() { driver.Cleanup() })
	s := &stack{driver: driver, layers: threeLayers()}
	parent := ""
	for i, layer := range s.layers {
		id := []string{"first", "second", "third"}[i]
		t.must(driver.Create(id, parent, nil))
		_, err := driver.ApplyDiff(id, parent, graphdriver.ApplyDiffOpts{Diff: bytes.NewReader(layer)})
		t.must(err)
		s.ids, parent = append(s.ids, id), id
		s.plain = append(s.plain, t.plainUpTo(s.layers[:i+1], id))
	}
	return s
}

// plainUpTo applies layers over each other, within this process.
func (t *T) plainUpTo(layers [][]byte, name string) string {
	dir := t.mkdir("plain-" + name)
	for _, layer := range layers {
		_, err := archive.ApplyUncompressedLayer(dir, bytes.NewReader(layer), &archive.TarOptions{})
		t.must(err)
	}
	return dir
}

// mounted is the tree of a layer as a container would see it. The root is the driver's own.
func (t *T) mounted(driver graphdriver.Driver, id string) manifest {
	dir, err := driver.Get(id, graphdriver.MountOpts{})
	t.must(err)
	defer func() { t.must(driver.Put(id)) }()
	return t.tree(dir).without(".")
}

func driverLayers(t *T, s *stack) {
	for i, id := range s.ids {
		t.sameTree(t.mounted(s.driver, id), t.tree(s.plain[i]).without("."))
	}
	for i := len(s.ids) - 1; i >= 0; i-- {
		t.must(s.driver.Remove(s.ids[i]))
	}
}

// driverChanges: the driver tells what changed from one layer to the next as the library does of plain trees.
func driverChanges(t *T, s *stack) {
	for i := 1; i < len(s.ids); i++ {
		changes, err := s.driver.Changes(s.ids[i], nil, s.ids[i-1], nil, "")
		t.must(err)
		want, err := archive.ChangesDirs(s.plain[i], unmapped, s.plain[i-1], unmapped)
		t.must(err)
		t.sameTree(s.settled(changes), s.settled(want))
	}
}

// settled is changes by path. An overlay tells a whiteout of nothing, and opaque directories
// with what they hide, in its own way, and the root is nobody's.
func (s *stack) settled(changes []archive.Change) manifest {
	kinds := manifest{}
	for _, change := range changes {
		kinds[change.Path] = change.Kind.String()
	}
	kinds.without("/", "/e/never-was")
	if s.driver.String() == "overlay" {
		kinds.without("/d", "/d/old", "/d/sub", "/d/sub/deep", "/tmp")
	}
	return kinds
}

func driverSizes(t *T, s *stack) {
	for i, id := range s.ids {
		parent, plainParent := "", ""
		if i > 0 {
			parent, plainParent = s.ids[i-1], s.plain[i-1]
		}
		size, err := s.driver.DiffSize(id, nil, parent, nil, "")
		t.must(err)
		changes, err := archive.ChangesDirs(s.plain[i], unmapped, plainParent, unmapped)
		t.must(err)
		t.equal("the size of the difference", size, archive.ChangesSize(s.plain[i], changes))
	}
}

// driverDiff: the difference of the top layer, applied to a new layer, gives the same tree.
func driverDiff(t *T, s *stack) {
	diff, err := s.driver.Diff("third", nil, "second", nil, "")
	t.must(err)
	defer diff.Close()
	t.must(s.driver.Create("again", "second", nil))
	_, err = s.driver.ApplyDiff("again", "second", graphdriver.ApplyDiffOpts{Diff: diff})
	t.must(err)
	t.sameTree(t.mounted(s.driver, "again"), t.mounted(s.driver, "third"))
}

// driverDiffOfAll: the difference to nothing is the whole tree, and no whiteout is in it.
func driverDiffOfAll(t *T, s *stack) {
	diff, err := s.driver.Diff("third", nil, "", nil, "")
	t.must(err)
	whole, err := io.ReadAll(diff)
	t.must(err)
	t.must(diff.Close())
	t.must(s.driver.Create("flat", "", nil))
	_, err = s.driver.ApplyDiff("flat", "", graphdriver.ApplyDiffOpts{Diff: bytes.NewReader(whole)})
	t.must(err)
	t.sameTree(t.mounted(s.driver, "flat"), t.mounted(s.driver, "third"))
}

func driverBroken(t *T, s *stack) {
	for text, layer := range map[string][]byte{
		"unexpected EOF":     s.layers[0][:100000],
		"invalid tar header": []byte(noise(10240)),
	} {
		t.must(s.driver.Create("broken", "third", nil))
		_, err := s.driver.ApplyDiff("broken", "third", graphdriver.ApplyDiffOpts{Diff: bytes.NewReader(layer)})
		t.fails(err, text)
		t.must(s.driver.Remove("broken"))
	}
	t.sameTree(t.mounted(s.driver, "third"), t.tree(s.plain[2]).without("."))
}

func driverMaps(t *T, s *stack) {
	maps := idtools.NewIDMappingsFromMaps(mapTo(100000), mapTo(100000))
	t.must(s.driver.Create("mapped", "", &graphdriver.CreateOpts{IDMappings: maps}))
	_, err := s.driver.ApplyDiff("mapped", "", graphdriver.ApplyDiffOpts{Diff: bytes.NewReader(s.layers[0]), Mappings: maps})
	t.must(err)
	tree := t.mounted(s.driver, "mapped")
	t.owners(tree, "bin", "100001:100002")
	t.owners(tree, "empty", "165534:165534")

	diff, err := s.driver.Diff("mapped", maps, "", nil, "")
	t.must(err)
	defer diff.Close()
	dest := t.mkdir("unmapped")
	t.must(archive.UntarUncompressed(diff, dest, nil))
	t.must(os.Chown(dest, 0, 0))
	t.owners(t.tree(dest), "bin", "1:2")
}
