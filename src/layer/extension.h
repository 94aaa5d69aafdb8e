/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before an entry's own header: which extensions, in what order,
 * and how long in all. */
#ifndef OAKUM_LAYER_EXTENSION_H
#define OAKUM_LAYER_EXTENSION_H

#include "layer/block.h"
#include "layer/limits.h"
#include "layer/pax.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXTENSION_NAME_BYTES = 2048 }; /* as much of a name as an error can tell */

/* Of one entry, from its first extension to its own header. */
struct extensions {
	const struct limits *limits;
	bool is_strict;
	bool ignores_global;

	bool is_open;	/* an entry must follow */
	uint32_t seen;	/* a bit for each kind */
	uint64_t bytes; /* of all bodies */
	struct pax pax;
	/* of the entry, where an extension has one: its end, if it is longer */
	char name[EXTENSION_NAME_BYTES];

	/* the body that is being collected */
	char type_flag;
	size_t length;
	size_t have;
	char *body;
	size_t room;
};

/* Is this the type of a header that only says something of the next one? */
bool extension_is(char type_flag);

/* A header of such a type, and the size of its body. -EBADMSG, -EFBIG. */
int extension_begin(
	struct extensions *extensions, char type_flag, uint64_t size, struct oakum_error *err);

/* Is the body of the last one there, to its padding? */
bool extension_is_complete(const struct extensions *extensions);

/* The next block of the body. -ENOMEM. */
int extension_take(
	struct extensions *extensions, const struct block *block, struct oakum_error *err);

/* Reads a body that is complete. */
int extension_finish(struct extensions *extensions, struct oakum_error *err);

/* At the entry's own header: do its extensions go together? NULL, or why not.
 */
const char *extension_conflict(const struct extensions *extensions, char type_flag);

/* For the next entry. */
void extension_reset(struct extensions *extensions);

#endif
