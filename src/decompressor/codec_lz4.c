/* SPDX-License-Identifier: Apache-2.0 */
/* LZ4 frames (format 1.6.2): any number, skippable ones between them; the legacy format is refused.
 */
#define LZ4F_STATIC_LINKING_ONLY /* a context in memory of our own */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <lz4frame.h>

enum {
	FRAME_MAGIC_BYTES = 4,
	FLAGS_AT = 4, /* right behind it */
	HAS_DICTIONARY = 1,
	WINDOW_BYTES = 8 << 20, /* two blocks of the largest size, and what goes with them */
};

static const uint32_t frame_magic = 0x184d2204;
static const uint32_t legacy_magic = 0x184c2102;

static void *take(void *arena, size_t bytes)
{
	return arena_take(arena, bytes);
}

static void *take_zeroed(void *arena, size_t bytes)
{
	return arena_take_zeroed(arena, bytes);
}

static void give(void *arena, void *taken)
{
	arena_give(arena, taken);
}

static int decode_some(
	struct stream *stream, void *context, struct stream_step *step, struct oakum_error *err)
{
	size_t in_bytes = stream->in_end - stream->in_at;
	size_t out_bytes = STREAM_OUT_BYTES;
	size_t status = LZ4F_decompress(
		context, stream->out, &out_bytes, stream->in + stream->in_at, &in_bytes, NULL);

	if (LZ4F_isError(status))
		return stream_damaged(stream, "lz4", LZ4F_getErrorName(status), err);
	step->taken_bytes = in_bytes;
	step->made_bytes = out_bytes;
	step->has_ended = status == 0;
	return 0;
}

/* liblz4 would go on without the dictionary and make something else of the data. */
static int refuse_dictionary(struct stream *stream, struct oakum_error *err)
{
	ssize_t have = stream_need(stream, FLAGS_AT + 1, err);

	if (have < 0)
		return (int)have;
	if (have > FLAGS_AT && (stream->in[stream->in_at + FLAGS_AT] & HAS_DICTIONARY) != 0)
		return stream_damaged(
			stream, "lz4", "it needs a dictionary, which no layer has", err);
	return 0;
}

static int decode_frames(struct stream *stream, LZ4F_dctx *context, struct oakum_error *err)
{
	for (;;) {
		ssize_t have = stream_need(stream, FRAME_MAGIC_BYTES, err);
		if (have < 0)
			return (int)have;
		uint32_t magic = codec_magic(stream);
		if (magic == legacy_magic)
			return stream_damaged(stream, "lz4",
				"it is of the legacy format, which has no checksums", err);
		if (magic != frame_magic && !codec_is_skippable(magic))
			return stream_expect_zeros(stream, "lz4", err);
		int r = magic == frame_magic ? refuse_dictionary(stream, err) : 0;
		if (r == 0)
			r = stream_decode(stream, "lz4", decode_some, context, err);
		if (r < 0)
			return r;
	}
}

static int decode_layer(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	const LZ4F_CustomMem memory = {
		.customAlloc = take,
		.customCalloc = take_zeroed,
		.customFree = give,
		.opaqueState = arena,
	};
	LZ4F_dctx *context;

	if (max_window_bytes < WINDOW_BYTES)
		return stream_window_too_large(max_window_bytes, "lz4", err);
	context = LZ4F_createDecompressionContext_advanced(memory, LZ4F_VERSION);
	if (context == NULL)
		return fail(err, ENOMEM, "lz4", NULL);
	int r = decode_frames(stream, context, err);
	LZ4F_freeDecompressionContext(context);
	return r;
}

const struct codec codec_lz4 = {
	.id = OAKUM_COMPRESSION_LZ4,
	.name = "lz4",
	.engine = OAKUM_ENGINE_LIBLZ4,
	.decode = decode_layer,
};
