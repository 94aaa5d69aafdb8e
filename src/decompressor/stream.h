/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in and what comes out: one buffer each, counted, with the ceiling on their ratio. */
#ifndef OAKUM_DECOMPRESSOR_STREAM_H
#define OAKUM_DECOMPRESSOR_STREAM_H

#include "base/progress.h"
#include "base/ring.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	STREAM_IN_BYTES = 256 << 10,
	STREAM_OUT_BYTES = RING_SLOT_BYTES,
	STREAM_HEAD_BYTES = 10, /* enough to know every codec */
};

struct stream {
	int in_fd;
	struct ring_reader *source; /* NULL: in_fd has the bytes themselves */
	int out_fd;
	uint64_t max_ratio;
	struct progress *progress; /* NULL: nobody looks on */
	bool forbids_codecs;	   /* what comes out may not be compressed again */

	unsigned char *in; /* STREAM_IN_BYTES */
	size_t in_at;	   /* the next byte that no codec has seen */
	size_t in_end;
	bool in_ended;
	uint64_t in_total;

	unsigned char *out; /* STREAM_OUT_BYTES of stream_open_out(): where a decoder writes to */
	struct ring_writer *ring; /* NULL: out is of malloc(3), and is written to out_fd */
	bool has_slot;		  /* of the ring, at out */
	uint64_t out_total;
	unsigned char head[STREAM_HEAD_BYTES]; /* of what came out */
	size_t head_bytes;
};

/*
 * Waits until at least count bytes (at most STREAM_IN_BYTES) lie at in_at, or
 * the end; returns how many do, or -errno.
 */
ssize_t stream_need(struct stream *stream, size_t count, struct oakum_error *err);

/* Before each call of a decoder: waits for room in out; 0 or -EPIPE. */
int stream_open_out(struct stream *stream, struct oakum_error *err);

/* Puts into out what comes next, as it is: how many bytes, 0 at the end, or -errno. */
ssize_t stream_hand_on(struct stream *stream, struct oakum_error *err);

/* Sends on what out begins with, after which it is not open; 0 or -errno: -EFBIG at the ratio,
 * -EPIPE. */
int stream_put(struct stream *stream, size_t count, struct oakum_error *err);

/* What one call of a library's decoder did. */
struct stream_step {
	size_t taken_bytes; /* of what lies at in_at */
	size_t made_bytes;  /* in out */
	bool has_ended;	    /* the frame, member or stream */
};

/* One such call; fills *step, which comes zeroed. 0 or -errno. */
typedef int stream_decoder(
	struct stream *stream, void *context, struct stream_step *step, struct oakum_error *err);

/*
 * Calls decode until it says that its frame has ended, with input before each
 * call and its output sent on after it. A layer that ends before, and a decoder
 * that stands still, are damage: nothing can make this loop wait for itself.
 */
int stream_decode(struct stream *stream, const char *op, stream_decoder *decode, void *context,
	struct oakum_error *err);

/* All that is left must be zeros: padding of tapes and of block devices. */
int stream_expect_zeros(struct stream *stream, const char *op, struct oakum_error *err);

/* -EBADMSG: the layer is cut off. */
int stream_cut_off(const struct stream *stream, const char *op, struct oakum_error *err);

/* -EBADMSG: what the codec says of the byte where it stands. */
int stream_damaged(
	const struct stream *stream, const char *op, const char *why, struct oakum_error *err);

/* -EFBIG: the window that a header asks for. */
int stream_window_too_large(uint64_t max_window_bytes, const char *op, struct oakum_error *err);

#endif
