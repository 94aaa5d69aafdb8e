/* SPDX-License-Identifier: Apache-2.0 */
/* Name -> path: what a layer spells becomes a path that is safe to walk from the rootfs. */
#ifndef OAKUM_LAYER_PATH_H
#define OAKUM_LAYER_PATH_H

#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>

enum { PATH_COMPONENT_MAX = 255 }; /* NAME_MAX of every Linux file system */

/*
 * Writes the clean form of name into buffer: leading and double '/' and every
 * '.' component dropped, so "./a//b/" becomes "a/b" and "./" or "/" becomes "".
 * buffer may be name itself; it needs strlen(name) + 1 bytes.
 *
 * -EBADMSG  a name that is empty, or has a ".." component
 * -EFBIG    too long, too deep, or a component over 255 bytes (".wh." not counted:
 *           a whiteout may be longer than what it hides; policy looks again)
 */
int path_clean(
	const char *name, const struct limits *limits, char *buffer, struct oakum_error *err);

/* The last component of a clean path ("" for the rootfs); points into path. */
const char *path_base(const char *path);

/* How many bytes of a clean path come before "/base"; 0 when the parent is the rootfs. */
size_t path_parent_length(const char *path);

/* How many components a clean path has; 0 for the rootfs. */
size_t path_depth(const char *path);

/* True if the clean path is parent itself or lies below it; never a mere string prefix. */
bool path_is_at_or_below(const char *path, const char *parent);

#endif
