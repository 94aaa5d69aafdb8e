// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/idtools"
	"golang.org/x/sys/unix"
)

// manifest is a tree as text by path. Times that nobody set, and so are of today, are all "now"; the root has
// no times, since what is done next to it changes them.
type manifest map[string]string

// tree reads the manifest of a directory.
func (t *T) tree(root string) manifest {
	tree := manifest{}
	first := map[uint64]string{}
	t.must(filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		tree[rel], err = describe(path, rel, first)
		return err
	}))
	return tree
}

// describe is one line of all that is known of a path. A further name of a file is told by its first.
func describe(path, rel string, first map[uint64]string) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "", err
	}
	same := ""
	if st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		if _, seen := first[st.Ino]; !seen {
			first[st.Ino] = rel
		}
		same = " same as " + first[st.Ino]
	}
	content, err := contentOf(path, &st)
	if err != nil {
		return "", err
	}
	xattrs, err := xattrsOf(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%06o %d:%d%s %s%s%s", st.Mode, st.Uid, st.Gid, timeOf(rel, &st), content, xattrs, same), nil
}

func timeOf(rel string, st *unix.Stat_t) string {
	switch {
	case rel == ".":
		return ""
	case st.Mtim.Sec > longAgo.Unix()+86400:
		return " now"
	}
	return fmt.Sprintf(" %d.%09d", st.Mtim.Sec, st.Mtim.Nsec)
}

func contentOf(path string, st *unix.Stat_t) (string, error) {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		data, err := os.ReadFile(path)
		return fmt.Sprintf("%d %x", st.Size, sha256.Sum256(data)), err
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		return fmt.Sprintf("-> %q", target), err
	case unix.S_IFCHR, unix.S_IFBLK:
		return fmt.Sprintf("%d,%d", unix.Major(st.Rdev), unix.Minor(st.Rdev)), nil
	}
	return "", nil
}

// xattrsOf leaves out what the system itself may put on every file.
func xattrsOf(path string) (string, error) {
	list := make([]byte, 65536)
	n, err := unix.Llistxattr(path, list)
	if err != nil {
		return "", err
	}
	names := strings.FieldsFunc(string(list[:n]), func(r rune) bool { return r == 0 })
	sort.Strings(names)
	text := ""
	for _, name := range names {
		if name == "security.selinux" {
			continue
		}
		value := make([]byte, 65536)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf(" %s=%q", name, value[:n])
	}
	return text, nil
}

// without is the tree without these paths.
func (m manifest) without(paths ...string) manifest {
	for _, path := range paths {
		delete(m, path)
	}
	return m
}

// sameTree compares what the helper made with what is right.
func (t *T) sameTree(got, want manifest) {
	var lines []string
	for path, line := range want {
		switch mine, there := got[path]; {
		case !there:
			lines = append(lines, fmt.Sprintf("%q is missing", path))
		case mine != line:
			lines = append(lines, fmt.Sprintf("%q is\n\t%s\nand not\n\t%s", path, mine, line))
		}
	}
	for path := range got {
		if _, there := want[path]; !there {
			lines = append(lines, fmt.Sprintf("%q is too much", path))
		}
	}
	sort.Strings(lines)
	if len(lines) > 8 {
		lines = append(lines[:8], fmt.Sprintf("and %d more", len(lines)-8))
	}
	if len(lines) > 0 {
		t.failf("the trees differ: %s", strings.Join(lines, "; "))
	}
}

// noChanges: the library finds no difference between the directories.
func (t *T) noChanges(got, want string) {
	changes, err := archive.ChangesDirs(got, &idtools.IDMappings{}, want, &idtools.IDMappings{})
	t.must(err)
	if len(changes) > 0 {
		t.failf("the library finds %d changes, the first: %s", len(changes), changes[0].String())
	}
}

func (t *T) write(name, content string) string {
	t.must(os.WriteFile(t.path(name), []byte(content), 0o644))
	return t.path(name)
}

func (t *T) read(path string) string {
	data, err := os.ReadFile(path)
	t.must(err)
	return string(data)
}

func (t *T) absent(path string) {
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.failf("%s is there, or not known not to be: %v", path, err)
	}
}
