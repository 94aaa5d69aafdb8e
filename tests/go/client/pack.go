// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
	"github.com/containers/storage/pkg/idtools"
)

func init() {
	maps := []idtools.IDMap{{ContainerID: 0, HostID: 0, Size: 8}, {ContainerID: 100, HostID: 8, Size: 2}}
	for name, options := range map[string]archive.TarOptions{
		"plain":       {},
		"excludes":    {ExcludePatterns: []string{"**/tool*", "secret", "!secret/deep", "e?pty", "/tmp"}},
		"includes":    {IncludeFiles: []string{"bin", "secret/deep", "noted", "bin/tool"}},
		"renames":     {IncludeFiles: []string{"bin", "noted"}, RebaseNames: map[string]string{"bin": "usr/bin", "noted": "n"}},
		"source-dir":  {IncludeSourceDir: true},
		"chown-opts":  {ChownOpts: &idtools.IDPair{UID: 33, GID: 44}},
		"id-maps":     {UIDMaps: maps, GIDMaps: maps},
		"sub-seconds": {CopyPass: true},
		"overlay":     {WhiteoutFormat: archive.OverlayWhiteoutFormat},
	} {
		groups["pack"] = append(groups["pack"], check{name: "pack-" + name, run: packLikeLibrary(options)})
	}
	for _, c := range []archive.Compression{archive.Uncompressed, archive.Gzip, archive.Zstd} {
		groups["pack"] = append(groups["pack"], check{name: "pack-and-unpack-" + c.Extension(), run: packAndUnpack(c)})
	}
	groups["pack"] = append(groups["pack"], []check{
		{name: "pack-a-file", run: packFile},
		{name: "pack-skips-a-socket", run: packSocket},
		{name: "pack-below-the-root", run: packBelowRoot},
		{name: "pack-never-leaves-the-root", run: packNeverLeaves},
		{name: "pack-no-such-root", run: packNoRoot},
		{name: "pack-errors-reach-the-caller", run: packErrors},
	}...)
}

// sourceTree is what there is to pack.
func (t *T) sourceTree() string {
	entries := append(richEntries(), device(tar.TypeChar, "whited-out", 0, 0), device(tar.TypeChar, "bin/whited-out", 0, 0))
	source := t.mkdir("source")
	t.must(archive.UntarUncompressed(bytes.NewReader(pack(entries...)), source, &archive.TarOptions{}))
	return source
}

// listing is an archive as lines, without what the versions of the library differ in: names of owners, the
// type within the mode, access times.
func (t *T) listing(stream io.Reader) manifest {
	lines := manifest{}
	r := tar.NewReader(stream)
	for i := 0; ; i++ {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		t.must(err)
		content, err := io.ReadAll(r)
		t.must(err)
		lines[fmt.Sprintf("%04d %s", i, h.Name)] = fmt.Sprintf("%c %04o %d:%d %d %d.%09d %q %d,%d %x%s", h.Typeflag,
			h.Mode&0o7777, h.Uid, h.Gid, h.Size, h.ModTime.Unix(), h.ModTime.Nanosecond(), h.Linkname,
			h.Devmajor, h.Devminor, sha256.Sum256(content), xattrRecords(h))
	}
	_, err := io.Copy(io.Discard, stream)
	t.must(err)
	return lines
}

func xattrRecords(h *tar.Header) string {
	text := manifest{}
	for key, value := range h.PAXRecords {
		if strings.HasPrefix(key, "SCHILY.xattr.") {
			text[key] = value
		}
	}
	if len(text) == 0 {
		return ""
	}
	return fmt.Sprint(text) // fmt sorts the keys
}

// packLikeLibrary packs with the helper and within this process: the same entries in the same order.
func packLikeLibrary(options archive.TarOptions) func(*T) {
	return func(t *T) {
		source := t.sourceTree()
		theirs := options
		want, err := archive.TarWithOptions(source, &theirs)
		t.must(err)
		defer want.Close()
		got, err := chrootarchive.Tar(source, &options, source)
		t.must(err)
		defer got.Close()
		reference := t.listing(want)
		if len(reference) == 0 {
			t.failf("the check packs nothing")
		}
		packed, err := io.ReadAll(got)
		t.must(err)
		t.sameTree(t.listing(bytes.NewReader(packed)), reference)
		if !bytes.Equal(packed, t.writtenAgain(packed, options.CopyPass)) {
			t.failf("archive/tar writes other bytes for the same entries")
		}
	}
}

