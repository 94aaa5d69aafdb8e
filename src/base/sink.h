/* SPDX-License-Identifier: Apache-2.0 */
/* Text on its way to a descriptor: gathered, and written a buffer at a time. */
#ifndef OAKUM_BASE_SINK_H
#define OAKUM_BASE_SINK_H

#include <stddef.h>
#include <stdint.h>

enum { SINK_BYTES = 64 << 10 };

/* The first failure sticks, and what is added after it is dropped: callers look now and then. */
struct sink {
	int fd;	  /* borrowed */
	int code; /* positive errno of the failure, or 0 */
	size_t length;
	uint64_t written_bytes;
	char bytes[SINK_BYTES];
};

void sink_init(struct sink *sink, int fd);

void sink_add(struct sink *sink, const void *bytes, size_t length);
void sink_add_text(struct sink *sink, const char *text);
void sink_add_number(struct sink *sink, uint64_t number);

/* Untrusted bytes, as escape.h spells them. */
void sink_add_escaped(struct sink *sink, const char *text);

/* Writes what was gathered; 0, or -errno of the first failure there was. */
int sink_flush(struct sink *sink);

#endif
