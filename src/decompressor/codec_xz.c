/* SPDX-License-Identifier: Apache-2.0 */
/* xz (the .xz file format 1.1): any number of streams, padding between and after them. */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <lzma.h>

/*
 * What liblzma counts beside the dictionary: 65,592 bytes, and at most 3072 for
 * the filters in front. Kept close, so that the ceiling is the dictionary's.
 */
enum { OVERHEAD_BYTES = 68 << 10 };

static void *take(void *arena, size_t count, size_t bytes)
{
	return count > 0 && bytes > SIZE_MAX / count ? NULL : arena_take(arena, count * bytes);
}

static void give(void *arena, void *taken)
{
	arena_give(arena, taken);
}

static int told(
	struct stream *stream, lzma_ret status, uint64_t max_window_bytes, struct oakum_error *err)
{
	switch ((int)status) {
	case LZMA_MEMLIMIT_ERROR:
		return stream_window_too_large(max_window_bytes, "xz", err);
	case LZMA_MEM_ERROR:
		return fail(err, ENOMEM, "xz", NULL);
	case LZMA_BUF_ERROR:
		return stream_cut_off(stream, "xz", err);
	case LZMA_UNSUPPORTED_CHECK:
		return stream_damaged(
			stream, "xz", "its checksum is of a kind not known here", err);
	case LZMA_OPTIONS_ERROR:
		return stream_damaged(stream, "xz", "it uses a filter not known here", err);
	default:
		return stream_damaged(stream, "xz",
			"the xz data is damaged, or something else follows its end", err);
	}
}

static int decode(struct stream *stream, lzma_stream *lzma, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	lzma_ret status = LZMA_OK;

	while (status == LZMA_OK) {
		ssize_t have = stream_need(stream, 1, err);
		if (have < 0)
			return (int)have;
		lzma->next_in = stream->in + stream->in_at;
		lzma->avail_in = (size_t)have;
		lzma->next_out = stream->out;
		lzma->avail_out = STREAM_OUT_BYTES;
		status = lzma_code(lzma, stream->in_ended ? LZMA_FINISH : LZMA_RUN);
		stream->in_at = stream->in_end - lzma->avail_in;
		int r = stream_put(stream, stream->out, STREAM_OUT_BYTES - lzma->avail_out, err);
		if (r < 0)
			return r;
	}
	return status == LZMA_STREAM_END ? 0 : told(stream, status, max_window_bytes, err);
}

int codec_xz(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	const lzma_allocator allocator = { .alloc = take, .free = give, .opaque = arena };
	uint64_t limit = max_window_bytes > UINT64_MAX - OVERHEAD_BYTES
				 ? UINT64_MAX
				 : max_window_bytes + OVERHEAD_BYTES;
	lzma_stream lzma = LZMA_STREAM_INIT;

	lzma.allocator = &allocator;
	if (lzma_stream_decoder(&lzma, limit, LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) !=
		LZMA_OK)
		return fail(err, ENOMEM, "xz", NULL);
	int r = decode(stream, &lzma, max_window_bytes, err);
	lzma_end(&lzma);
	return r;
}
