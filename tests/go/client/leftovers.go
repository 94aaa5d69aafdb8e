// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func mounts() string {
	table, _ := os.ReadFile("/proc/self/mountinfo")
	return string(table)
}

// becomeSubreaper makes the orphans of the helpers children of this process, where leftBehind finds them.
func becomeSubreaper() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
}

// leftBehind tells what a check or its helpers left: children, mounts, or directories of the helpers' own.
func leftBehind(dir, mountsBefore string) string {
	if child := waitForNoChild(5 * time.Second); child != "" {
		return child
	}
	if mounts() != mountsBefore {
		return "the mount table is not what it was"
	}
	found := ""
	filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
		base := filepath.Base(path)
		if strings.HasPrefix(base, ".pivot_root") || strings.HasPrefix(base, "temp-storage-extract") {
			found = "left behind: " + path
		}
		return nil
	})
	return found
}

// waitForNoChild looks, without reaping, until there is no child, neither running nor ended.
func waitForNoChild(patience time.Duration) string {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.ECHILD {
			return ""
		}
		if err != nil && err != unix.EINTR {
			return fmt.Sprintf("waitid: %v", err)
		}
		if time.Now().After(end) {
			return "a child of this process is left: a zombie, or still running"
		}
	}
}

func mountTmpfs(dir, options string) error {
	return unix.Mount("tmpfs", dir, "tmpfs", 0, options)
}

func unmount(dir string) error {
	return unix.Unmount(dir, unix.MNT_DETACH)
}
