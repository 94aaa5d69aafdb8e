/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths this layer has placed: whiteouts hide what lower layers brought, and nothing else. */
#ifndef OAKUM_UNPACKER_PLACED_H
#define OAKUM_UNPACKER_PLACED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of keyed 64-bit hashes: 8 bytes a path, at most 32 while it grows. */
struct placed {
	uint64_t key;
	uint64_t *slots; /* 0: free */
	size_t room;	 /* a power of two */
	size_t count;
};

/* An empty set with a key of its own; 0 or -errno. */
int placed_init(struct placed *placed);

/* Notes a clean path and every directory above it; 0 or -ENOMEM. */
int placed_add(struct placed *placed, const char *path);

/* Was it noted? */
bool placed_has(const struct placed *placed, const char *path);

void placed_free(struct placed *placed);

#endif
