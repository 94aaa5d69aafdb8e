/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that names may start with: sorted once, one binary search for each name. */
#ifndef OAKUM_LAYER_PREFIXES_H
#define OAKUM_LAYER_PREFIXES_H

#include <stdbool.h>

struct prefixes;

/* Borrows the strings of a NULL-terminated list (NULL: an empty one). NULL without memory. */
struct prefixes *prefixes_new(const char *const *list);
void prefixes_free(struct prefixes *prefixes);

/* Does the name start with one of them? "" starts every name. */
bool prefixes_match(const struct prefixes *prefixes, const char *name);

#endif
