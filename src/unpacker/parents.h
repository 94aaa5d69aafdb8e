/* SPDX-License-Identifier: Apache-2.0 */
/* Open directories by path: resolved below the rootfs by the kernel, and kept for the next entry.
 */
#ifndef OAKUM_UNPACKER_PARENTS_H
#define OAKUM_UNPACKER_PARENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct parents;

/* Which file it is, whatever its names. */
struct inode {
	dev_t device;
	ino_t number;
};

static inline bool is_same_inode(const struct inode *one, const struct inode *other)
{
	return one->number == other->number && one->device == other->device;
}

enum plainness {
	PLAINNESS_UNKNOWN,
	PLAIN,	   /* what is made in it gets just the owner and mode that were asked for */
	NOT_PLAIN, /* it is set-gid, or has a default ACL */
};

struct parent {
	int fd;			  /* for *at() calls with one component; lent, see parents_open() */
	enum plainness plainness; /* ask parents_is_plain() */
	struct inode inode;
};

/* root_fd is borrowed and kept. NULL without memory. */
struct parents *parents_new(int root_fd);
void parents_free(struct parents *parents);

/*
 * The directory at the first length bytes of a clean path; 0 is the rootfs.
 * Symlinks on the way resolve below the rootfs. Of two calls in a row both
 * results are good, and no longer than to the next parents_forget(). Returns 0
 * or -errno: -ENOENT, -ENOTDIR, -ELOOP.
 */
int parents_open(struct parents *parents, const char *path, size_t length, struct parent **parent);

/* What any name leads to from the rootfs, as lstat(2) has it: ".." and slashes as they stand. */
int parents_stat(struct parents *parents, const char *name, struct stat *status);

/* How many bytes of the path lead to a directory that is open already. */
size_t parents_reach(struct parents *parents, const char *path, size_t length);

/* Takes *fd, a directory that was opened by other means, as if it had been opened here. */
int parents_keep(
	struct parents *parents, const char *path, size_t length, int *fd, struct parent **parent);

/* Asks the file system once. */
bool parents_is_plain(struct parent *parent);

/*
 * Forgets all of them: to be called whenever a directory or symlink was removed
 * or replaced, for then a path may lead elsewhere. That is rare.
 */
void parents_forget(struct parents *parents);

#endif
