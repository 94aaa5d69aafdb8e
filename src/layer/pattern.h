/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exclude patterns of containers/storage (pkg/fileutils): globs in which what means nothing to a
 * glob is a regular expression. Compiled once; time is linear in the path. Pure.
 */
#ifndef OAKUM_LAYER_PATTERN_H
#define OAKUM_LAYER_PATTERN_H

#include <oakum/oakum.h>
#include <stdbool.h>

struct patterns;

/*
 * Takes a NULL-terminated list (NULL: an empty one); copies what it needs. -EINVAL for one that
 * cannot be, with Go's text in err->detail; -ENOMEM. One that is a good glob and no regular
 * expression is found by the first path, as in Go.
 */
int patterns_new(const char *const *list, struct patterns **patterns, struct oakum_error *err);
void patterns_free(struct patterns *patterns);

/*
 * Is the path left out? The last pattern that matches it, or what it is in, decides. 1, 0, or
 * -EINVAL: one of the patterns is no regular expression. Not from two threads at once.
 */
int patterns_exclude(struct patterns *patterns, const char *path);

/* May an exception lie in this directory, which is itself left out? */
bool patterns_may_except_below(const struct patterns *patterns, const char *directory);

#endif
