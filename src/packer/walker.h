/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree, depth first, every directory before what is in it, names in the order
 * of their bytes. By descriptors, so that a path may be of any length; a few of
 * them for any depth. It opens directories only, and after the first follows no
 * symlink. Moves the working directory.
 */
#ifndef OAKUM_PACKER_WALKER_H
#define OAKUM_PACKER_WALKER_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <sys/stat.h>

struct walker;

/* Good until the walker is used again. */
struct walker_item {
	int directory_fd;     /* what it is in; also the working directory */
	const char *name;     /* one component there; "." for a first that is what it is in */
	const char *path;     /* clean; the walker's caller started it */
	const char *spelling; /* path, but of the first as the caller spelt it */
	bool is_directory;
	int code;	/* 0, or it, or what is in it, could not be looked at: positive errno */
	const char *op; /* what failed then */
};

/* -errno only for memory. root_fd is borrowed: every path is looked up below it. */
int walker_new(int root_fd, struct walker **walker);
void walker_free(struct walker *walker);

/*
 * What lstat(2) says of a path, whose symlinks, but for the last component, are
 * followed, below the root. The last too where the path ends with '/', "." or "..".
 */
int walker_look(struct walker *walker, const char *path, struct stat *status);

/* Starts over at a path that is looked up in the same way; 0 or -ENOMEM. */
int walker_start(struct walker *walker, const char *path);

/* 1; 0 at the end; or -errno and *err, when it cannot go on. */
int walker_next(struct walker *walker, struct walker_item *item, struct oakum_error *err);

/*
 * The directory that came last is to be what lstat(2) said of it when it is entered, and
 * still when it is left, all of it seen. If it is not, it comes again, with ESTALE.
 */
void walker_expect(struct walker *walker, const struct stat *status);

/* What is in the directory that came last is left out. */
void walker_prune(struct walker *walker);

#endif
