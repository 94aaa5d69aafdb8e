/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer has brought so far, against its limits. Pure. */
#ifndef OAKUM_LAYER_TALLY_H
#define OAKUM_LAYER_TALLY_H

#include "layer/entry.h"
#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct tally {
	const struct limits *limits; /* borrowed */
	uint64_t entries;
	uint64_t content_bytes;
	uint64_t xattr_bytes;
};

/* Each is -EFBIG with the limit's name past it, and tells the entry. */

/* One more entry. */
int tally_entry(struct tally *tally, const struct entry *entry, struct oakum_error *err);

/* The extended attributes of one entry: each of them, and all together. */
int tally_xattrs(struct tally *tally, const struct entry *entry, struct oakum_error *err);

/* Content as it is written, of the entry at path. */
int tally_content(struct tally *tally, uint64_t bytes, const char *path, struct oakum_error *err);

/* Past a limit of the whole layer, so that whatever follows is past it too? */
bool tally_is_over(const struct tally *tally);

#endif
