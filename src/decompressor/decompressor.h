/* SPDX-License-Identifier: Apache-2.0 */
/* Role: compressed bytes -> tar stream. Read the head, choose a codec, run it to the end, check the
 * trailer. */
#ifndef OAKUM_DECOMPRESSOR_DECOMPRESSOR_H
#define OAKUM_DECOMPRESSOR_DECOMPRESSOR_H

#include "base/progress.h"
#include "base/ring.h"

#include <oakum/oakum.h>

struct decompressor;

struct decompressor_options {
	int layer_fd;		    /* borrowed; may be non-blocking, a pipe, file or socket */
	struct ring_reader *source; /* borrowed; NULL, or where the layer comes from instead */
	int stream_fd;		    /* borrowed; where the tar stream goes */
	struct ring_writer *ring;   /* borrowed; NULL, or whose tokens go there instead */
	uint64_t max_window_bytes;  /* of a decoder: refused with EFBIG before anything is allocated
				     */
	uint64_t max_ratio; /* stream bytes for one layer byte, past the first 1 GiB of stream */
	struct progress *progress; /* borrowed; NULL: nobody looks on */
	/*
	 * Called once, when the head of the layer told the codec and before a codec
	 * has seen a byte: takes away the system calls that this codec does not
	 * need. NULL: none. 0 or -errno.
	 */
	int (*narrow)(void *context, enum oakum_compression codec, struct oakum_error *err);
	void *narrow_context;
};

/*
 * Reserves the memory that codecs will use: called before the walls are sealed.
 * Ended with decompressor_close().
 */
int decompressor_open(const struct decompressor_options *options,
	struct decompressor **decompressor, struct oakum_error *err);
void decompressor_close(struct decompressor **decompressor);

/*
 * Starts threads, which then wait until the codec asks for them: once it is known to be xz
 * (narrow() is the place), for later nothing may be started. Without this xz does with one.
 * 0 or -errno.
 */
int decompressor_start_threads(unsigned int count, struct oakum_error *err);

/*
 * Runs to the end of the layer. Returns 0 only when every checksum and trailer
 * was right and nothing but zero padding follows; fills layer_bytes, stream_bytes
 * and compression of stats in any case. -EBADMSG damaged, -EFBIG a ceiling,
 * -EPIPE nobody reads the stream any more, other -errno of reading or writing.
 */
int decompressor_run(
	struct decompressor *decompressor, struct oakum_stats *stats, struct oakum_error *err);

#endif
