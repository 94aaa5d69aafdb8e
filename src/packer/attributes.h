/* SPDX-License-Identifier: Apache-2.0 */
/* The extended attributes of a file that are packed. All zeros is empty. */
#ifndef OAKUM_PACKER_ATTRIBUTES_H
#define OAKUM_PACKER_ATTRIBUTES_H

#include "layer/entry.h"
#include "packer/bytes.h"

#include <stdbool.h>

enum { ATTRIBUTES_LIST_MAX = 64 << 10 }; /* the kernel's own limit, XATTR_LIST_MAX */

struct attributes {
	bool (*is_packed)(const char *name); /* NULL: what the Go helper packs */
	struct xattr *xattrs;		     /* in ascending order of their names */
	size_t count;
	size_t room;
	const char **names; /* room of them */
	struct bytes values;
	char list[ATTRIBUTES_LIST_MAX];
};

struct attributes_trouble {
	const char *op;	     /* what failed */
	const char *name;    /* the attribute, or NULL */
	const char *too_big; /* one that was passed over, for its value cannot be had; or NULL */
};

/*
 * Reads those of a descriptor or, where that is -1, of a name in the working directory,
 * of itself where it is a symlink; there is no other way to read them without opening
 * the file. Good until the next call. 0 or -errno, and then *trouble says of what.
 */
int attributes_read(struct attributes *attributes, int fd, const char *name,
	struct attributes_trouble *trouble);

void attributes_free(struct attributes *attributes);

#endif
