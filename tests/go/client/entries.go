// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"math/rand"
	"os/exec"
	"time"

	"github.com/containers/storage/pkg/archive"
	"github.com/ulikunitz/xz"
)

// entry is one entry of an archive, and what a layer is written from.
type entry struct {
	tar.Header
	data []byte
}

var (
	longAgo = time.Unix(1500000000, 0)
	capNet  = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

func newEntry(kind byte, name string, mode int64) entry {
	return entry{Header: tar.Header{Typeflag: kind, Name: name, Mode: mode, ModTime: longAgo}}
}

func file(name, content string) entry {
	e := newEntry(tar.TypeReg, name, 0o644)
	e.data = []byte(content)
	return e
}

func directory(name string) entry     { return newEntry(tar.TypeDir, name+"/", 0o755) }
func whiteout(dir, base string) entry { return file(dir+".wh."+base, "") }
func opaque(dir string) entry         { return file(dir+"/.wh..wh..opq", "") }

func symlink(name, target string) entry {
	e := newEntry(tar.TypeSymlink, name, 0o777)
	e.Linkname = target
	return e
}

func hardlink(name, target string) entry {
	e := newEntry(tar.TypeLink, name, 0o644)
	e.Linkname = target
	return e
}

func device(kind byte, name string, major, minor int64) entry {
	e := newEntry(kind, name, 0o640)
	e.Devmajor, e.Devminor = major, minor
	return e
}

func (e entry) mode(mode int64) entry        { e.Mode = mode; return e }
func (e entry) owner(uid, gid int) entry     { e.Uid, e.Gid = uid, gid; return e }
func (e entry) at(when time.Time) entry      { e.ModTime = when; return e }
func (e entry) form(format tar.Format) entry { e.Format = format; return e }

func (e entry) xattr(key, value string) entry {
	records := map[string]string{}
	for k, v := range e.PAXRecords {
		records[k] = v
	}
	records["SCHILY.xattr."+key] = value
	e.PAXRecords = records
	return e
}

// pack writes the archive of these entries. Those that hold content have the size of it.
func pack(entries ...entry) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.data))
		}
		header := e.Header
		if err := w.WriteHeader(&header); err != nil {
			panic(err)
		}
		if _, err := w.Write(e.data); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// noise is content that does not compress to nothing.
func noise(size int) string {
	content := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(content)
	return string(content)
}

// richEntries has every kind of entry that a layer holds.
func richEntries() []entry {
	return []entry{
		directory("."),
		directory("bin").owner(1, 2),
		file("bin/tool", noise(300000)).mode(0o4755).owner(0, 10),
		file("bin/ping", "ping").mode(0o755).xattr("security.capability", capNet),
		hardlink("bin/tool-again", "bin/tool").mode(0o4755).owner(0, 10),
		symlink("bin/sh", "tool"),
		symlink("absolute", "/etc/hosts").owner(5, 6),
		symlink("dangling", "nowhere"),
		hardlink("sh-too", "absolute").owner(5, 6),
		file("empty", "").owner(65534, 65534),
		directory("tmp").mode(0o1777),
		directory("secret").mode(0o2700).owner(7, 8).xattr("user.note", "a\x00b=c\nd"),
		file("secret/deep/er/file", "implied parents"),
		file("noted", "x").xattr("user.note", "value").xattr("trusted.note", "root's"),
		file("half", "sub-second").at(longAgo.Add(123456789)).form(tar.FormatPAX),
		file("name with\nnewline", "n"),
		file("\xc3\xa4\xf0\x9f\xa7\xb5", "utf-8"),
		file("raw\xff\xfe", "no utf-8"),
		device(tar.TypeChar, "tty", 5, 1),
		device(tar.TypeBlock, "sda", 8, 300),
		newEntry(tar.TypeFifo, "fifo", 0o600),
		file("twice", "first"),
		file("twice", "second").mode(0o600),
		file("..gitme", "not a parent"),
		file(longName(), "long").mode(0o400),
		directory("last").at(longAgo.Add(-time.Hour)).mode(0),
	}
}

// packable is what comes back from a round trip: the library packs no trusted.* and no fractions of seconds.
func packable() []entry {
	var entries []entry
	for _, e := range richEntries() {
		if e.Name != "noted" && e.ModTime.Nanosecond() == 0 {
			entries = append(entries, e)
		}
	}
	return entries
}

func longName() string {
	return string(bytes.Repeat([]byte("long-directory/"), 15)) + "file"
}

var compressions = []string{"none", "gzip", "zstd", "xz", "bzip2"}

// compress fails the check if there is no such compressor.
func (t *T) compress(name string, data []byte) []byte {
	var out bytes.Buffer
	switch name {
	case "none":
		return data
	case "bzip2":
		cmd := exec.Command("bzip2", "-1")
		cmd.Stdin, cmd.Stdout = bytes.NewReader(data), &out
		t.must(cmd.Run())
	default:
		w := t.compressor(name, &out)
		_, err := w.Write(data)
		t.must(err)
		t.must(w.Close())
	}
	return out.Bytes()
}

func (t *T) compressor(name string, out io.Writer) io.WriteCloser {
	var w io.WriteCloser
	var err error
	switch name {
	case "gzip":
		w = gzip.NewWriter(out)
	case "zstd":
		w, err = archive.CompressStream(out, archive.Zstd)
	case "xz":
		w, err = xz.NewWriter(out)
	}
	t.must(err)
	return w
}
