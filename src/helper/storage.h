/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helpers that containers/storage executes itself for, with its plumbing:
 * arguments, options, streams, exit statuses and texts are those of
 * pkg/chrootarchive. docs/COMPATIBILITY.md tells the differences.
 */
#ifndef OAKUM_HELPER_STORAGE_H
#define OAKUM_HELPER_STORAGE_H

/* argv[0] is the name. Each returns the exit status. */

/* storage-untar DESTINATION ROOT: options on fd 3, the tar stream on standard input. */
int storage_untar(int argc, char **argv);

/* storage-applyLayer ROOT: options in OPT, the tar stream on standard input. */
int storage_apply_layer(int argc, char **argv);

/* storage-tar SOURCE ROOT: options on standard input, the tar stream on standard output. */
int storage_tar(int argc, char **argv);

#endif
