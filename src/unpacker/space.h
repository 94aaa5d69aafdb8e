/* SPDX-License-Identifier: Apache-2.0 */
/* What must stay free on the file system of the rootfs, asked for now and then. One thread. */
#ifndef OAKUM_UNPACKER_SPACE_H
#define OAKUM_UNPACKER_SPACE_H

#include "layer/limits.h"

/* Zero but for the first three. */
struct space {
	int root_fd;		     /* borrowed */
	const struct limits *limits; /* borrowed */
	uint64_t unwritten_bytes;    /* at most so many are taken and not yet on the file system */
	uint64_t bytes;		     /* that may be taken before it is asked again */
	uint64_t inodes;
};

/* For one more entry at path. -ENOSPC with the limit's name where too little would be left. */
int space_take_entry(struct space *space, const char *path, struct oakum_error *err);

/* The same for content. */
int space_take_content(
	struct space *space, uint64_t bytes, const char *path, struct oakum_error *err);

#endif
