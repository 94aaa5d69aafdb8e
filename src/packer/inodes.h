/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of several names that were packed: inode number -> first name. The
 * device is not looked at, as the Go helper does not either. All zeros is empty.
 */
#ifndef OAKUM_PACKER_INODES_H
#define OAKUM_PACKER_INODES_H

#include "packer/bytes.h"

#include <stdint.h>

struct inode_slot {
	uint64_t number;
	size_t name; /* where it is in names, plus 1; 0: a free slot */
};

struct inodes {
	struct bytes names; /* terminated */
	struct inode_slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* The name, good until the next one is added; or NULL. */
const char *inodes_find(const struct inodes *inodes, uint64_t number);

/* Of a number that is not there yet; 0 or -ENOMEM. */
int inodes_add(struct inodes *inodes, uint64_t number, const char *name);

void inodes_free(struct inodes *inodes);

#endif
