/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at their end. All zeros is empty. */
#ifndef OAKUM_PACKER_BYTES_H
#define OAKUM_PACKER_BYTES_H

#include <stddef.h>

struct bytes {
	char *data;
	size_t length;
	size_t room;
};

/* Room for more at the end: where it starts, or NULL. Moves what is there. */
char *bytes_extend(struct bytes *bytes, size_t more);

/* 0 or -ENOMEM. */
int bytes_append(struct bytes *bytes, const void *from, size_t length);

/* The same for a text; it is terminated, and the end is not counted: the next goes over it. */
int bytes_append_text(struct bytes *bytes, const char *text);

/* Makes it this text, which may not be part of what is there. */
int bytes_set_text(struct bytes *bytes, const char *text);

void bytes_free(struct bytes *bytes);

#endif
