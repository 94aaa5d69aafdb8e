/* SPDX-License-Identifier: Apache-2.0 */
/* Open directories by path: resolved below the rootfs by the kernel, and kept for the next entry.
 */
#ifndef OAKUM_UNPACKER_PARENTS_H
#define OAKUM_UNPACKER_PARENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct parents;

struct parent {
	int fd;	       /* for *at() calls with one component; lent, see parents_open() */
	bool is_plain; /* what is made in it gets just the owner and mode that were asked for */
	dev_t device;
	ino_t inode;
};

/* root_fd is borrowed and kept. NULL without memory. */
struct parents *parents_new(int root_fd);
void parents_free(struct parents *parents);

/*
 * The directory at the first length bytes of a clean path; 0 is the rootfs.
 * Symlinks on the way resolve below the rootfs. *parent is good until the next
 * call of any function here. Returns 0 or -errno: -ENOENT, -ENOTDIR, -ELOOP.
 */
int parents_open(struct parents *parents, const char *path, size_t length, struct parent *parent);

/*
 * Forgets all of them: to be called whenever a directory or symlink was removed
 * or replaced, for then a path may lead elsewhere. That is rare.
 */
void parents_forget(struct parents *parents);

#endif
