/* SPDX-License-Identifier: Apache-2.0 */
/* Files of several names that were packed: device and inode -> first name. All zeros is empty. */
#ifndef OAKUM_PACKER_INODES_H
#define OAKUM_PACKER_INODES_H

#include "packer/bytes.h"

#include <stdint.h>

struct inode_key {
	uint64_t device; /* 0 throughout, where it is not looked at: the Go helper does not */
	uint64_t number;
};

struct inode_slot {
	struct inode_key key;
	size_t name; /* where it is in names, plus 1; 0: a free slot */
};

struct inodes {
	struct bytes names; /* terminated */
	struct inode_slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* The name, good until the next one is added; or NULL. */
const char *inodes_find(const struct inodes *inodes, struct inode_key key);

/* Of one that is not there yet; 0 or -ENOMEM. */
int inodes_add(struct inodes *inodes, struct inode_key key, const char *name);

void inodes_free(struct inodes *inodes);

#endif
