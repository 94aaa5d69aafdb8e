/* SPDX-License-Identifier: Apache-2.0 */
/* bzip2: any number of streams one behind the other. */
#include "base/error.h"
#include "decompressor/codec.h"

#include <bzlib.h>
#include <errno.h>
#include <string.h>

enum { WINDOW_BYTES = 4 << 20 }; /* for blocks of 900 kB, whatever the stream needs */

static void *take(void *arena, int count, int bytes)
{
	return arena_take(arena, (size_t)count * (size_t)bytes);
}

static void give(void *arena, void *taken)
{
	arena_give(arena, taken);
}

static int decode_some(struct stream *stream, bz_stream *bzip2, struct oakum_error *err)
{
	bzip2->next_in = (char *)stream->in + stream->in_at;
	bzip2->avail_in = (unsigned int)(stream->in_end - stream->in_at);
	bzip2->next_out = (char *)stream->out;
	bzip2->avail_out = STREAM_OUT_BYTES;
	int status = BZ2_bzDecompress(bzip2);
	stream->in_at = stream->in_end - bzip2->avail_in;
	if (status != BZ_OK && status != BZ_STREAM_END)
		return stream_damaged(stream, "bzip2", "the bzip2 data is damaged", err);
	int r = stream_put(stream, STREAM_OUT_BYTES - bzip2->avail_out, err);
	return r < 0 ? r : status == BZ_STREAM_END;
}

static int decode_one(struct stream *stream, struct arena *arena, struct oakum_error *err)
{
	bz_stream bzip2 = { .bzalloc = take, .bzfree = give, .opaque = arena };
	int r = 0;

	if (BZ2_bzDecompressInit(&bzip2, 0, 0) != BZ_OK)
		return fail(err, ENOMEM, "bzip2", NULL);
	bzip2.avail_out = STREAM_OUT_BYTES;
	while (r == 0) {
		ssize_t have = stream_need(stream, bzip2.avail_out > 0, err);
		if (have < 0)
			r = (int)have;
		else if (have == 0 && bzip2.avail_out > 0)
			r = stream_cut_off(stream, "bzip2", err);
		else
			r = decode_some(stream, &bzip2, err);
	}
	BZ2_bzDecompressEnd(&bzip2);
	return r < 0 ? r : 0;
}

int codec_bzip2(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	if (max_window_bytes < WINDOW_BYTES)
		return stream_window_too_large(max_window_bytes, "bzip2", err);
	for (;;) {
		int r = decode_one(stream, arena, err);
		if (r < 0)
			return r;
		ssize_t have = stream_need(stream, 3, err);
		if (have < 0)
			return (int)have;
		if (have < 3 || memcmp(stream->in + stream->in_at, "BZh", 3) != 0)
			return stream_expect_zeros(stream, "bzip2", err);
	}
}
