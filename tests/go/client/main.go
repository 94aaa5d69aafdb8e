// SPDX-License-Identifier: Apache-2.0

// Client is a program that uses containers/storage as a container engine does, and checks what its helper
// did: storage-untar, storage-applyLayer and storage-tar are run from $OAKUM_STORAGE_HELPER.
//
// The library itself is the reference wherever it can be: the same archive is also unpacked by this process,
// without a helper, and both trees must be the same.
//
// Usage: client [-expect-failures] [-only PREFIX] DIRECTORY GROUP...
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containers/storage/pkg/reexec"
	"github.com/sirupsen/logrus"
)

const hangs = 90 * time.Second

// check is one row of a group. A check that is the parent's alone passes with any helper. One that needs a
// working helper would hang or crash the library, and so this process, if the helper ended at once.
type check struct {
	name        string
	run         func(*T)
	parentOnly  bool
	needsHelper bool
}

var groups = map[string][]check{}

// T is a running check: its directory, and how it fails.
type T struct {
	dir   string
	notes []string
	ends  []func()
}

type failure string

func (t *T) failf(format string, args ...interface{}) {
	panic(failure(fmt.Sprintf(format, args...)))
}

func (t *T) must(err error) {
	if err != nil {
		t.failf("%v", err)
	}
}

// fails: this error, and its text has the piece.
func (t *T) fails(err error, piece string) {
	if err == nil {
		t.failf("there is no error; expected: %s", piece)
	}
	if !strings.Contains(err.Error(), piece) {
		t.failf("the error is %q; expected: %s", err, piece)
	}
}

func (t *T) equal(what string, got, want interface{}) {
	if got != want {
		t.failf("%s is %v, not %v", what, got, want)
	}
}

func (t *T) notef(format string, args ...interface{}) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// atEnd is done after the check, whatever became of it; the last one first.
func (t *T) atEnd(do func()) {
	t.ends = append(t.ends, do)
}

func (t *T) finish() {
	for i := len(t.ends) - 1; i >= 0; i-- {
		t.ends[i]()
	}
}

func (t *T) path(name string) string {
	return filepath.Join(t.dir, name)
}

func (t *T) mkdir(name string) string {
	t.must(os.Mkdir(t.path(name), 0o755))
	return t.path(name)
}

// guarded runs a check and returns why it failed, or nothing.
func guarded(run func(*T), t *T) (why string) {
	defer t.finish()
	defer func() {
		switch caught := recover().(type) {
		case nil:
		case failure:
			why = string(caught)
		default:
			panic(caught)
		}
	}()
	run(t)
	return ""
}

// timed is guarded, and the end of the program if it hangs.
func timed(c check, t *T) string {
	done := make(chan string, 1)
	go func() { done <- guarded(c.run, t) }()
	select {
	case why := <-done:
		return why
	case <-time.After(hangs):
		fmt.Printf("FAIL %s: hangs\n", c.name)
		os.Exit(1)
		return ""
	}
}

// perform runs one check between two looks at what helpers leave behind.
func perform(c check, work string) (*T, string) {
	dir, err := os.MkdirTemp(work, "check")
	if err != nil {
		return &T{}, err.Error()
	}
	t := &T{dir: dir}
	before := mounts()
	why := timed(c, t)
	if why == "" {
		why = leftBehind(dir, before)
	}
	if err := os.RemoveAll(dir); err != nil && why == "" {
		why = err.Error()
	}
	return t, why
}

// report prints the line of a check and tells whether it is what was expected.
func report(c check, t *T, why string, expectFailures bool) bool {
	for _, note := range t.notes {
		fmt.Printf("     %s: %s\n", c.name, note)
	}
	switch {
	case expectFailures && why == "":
		fmt.Printf("FAIL %s: passes without a working helper\n", c.name)
		return false
	case expectFailures:
		fmt.Printf("ok %s (fails: %s)\n", c.name, firstLine(why))
	case why != "":
		fmt.Printf("FAIL %s: %s\n", c.name, why)
		return false
	default:
		fmt.Printf("ok %s\n", c.name)
	}
	return true
}

func firstLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i]
	}
	return s
}

func main() {
	if reexec.Init() {
		return
	}
	becomeSubreaper()
	if len(os.Args) == 4 && os.Args[1] == reaperCommand {
		reaperMain(os.Args[2], os.Args[3])
		return
	}
	expectFailures := flag.Bool("expect-failures", false, "each check must fail: the helper does not work")
	only := flag.String("only", "", "only checks whose name starts so")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: client [-expect-failures] [-only PREFIX] DIRECTORY GROUP...")
		os.Exit(2)
	}
	logrus.SetLevel(logrus.FatalLevel) // the drivers log what they return as well
	os.Exit(runGroups(flag.Arg(0), flag.Args()[1:], *only, *expectFailures))
}

func runGroups(work string, names []string, only string, expectFailures bool) int {
	ran, failed := 0, 0
	for _, group := range names {
		checks, known := groups[group]
		if !known {
			fmt.Fprintf(os.Stderr, "no such group: %s\n", group)
			return 2
		}
		for _, c := range checks {
			if !strings.HasPrefix(c.name, only) || expectFailures && (c.parentOnly || c.needsHelper) {
				continue
			}
			t, why := perform(c, work)
			ran++
			if !report(c, t, why, expectFailures) {
				failed++
			}
		}
	}
	fmt.Printf("%d checks, %d failed\n", ran, failed)
	if failed > 0 || ran == 0 {
		return 1
	}
	return 0
}
