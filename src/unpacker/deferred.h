/* SPDX-License-Identifier: Apache-2.0 */
/* What directories shall have in the end: set when nothing is made in them any more. */
#ifndef OAKUM_UNPACKER_DEFERRED_H
#define OAKUM_UNPACKER_DEFERRED_H

#include "unpacker/metadata.h"
#include "unpacker/parents.h"

struct deferred;

/* NULL without memory. */
struct deferred *deferred_new(void);
void deferred_free(struct deferred *deferred);

/*
 * Notes what the directory shall have, which has this inode and lies at the
 * entry's path. The last word on an inode counts, by whatever path it came.
 * Copies all. 0 or -ENOMEM.
 */
int deferred_add(struct deferred *deferred, dev_t device, ino_t inode, const char *path,
	const struct metadata *metadata);

/* A new directory has this inode: what was noted of an older one is void. */
void deferred_forget(struct deferred *deferred, dev_t device, ino_t inode);

/* Sets all of it, deepest directories first; what was replaced meanwhile is left alone. */
int deferred_apply(struct deferred *deferred, struct parents *parents, struct oakum_error *err);

#endif
