/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tar stream goes: gathered, compressed if asked, written. */
#ifndef OAKUM_PACKER_OUTPUT_H
#define OAKUM_PACKER_OUTPUT_H

#include <oakum/oakum.h>
#include <stddef.h>
#include <stdint.h>

struct output;

/*
 * stream_fd is borrowed. compression is an enum storage_compression, or any
 * other number: -EINVAL for what cannot be written, with Go's text.
 */
int output_open(
	int stream_fd, int64_t compression, struct output **output, struct oakum_error *err);
void output_free(struct output *output);

/*
 * Room to be filled, *room bytes and at least one; NULL and *err when what was
 * gathered cannot be written. What was filled is then told to output_advance().
 */
char *output_room(struct output *output, size_t *room, struct oakum_error *err);
void output_advance(struct output *output, size_t bytes);

int output_write(struct output *output, const void *from, size_t bytes, struct oakum_error *err);
int output_zeros(struct output *output, size_t bytes, struct oakum_error *err);

/* Writes all that is left, and the end of a compressed stream. */
int output_finish(struct output *output, struct oakum_error *err);

#endif
