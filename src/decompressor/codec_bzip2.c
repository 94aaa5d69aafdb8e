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

static int decode_some(
	struct stream *stream, void *context, struct stream_step *step, struct oakum_error *err)
{
	bz_stream *bzip2 = context;
	size_t have = stream->in_end - stream->in_at;

	bzip2->next_in = (char *)stream->in + stream->in_at;
	bzip2->avail_in = (unsigned int)have;
	bzip2->next_out = (char *)stream->out;
	bzip2->avail_out = STREAM_OUT_BYTES;
	int status = BZ2_bzDecompress(bzip2);
	if (status == BZ_MEM_ERROR)
		return fail(err, ENOMEM, "bzip2", NULL);
	if (status != BZ_OK && status != BZ_STREAM_END)
		return stream_damaged(stream, "bzip2",
			"the bzip2 data is damaged, or its checksum does not match", err);
	step->taken_bytes = have - bzip2->avail_in;
	step->made_bytes = STREAM_OUT_BYTES - bzip2->avail_out;
	step->has_ended = status == BZ_STREAM_END;
	return 0;
}

static int decode_one(struct stream *stream, struct arena *arena, struct oakum_error *err)
{
	bz_stream bzip2 = { .bzalloc = take, .bzfree = give, .opaque = arena };

	if (BZ2_bzDecompressInit(&bzip2, 0, 0) != BZ_OK)
		return fail(err, ENOMEM, "bzip2", NULL);
	int r = stream_decode(stream, "bzip2", decode_some, &bzip2, err);
	BZ2_bzDecompressEnd(&bzip2);
	return r;
}

static int decode_layer(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
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

const struct codec codec_bzip2 = {
	.id = OAKUM_COMPRESSION_BZIP2,
	.name = "bzip2",
	.engine = OAKUM_ENGINE_LIBBZ2,
	.decode = decode_layer,
};
