/* SPDX-License-Identifier: Apache-2.0 */
/* What directories shall have in the end: set when nothing is made in them any more. */
#ifndef OAKUM_UNPACKER_DEFERRED_H
#define OAKUM_UNPACKER_DEFERRED_H

#include "unpacker/metadata.h"
#include "unpacker/parents.h"

struct deferred;

/* Which directory it is, and where it lies. */
struct deferred_place {
	struct inode inode;
	struct inode above; /* the directory that its name is in */
	const char *path;
	size_t path_length; /* of path; 0: the rootfs itself */
};

/*
 * root_fd: borrowed and kept, for a file without a name where memory would not do.
 * forgiven: as in struct metadata; kept. NULL without memory.
 */
struct deferred *deferred_new(int root_fd, const struct inode *root, struct forgiven *forgiven);
void deferred_free(struct deferred *deferred);

/*
 * Notes what the directory shall have. The last word on an inode counts, by
 * whatever path it came. Copies all. metadata is NULL for a directory that was
 * made just now and that no entry tells about: what was noted of an older one
 * with its inode is void. 0, -ENOMEM, or what the file says (-ENOSPC).
 */
int deferred_add(struct deferred *deferred, const struct deferred_place *place,
	const struct metadata *metadata);

/* The directory at the first length bytes of path has changed. 0, -ENOMEM, or what the file says.
 */
int deferred_note_changed(
	struct deferred *deferred, const struct inode *directory, const char *path, size_t length);

/* Sets all of it, deepest directories first; what was replaced meanwhile is left alone. */
int deferred_apply(struct deferred *deferred, struct parents *parents, struct oakum_error *err);

/*
 * Then has the disk know of every directory that was made or changed, and of the rootfs. One that
 * its path does not lead to any more, for something on the way was replaced, needs syncfs(2).
 */
int deferred_sync(struct deferred *deferred, struct parents *parents, struct oakum_error *err);

#endif
