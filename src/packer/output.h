/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tar stream goes: gathered, compressed if asked, written. */
#ifndef OAKUM_PACKER_OUTPUT_H
#define OAKUM_PACKER_OUTPUT_H

#include <oakum/oakum.h>
#include <stddef.h>
#include <stdint.h>

struct output;

struct output_options {
	int stream_fd;	     /* borrowed */
	int64_t compression; /* enum storage_compression, or any other number */
	int level;	     /* of it; 0: the one that everybody has */
	const char *name;    /* what an error calls it; or NULL */
};

/* -EINVAL for a compression that cannot be written, with Go's text. */
int output_open(
	const struct output_options *options, struct output **output, struct oakum_error *err);
void output_free(struct output *output);

/*
 * Room to be filled, *room bytes and at least one; NULL and *err when what was
 * gathered cannot be written. What was filled is then told to output_advance().
 */
char *output_room(struct output *output, size_t *room, struct oakum_error *err);
void output_advance(struct output *output, size_t bytes);

int output_write(struct output *output, const void *from, size_t bytes, struct oakum_error *err);
int output_zeros(struct output *output, size_t bytes, struct oakum_error *err);

/* How much went in and, compressed, out, so far. */
uint64_t output_stream_bytes(const struct output *output);
uint64_t output_written_bytes(const struct output *output);

/* Writes all that is left, and the end of a compressed stream. */
int output_finish(struct output *output, struct oakum_error *err);

#endif
