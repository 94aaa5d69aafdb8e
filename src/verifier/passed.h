/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of the tree, by path, that were looked at since they, or one above them, were last
 * begun anew: who comes that way again walks only what is new. A layer may name one deep
 * directory in every entry, or two in turn.
 */
#ifndef OAKUM_VERIFIER_PASSED_H
#define OAKUM_VERIFIER_PASSED_H

#include "verifier/key.h"
#include "verifier/moments.h"

struct passed {
	struct key_secret secret;
	struct moments seen;	/* path -> when */
	struct moments renewed; /* the same, of those that were begun anew */
	uint64_t now;
};

/* 0 or -errno. */
int passed_init(struct passed *passed);
void passed_free(struct passed *passed);

/* How many of the first length bytes of path, to the end of a component, were passed. */
size_t passed_length(const struct passed *passed, const char *path, size_t length);

/* So were these now, and all above them. 0, -ENOMEM, or -EFBIG of too many. */
int passed_add(struct passed *passed, const char *path, size_t length);

/* The directory at path, and what is below it, was not passed any more. 0 or -ENOMEM. */
int passed_renew(struct passed *passed, const char *path);

/* Nothing was. */
void passed_forget(struct passed *passed);

#endif
