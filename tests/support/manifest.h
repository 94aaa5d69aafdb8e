/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as text, one line a path: what two unpackers made can be compared with diff(1). */
#ifndef OAKUM_TESTS_MANIFEST_H
#define OAKUM_TESTS_MANIFEST_H

#include <stdio.h>

/*
 * Prints what is in a directory, itself as ".", sorted by the bytes of the
 * path. The fields, with a tab between each, "-" where one has no meaning:
 *
 *   path  type  mode  uid  gid  size  mtime  rdev  link-target  hard-link-group  xattrs  sha256
 *
 * type is one of f d l c b p s; mtime has nine digits of fraction, counted up
 * from the second below; the group is the first path of the same inode; xattrs
 * are name=hex, sorted, with commas. Bytes that are not ASCII and control
 * characters are escaped.
 *
 * Returns 0 or -errno, *failed_at then names the path. Changes the working
 * directory.
 */
int manifest_print(const char *directory, FILE *out, char failed_at[4096]);

#endif
