/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard (RFC 8878): any number of frames, skippable ones anywhere. */
#define ZSTD_STATIC_LINKING_ONLY /* a context in memory of our own, that never grows */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { FRAME_MAGIC_BYTES = 4 };

static int damaged(
	struct stream *stream, size_t status, uint64_t max_window_bytes, struct oakum_error *err)
{
	if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
		return stream_window_too_large(max_window_bytes, "zstd", err);
	return stream_damaged(stream, "zstd", ZSTD_getErrorName(status), err);
}

static int decode_frame(struct stream *stream, ZSTD_DCtx *context, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	ZSTD_outBuffer out = { .dst = stream->out, .size = STREAM_OUT_BYTES };
	size_t status = 1;

	while (status != 0) {
		/* A full buffer may mean that there is more to come without any input. */
		ssize_t have = stream_need(stream, out.pos < out.size, err);
		if (have < 0)
			return (int)have;
		if (have == 0 && out.pos < out.size)
			return stream_cut_off(stream, "zstd", err);
		ZSTD_inBuffer in = { .src = stream->in + stream->in_at, .size = (size_t)have };
		out.pos = 0;
		status = ZSTD_decompressStream(context, &out, &in);
		stream->in_at += in.pos;
		if (ZSTD_isError(status))
			return damaged(stream, status, max_window_bytes, err);
		int r = stream_put(stream, out.pos, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int decode_frames(struct stream *stream, ZSTD_DCtx *context, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	for (;;) {
		ssize_t have = stream_need(stream, FRAME_MAGIC_BYTES, err);
		if (have < 0)
			return (int)have;
		uint32_t magic = codec_magic(stream);
		if (magic != ZSTD_MAGICNUMBER && !codec_is_skippable(magic))
			return stream_expect_zeros(stream, "zstd", err);
		int r = decode_frame(stream, context, max_window_bytes, err);
		if (r < 0)
			return r;
	}
}

int codec_zstd(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	const uint64_t most = UINT64_C(1) << ZSTD_WINDOWLOG_MAX;
	size_t window = (size_t)(max_window_bytes < most ? max_window_bytes : most);
	size_t bytes = ZSTD_estimateDStreamSize(window);
	void *memory = arena_take(arena, bytes);
	ZSTD_DCtx *context = memory == NULL ? NULL : ZSTD_initStaticDCtx(memory, bytes);

	if (context == NULL)
		return fail(err, ENOMEM, "zstd", NULL);
	if (ZSTD_isError(ZSTD_DCtx_setMaxWindowSize(context, window)))
		return stream_window_too_large(max_window_bytes, "zstd", err);
	return decode_frames(stream, context, max_window_bytes, err);
}
