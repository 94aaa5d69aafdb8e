// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
	"golang.org/x/sys/unix"
)

// A parent may lose the exit statuses of its children: it is pid 1 and reaps whatever ends, or it inherited
// an ignored SIGCHLD. The checks here run themselves as such a parent, in a process of its own.
const (
	reaperCommand = "reaper"
	brokenRuns    = 20
	lostStatus    = "no child processes"
)

// reaperRuns is how often each of them runs a helper: $OAKUM_REAPER_RUNS, or 200 times.
func reaperRuns() int {
	if runs, err := strconv.Atoi(os.Getenv("OAKUM_REAPER_RUNS")); err == nil {
		return runs
	}
	return 200
}

func init() {
	groups["reaper"] = []check{
		{name: "reaper-none", run: asReaper("none")},
		{name: "reaper-on-sigchld", run: asReaper("sigchld")},
		{name: "reaper-busy", run: asReaper("busy")},
		{name: "reaper-with-a-lock", run: asReaper("locked")},
		{name: "reaper-ignored-sigchld", run: asReaper("ignored")},
		{name: "reaper-helper-is-killed", run: helperKilled},
	}
}

func asReaper(mode string) func(*T) {
	return func(t *T) {
		ctx, cancel := context.WithTimeout(context.Background(), hangs-10*time.Second)
		defer cancel()
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, "/proc/self/exe", reaperCommand, mode, t.dir)
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if err != nil {
			t.failf("%s%v", out.String(), err)
		}
		t.notef("%s", strings.TrimSpace(out.String()))
	}
}

// figures is what a parent saw.
type figures struct {
	runs, lost, broken, told int
}

// reaperMain is the parent that loses exit statuses. It fails if what is certain is not so: the tree is
// complete whenever the helper has ended, an archive that is broken is never reported as unpacked, and
// nothing is left running.
func reaperMain(mode, dir string) {
	t := &T{dir: dir}
	reaper := startReaper(mode)
	var seen figures
	why := guarded(func(t *T) { seen = t.losingStatuses(reaper) }, t)
	reaper.stop()
	if why == "" {
		why = waitForNoChild(5 * time.Second)
	}
	mayLose := mode != "none" && mode != "locked"
	if why == "" && !mayLose && seen.lost > 0 {
		why = fmt.Sprintf("%d statuses were lost", seen.lost)
	}
	fmt.Printf("%d runs, all trees complete, %d of them reported as failed; %d broken archives, %d reported with their reason; %d children reaped by another\n",
		seen.runs, seen.lost, seen.broken, seen.told, atomic.LoadInt64(&reaper.reaped))
	if why != "" {
		fmt.Println(why)
		os.Exit(1)
	}
}

type reaper struct {
	mode   string
	lock   sync.RWMutex
	reaped int64
	done   chan struct{}
	over   sync.WaitGroup
}

func startReaper(mode string) *reaper {
	r := &reaper{mode: mode, done: make(chan struct{})}
	switch mode {
	case "sigchld", "locked":
		signals := make(chan os.Signal, 64)
		signal.Notify(signals, unix.SIGCHLD)
		r.loop(func() {
			select {
			case <-signals:
			case <-time.After(10 * time.Millisecond):
			}
		})
	case "busy":
		r.loop(func() { time.Sleep(20 * time.Microsecond) })
	case "ignored":
		signal.Ignore(unix.SIGCHLD)
	}
	return r
}

func (r *reaper) loop(pause func()) {
	r.over.Add(1)
	go func() {
		defer r.over.Done()
		for {
			select {
			case <-r.done:
				return
			default:
				pause()
				r.reap()
			}
		}
	}()
}

// reap takes every child that has ended. With the lock nobody waits for one of his own meanwhile.
func (r *reaper) reap() {
	if r.mode == "locked" {
		r.lock.Lock()
		defer r.lock.Unlock()
	}
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		atomic.AddInt64(&r.reaped, 1)
	}
}

func (r *reaper) stop() {
	close(r.done)
	r.over.Wait()
}

// running runs a command as the lock's idiom wants it: read-held from before the start to after the wait.
func (r *reaper) running(command func() error) error {
	r.lock.RLock()
	defer r.lock.RUnlock()
	return command()
}

func (t *T) losingStatuses(r *reaper) figures {
	layer := pack(directory("d"), file("d/f", noise(70000)), symlink("l", "d"), hardlink("d/g", "d/f"))
	reference := t.mkdir("reference")
	t.must(archive.UntarUncompressed(bytes.NewReader(layer), reference, nil))
	want := t.tree(reference).without(".")
	var seen figures
	for runs := reaperRuns(); seen.runs < runs; seen.runs++ {
		err := r.running(func() error { return t.oneRun(seen.runs, layer, reference, want) })
		if err != nil {
			t.onlyLost(err)
			seen.lost++
		}
	}
	for ; seen.broken < brokenRuns; seen.broken++ {
		err := r.running(func() error { return t.oneBroken(seen.broken, layer[:40000]) })
		t.fails(err, "unexpected EOF")
		seen.told++
	}
	return seen
}

// oneRun runs one of the three helpers; what it made is complete, whatever the parent then reports.
func (t *T) oneRun(i int, layer []byte, reference string, want manifest) (err error) {
	if i%3 == 2 {
		stream, err := chrootarchive.Tar(reference, nil, reference)
		t.must(err)
		defer stream.Close()
		var packed bytes.Buffer
		_, err = io.Copy(&packed, stream)
		t.equal("the number of entries", len(t.listing(&packed)), 4)
		return err
	}
	dest := t.mkdir(strconv.Itoa(i))
	if i%3 == 0 {
		err = chrootarchive.Untar(bytes.NewReader(layer), dest, nil)
	} else {
		_, err = chrootarchive.ApplyLayer(dest, bytes.NewReader(layer))
		if err != nil { // what the helper printed is not lost with its status
			t.fails(err, `{"layerSize":70000}`)
		}
	}
	t.sameTree(t.tree(dest).without("."), want)
	t.must(os.RemoveAll(dest))
	return err
}

func (t *T) oneBroken(i int, layer []byte) (err error) {
	dest := t.mkdir("broken-" + strconv.Itoa(i))
	if i%2 == 0 {
		return chrootarchive.Untar(bytes.NewReader(layer), dest, nil)
	}
	_, err = chrootarchive.ApplyLayer(dest, bytes.NewReader(layer))
	return err
}

func (t *T) onlyLost(err error) {
	if !strings.Contains(err.Error(), lostStatus) {
		t.failf("an error other than a lost status: %v", err)
	}
}

// helperKilled: the helper is killed half way; the parent learns it, and none of its processes outlives it.
func helperKilled(t *T) {
	source, feed := io.Pipe()
	layer := pack(file("f", noise(3<<20)))
	killed := make(chan string, 1)
	go func() {
		feed.Write(layer[:2<<20])
		killed <- killChild()
		feed.CloseWithError(io.ErrUnexpectedEOF)
	}()
	err := chrootarchive.UntarUncompressed(source, t.mkdir("dest"), nil)
	t.equal("what the killer says", <-killed, "")
	t.fails(err, "signal: killed")
}

// killChild kills the only child of this process.
func killChild() string {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if err == nil && unix.Kill(pid, unix.SIGKILL) == nil {
				return ""
			}
		}
	}
	return "there is no helper to kill"
}
