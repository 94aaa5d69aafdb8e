/* SPDX-License-Identifier: Apache-2.0 */
/* Why the rootfs would not take an entry: asked of its file system right after it said no. */
#ifndef OAKUM_UNPACKER_CAUSE_H
#define OAKUM_UNPACKER_CAUSE_H

#include <oakum/oakum.h>
#include <stdint.h>

struct cause_facts {
	int root_fd;	     /* borrowed */
	uint64_t file_bytes; /* size of the file that failed, if it was one */
	uint64_t entries;    /* of the layer so far */
};

/* Adds to err what is found, and may find that it is another error. Returns -err->code. */
int cause_find(const struct cause_facts *facts, struct oakum_error *err);

#endif
