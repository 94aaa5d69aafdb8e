/* SPDX-License-Identifier: Apache-2.0 */
/* What this layer has placed: whiteouts hide what lower layers brought, and nothing else. */
#ifndef OAKUM_UNPACKER_PLACED_H
#define OAKUM_UNPACKER_PLACED_H

#include "unpacker/parents.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A set of keyed 64-bit hashes: 11 to 21 bytes an entry, 32 while it grows. A
 * name is known by its directory's inode, so that it is the same by whatever
 * symlink it came. An inode may be used again after its directory was removed,
 * but then by one of this layer, and all that is in that is of this layer.
 */
struct placed {
	uint64_t key;
	uint64_t *slots; /* 0: free */
	size_t room;	 /* a power of two */
	size_t count;
	/* Directories that a removal leaves behind, with fewer names, are on the disk then. */
	bool syncs;
};

/* Asks for its key while getrandom(2) can be called. 0 or -errno. */
int placed_init(struct placed *placed);
/* An empty one with the key of another. 0 or -ENOMEM. */
int placed_init_like(struct placed *placed, const struct placed *other);
void placed_free(struct placed *placed);

/* Notes a name in a directory; "" for the directory itself: nothing of a lower layer is in it. */
int placed_add(struct placed *placed, const struct inode *directory, const char *name);

/* Was it noted? */
bool placed_has(const struct placed *placed, const struct inode *directory, const char *name);

#endif
