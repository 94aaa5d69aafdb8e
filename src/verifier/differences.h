/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found so far, held back to the end of the layer: a later entry may replace what an
 * earlier one brought, and then what was found of that one is void.
 */
#ifndef OAKUM_VERIFIER_DIFFERENCES_H
#define OAKUM_VERIFIER_DIFFERENCES_H

#include "layer/entry.h"
#include "unpacker/parents.h"
#include "verifier/brought.h"
#include "verifier/text.h"

#include <stdint.h>

/* All that is held, with what it takes to find it again. */
enum { DIFFERENCES_BYTES_MAX = 32 << 20 };

struct differences;

/* What makes a difference void, or what has still to be looked at. */
enum hold {
	HOLD_ENTRY,	       /* an entry of the same name, or one above it that is no directory */
	HOLD_MARK,	       /* an entry above it, or of its name, that is no directory */
	HOLD_UNLESS,	       /* the same, and that the layer brings the name at all */
	HOLD_UNLESS_OPAQUE,    /* as HOLD_MARK, and that the layer asks for it: of a directory */
	HOLD_UNLESS_WHITEOUTS, /* the same, of whiteouts in it */
	HOLD_NAME,    /* no difference yet: what is in the tree by the name may be of the layer */
	HOLD_CONTENT, /* the same, of what is in the directory */
};

/*
 * root_fd, brought: borrowed; kept. Opens directories of its own, so that it closes nobody's.
 * 0 or -errno.
 */
int differences_new(int root_fd, const struct brought *brought, struct differences **differences);
void differences_free(struct differences *differences);

/*
 * An entry has come: it makes void what was found of an earlier one of its name. 1 if it is a
 * directory in place of what was none, else 0, or -errno: -EOPNOTSUPP for a symlink in place of
 * a directory that others were brought into, or the other way round.
 */
int differences_begin(struct differences *differences, const struct entry *entry);

/*
 * Holds what was found of the entry that has begun. -EFBIG when there is too much of it:
 * the tree is that of another layer.
 */
int differences_hold(struct differences *differences, enum hold hold,
	const struct difference *difference, struct oakum_error *err);

/* Whoever is told of what is left at the end, in the order in which it was found. */
struct differences_reader {
	int (*take)(void *context, enum hold hold, const struct difference *difference,
		struct oakum_error *err);
	void *context;
};

int differences_read(const struct differences *differences, const struct differences_reader *reader,
	struct oakum_error *err);

#endif
