// SPDX-License-Identifier: Apache-2.0

// Unpacks a layer as the two libraries do that most of the world's programs use.
// Usage: peers storage|containerd LAYER ROOTFS
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/containerd/containerd/archive"
	"github.com/containerd/containerd/archive/compression"
	storage "github.com/containers/storage/pkg/archive"
	"github.com/containers/storage/pkg/chrootarchive"
	"github.com/containers/storage/pkg/reexec"
)

func applyStorage(layer *os.File, rootfs string) error {
	return chrootarchive.Untar(layer, rootfs, &storage.TarOptions{})
}

func applyContainerd(layer *os.File, rootfs string) error {
	stream, err := compression.DecompressStream(layer)
	if err != nil {
		return err
	}
	defer stream.Close()
	_, err = archive.Apply(context.Background(), rootfs, stream)
	return err
}

func main() {
	if reexec.Init() { // the helper of containers/storage is this very program
		return
	}
	appliers := map[string]func(*os.File, string) error{
		"storage":    applyStorage,
		"containerd": applyContainerd,
	}
	if len(os.Args) != 4 || appliers[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: peers storage|containerd LAYER ROOTFS")
		os.Exit(2)
	}
	layer, err := os.Open(os.Args[2])
	if err == nil {
		err = appliers[os.Args[1]](layer, os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
