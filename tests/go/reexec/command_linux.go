// SPDX-License-Identifier: Apache-2.0

// Package reexec of containers/storage, with another choice of what is executed.
// `go build -overlay` puts this file in the place of pkg/reexec/command_linux.go: the three helpers of
// pkg/chrootarchive are run from $OAKUM_STORAGE_HELPER, everything else is still the program itself.
package reexec

import (
	"context"
	"os"
	"os/exec"
)

const self = "/proc/self/exe"

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
