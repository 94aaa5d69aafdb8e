/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that are left out, with all below them: sorted once, a binary search for each ancestor. */
#ifndef OAKUM_LAYER_EXCLUDE_H
#define OAKUM_LAYER_EXCLUDE_H

#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>

struct exclude;

/*
 * Copies and cleans a NULL-terminated list (NULL: an empty one). -EINVAL names
 * an item that is no path below the rootfs, -ENOMEM.
 */
int exclude_new(const char *const *paths, const struct limits *limits, struct exclude **exclude,
	struct oakum_error *err);
void exclude_free(struct exclude *exclude);

/* Is the clean path an item, or below one? */
bool exclude_has(const struct exclude *exclude, const char *path);

#endif
