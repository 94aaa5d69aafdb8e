/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents and metadata of files: the only threads. They get an open descriptor,
 * bytes and metadata, never a path to act on, so that there is nothing that two
 * of them could race for.
 */
#ifndef OAKUM_UNPACKER_WRITER_H
#define OAKUM_UNPACKER_WRITER_H

#include "base/progress.h"
#include "layer/tally.h"
#include "unpacker/durable.h"
#include "unpacker/metadata.h"
#include "unpacker/space.h"
#include "unpacker/tar_reader.h"

#include <oakum/oakum.h>

enum { WRITER_BYTES_MAX = 4 << 20 }; /* of content on its way to the file system */

struct writer;

/*
 * threads: how many write, the calling one among them: all the others are
 * workers, who get what it has no time for. Memory and descriptors in flight are
 * bounded, whatever the layer.
 */
int writer_new(unsigned int threads, struct writer **writer, struct oakum_error *err);

/* Ends the workers, without waiting for success. */
void writer_free(struct writer *writer);

/*
 * Takes *file_fd and fills it with the content that reader has for the entry,
 * then gives it its metadata and closes it: now or later. Counts what is
 * written with the policy. -errno of reading at once; of writing here or in
 * writer_finish().
 */
int writer_fill(struct writer *writer, int *file_fd, const struct entry *entry,
	const struct metadata *metadata, struct oakum_error *err);

/* Where writer_fill() gets content from, and who counts it; all borrowed. */
struct writer_source {
	struct tar_reader *reader;
	struct tally *tally;
	struct space *space;
	struct progress *progress; /* NULL: nobody looks on */
	struct durable *durable;   /* who closes files; may be NULL */
};

void writer_set_source(struct writer *writer, const struct writer_source *source);

/* Waits until all is written: 0, or the error of the earliest entry in layer order. */
int writer_finish(struct writer *writer, struct oakum_error *err);

/* After an error of that: the size of the file. */
uint64_t writer_failed_bytes(struct writer *writer);

/* Bytes written so far, all files together; exact after writer_finish(). */
uint64_t writer_content_bytes(const struct writer *writer);

#endif
