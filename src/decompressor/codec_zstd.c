/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard (RFC 8878): any number of frames, skippable ones anywhere. */
#define ZSTD_STATIC_LINKING_ONLY /* a context in memory of our own, that never grows */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { FRAME_MAGIC_BYTES = 4 };

struct decoder {
	ZSTD_DCtx *zstd;
	uint64_t max_window_bytes;
};

static int decode_some(
	struct stream *stream, void *context, struct stream_step *step, struct oakum_error *err)
{
	const struct decoder *decoder = context;
	ZSTD_outBuffer out = { .dst = stream->out, .size = STREAM_OUT_BYTES };
	ZSTD_inBuffer in = {
		.src = stream->in + stream->in_at,
		.size = stream->in_end - stream->in_at,
	};
	size_t status = ZSTD_decompressStream(decoder->zstd, &out, &in);

	if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
		return stream_window_too_large(decoder->max_window_bytes, "zstd", err);
	if (ZSTD_isError(status))
		return stream_damaged(stream, "zstd", ZSTD_getErrorName(status), err);
	step->taken_bytes = in.pos;
	step->made_bytes = out.pos;
	step->has_ended = status == 0;
	return 0;
}

static int decode_frames(struct stream *stream, struct decoder *decoder, struct oakum_error *err)
{
	for (;;) {
		ssize_t have = stream_need(stream, FRAME_MAGIC_BYTES, err);
		if (have < 0)
			return (int)have;
		uint32_t magic = codec_magic(stream);
		if (magic != ZSTD_MAGICNUMBER && !codec_is_skippable(magic))
			return stream_expect_zeros(stream, "zstd", err);
		int r = stream_decode(stream, "zstd", decode_some, decoder, err);
		if (r < 0)
			return r;
	}
}

static int decode_layer(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	const uint64_t most = UINT64_C(1) << ZSTD_WINDOWLOG_MAX;
	size_t window = (size_t)(max_window_bytes < most ? max_window_bytes : most);
	size_t bytes = ZSTD_estimateDStreamSize(window);
	void *memory = arena_take(arena, bytes);
	struct decoder decoder = { .max_window_bytes = max_window_bytes };

	if (memory != NULL)
		decoder.zstd = ZSTD_initStaticDCtx(memory, bytes);
	if (decoder.zstd == NULL)
		return fail(err, ENOMEM, "zstd", NULL);
	if (ZSTD_isError(ZSTD_DCtx_setMaxWindowSize(decoder.zstd, window)))
		return stream_window_too_large(max_window_bytes, "zstd", err);
	return decode_frames(stream, &decoder, err);
}

const struct codec codec_zstd = {
	.id = OAKUM_COMPRESSION_ZSTD,
	.name = "zstd",
	.engine = OAKUM_ENGINE_LIBZSTD,
	.decode = decode_layer,
};