// writtenAgain is the archive as archive/tar writes it, from what it reads in it: the digest of a layer is not to
// depend on who packed it.
func (t *T) writtenAgain(packed []byte, copyPass bool) []byte {
	var again bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(packed)), tar.NewWriter(&again)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		t.must(err)
		h.Format = tar.FormatUnknown
		if copyPass {
			h.Format = tar.FormatPAX
		}
		for key := range h.PAXRecords { // those of fields are written for the fields
			if !strings.HasPrefix(key, "SCHILY.xattr.") {
				delete(h.PAXRecords, key)
			}
		}
		h.Xattrs = nil // the same as in the records
		t.must(w.WriteHeader(h))
		_, err = io.Copy(w, r)
		t.must(err)
	}
	t.must(w.Close())
	return again.Bytes()
}

// packAndUnpack is the round trip, by way of the helper both times.
func packAndUnpack(compression archive.Compression) func(*T) {
	return func(t *T) {
		source := t.mkdir("source")
		t.must(archive.UntarUncompressed(bytes.NewReader(pack(packable()...)), source, &archive.TarOptions{}))
		stream, err := chrootarchive.Tar(source, &archive.TarOptions{Compression: compression}, source)
		t.must(err)
		defer stream.Close()
		packed, err := io.ReadAll(stream)
		t.must(err)
		t.equal("the compression", archive.DetectCompression(packed), compression)
		t.must(chrootarchive.Untar(bytes.NewReader(packed), t.mkdir("dest"), nil))
		before, after := t.tree(source), t.tree(t.path("dest"))
		implied := []string{".", "secret/deep", "secret/deep/er"} // times of today
		t.sameTree(after.without(implied...), before.without(implied...))
		t.noChanges(t.path("dest"), source)
	}
}

func packFile(t *T) {
	t.write("file", "content")
	stream, err := chrootarchive.Tar(t.path("file"), nil, t.dir)
	t.must(err)
	defer stream.Close()
	lines := t.listing(stream)
	t.equal("the number of entries", len(lines), 1)
	t.hasPieces(lines, "0000 file", "0 0644 0:0 7 ")
}

func packSocket(t *T) {
	source := t.mkdir("source")
	t.write("source/file", "x")
	listener, err := net.Listen("unix", t.path("source/socket"))
	t.must(err)
	defer listener.Close()
	stream, err := chrootarchive.Tar(source, nil, source)
	t.must(err)
	defer stream.Close()
	t.equal("the number of entries", len(t.listing(stream)), 1)
}

func packBelowRoot(t *T) {
	t.mkdir("root")
	source := t.mkdir("root/source")
	t.write("root/source/file", "x")
	stream, err := chrootarchive.Tar(source, nil, t.path("root"))
	t.must(err)
	defer stream.Close()
	t.hasPieces(t.listing(stream), "0000 file", "0 0644")
}

// Whatever way is taken through a link that leads out, the host's file is not packed.
func packNeverLeaves(t *T) {
	root := t.mkdir("root")
	t.write("host-file", "I am a host file")
	t.mkdir("root/data")
	t.write("root/data/own", "I am in the root")
	t.must(os.Symlink(t.dir, t.path("root/safe")))
	for _, row := range []struct{ source, include string }{
		{root, "safe/host-file"}, {root, "safe/"}, {root + "/safe", "host-file"}, {root + "/safe", ""}, {root + "/safe/", ""},
	} {
		options := &archive.TarOptions{}
		if row.include != "" {
			options.IncludeFiles = []string{row.include}
		}
		stream, err := chrootarchive.Tar(row.source, options, root)
		t.must(err)
		packed, _ := io.ReadAll(stream)
		stream.Close()
		if bytes.Contains(packed, []byte("I am a host file")) {
			t.failf("%s, %s: the host's file is packed", row.source, row.include)
		}
	}
	stream, err := chrootarchive.Tar(root, nil, root) // and what is in the root is
	t.must(err)
	defer stream.Close()
	t.equal("the number of entries", len(t.listing(stream)), 3)
}

func packNoRoot(t *T) {
	stream, err := chrootarchive.Tar(t.path("nowhere"), nil, t.path("nowhere"))
	if err == nil {
		_, err = io.ReadAll(stream)
		stream.Close()
	}
	t.fails(err, "no such file or directory")
}

// What cannot be packed as asked is an error of whoever reads the stream, and no empty archive.
func packErrors(t *T) {
	source := t.mkdir("source")
	t.write("source/file", "x")
	for _, row := range []struct {
		options archive.TarOptions
		text    string
	}{
		{archive.TarOptions{ExcludePatterns: []string{"a[b"}}, "syntax error in pattern"},
		{archive.TarOptions{Compression: archive.Xz}, "unsupported compression format tar.xz"},
		{archive.TarOptions{Compression: archive.Bzip2}, "unsupported compression format tar.bz2"},
	} {
		options := row.options
		stream, err := chrootarchive.Tar(source, &options, source)
		t.must(err)
		_, err = io.ReadAll(stream)
		stream.Close()
		t.fails(err, row.text)
	}
}
