// SPDX-License-Identifier: Apache-2.0

// Package reexec of containers/storage, with another choice of what is executed.
// `go build -overlay` puts this file in the place of pkg/reexec/command_linux.go: the three helpers of
// pkg/chrootarchive are run from $OAKUM_STORAGE_HELPER, everything else is still the program itself.
package reexec

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

const self = "/proc/self/exe"

// Newer versions of the library pass storage-untar its root as a descriptor. With $OAKUM_STORAGE_FORM that is
// "descriptor" this version does too, by way of itself under this name: NAME storage-untar DESTINATION ROOT.
const (
	byDescriptor = "by-descriptor"
	rootNumber   = 4
)

func init() {
	Register(byDescriptor, passRoot)
}

func passRoot() {
	args := os.Args[1:]
	root, err := syscall.Open(args[2], syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err == nil && root != rootNumber {
		err = syscall.Dup3(root, rootNumber, 0)
		syscall.Close(root)
	}
	if err == nil {
		args[2] = fmt.Sprintf("/proc/self/fd/%d", rootNumber)
		err = syscall.Exec(executable(args), args, os.Environ())
	}
	fmt.Fprintf(os.Stderr, "open %s: %v", args[2], err)
	os.Exit(1)
}

// Self is the running program, whatever became of its file.
func Self() string {
	return self
}

// executable is what runs the command called argv0. The other storage-* commands, such as
// storage-mountfrom, belong to the program.
func executable(args []string) string {
	helper := os.Getenv("OAKUM_STORAGE_HELPER")
	if helper == "" || len(args) == 0 {
		return self
	}
	switch args[0] {
	case "storage-untar", "storage-applyLayer", "storage-tar":
		return helper
	}
	return self
}

// Command is a command with exactly these arguments, the first being its name.
func Command(args ...string) *exec.Cmd {
	panicIfNotInitialized()
	if os.Getenv("OAKUM_STORAGE_FORM") == "descriptor" && executable(args) != self && args[0] == "storage-untar" {
		args = append([]string{byDescriptor}, args...)
	}
	cmd := exec.Command(executable(args))
	cmd.Args = args
	return cmd
}

// CommandContext is Command with a context that kills it.
func CommandContext(ctx context.Context, args ...string) *exec.Cmd {
	panicIfNotInitialized()
	cmd := exec.CommandContext(ctx, executable(args))
	cmd.Args = args
	return cmd
}
