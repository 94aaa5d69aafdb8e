/* SPDX-License-Identifier: Apache-2.0 */
/* The only door that libarchive has into oakum: tar stream -> entries and their content. */
#ifndef OAKUM_UNPACKER_TAR_READER_H
#define OAKUM_UNPACKER_TAR_READER_H

#include "base/ring.h"
#include "layer/entry.h"
#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <sys/types.h>

struct tar_reader;

struct tar_reader_options {
	int stream_fd; /* borrowed */
	struct ring_reader
		*ring; /* borrowed; NULL, or where it comes from; the tokens are at stream_fd */
	const struct limits *limits; /* borrowed; kept */
	uint32_t profile;	     /* enum oakum_profile */
	uint32_t trailing;	     /* enum oakum_trailing */
	bool reads_as_go;	     /* as header_check.h has it; paths are left to the caller */
};

/* Reads nothing yet. To be ended with tar_reader_free(). */
int tar_reader_new(const struct tar_reader_options *options, struct tar_reader **reader,
	struct oakum_error *err);
void tar_reader_free(struct tar_reader *reader);

/*
 * The next entry, with a clean path (reads_as_go: with none): 1, or 0 at the end, when the stream
 * has been read to its last byte, so that whoever feeds it checks its trailer; or
 * -errno. What *entry points at is good until the next call.
 */
int tar_reader_next(struct tar_reader *reader, struct entry *entry, struct oakum_error *err);

/*
 * The next piece of the entry's content: its length, where it stands, and its
 * offset in the file (past the end of the last one where there is a hole); 0 at
 * the end, or -errno. Good until the next call.
 */
ssize_t tar_reader_content(
	struct tar_reader *reader, const void **bytes, uint64_t *offset, struct oakum_error *err);

/* Counts what was passed over so far: trailing_bytes, volume_labels. */
void tar_reader_count(const struct tar_reader *reader, struct oakum_stats *stats);

/*
 * Did the stream have more than we had asked for when it was read last? Then we hold it up,
 * and else we wait for it.
 */
bool tar_reader_is_behind(const struct tar_reader *reader);

/* After an error of tar_reader_next(): it was of that entry alone, and the next may be asked for.
 */
bool tar_reader_may_go_on(const struct tar_reader *reader);

/* After an error: the stream was cut off. */
bool tar_reader_ended_early(const struct tar_reader *reader);

#endif
