/* SPDX-License-Identifier: Apache-2.0 */
#include "decompressor/decompressor.h"

#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <stdlib.h>

/* Beside the window: the codecs' own state, LZ4's blocks, and those that liblzma's threads hold. */
static const uint64_t arena_spare_bytes = 160 << 20;
static const uint64_t arena_max_bytes = UINT64_C(4) << 30;

struct decompressor {
	struct decompressor_options options;
	struct arena *arena;
	struct stream stream;
};

int decompressor_open(const struct decompressor_options *options,
	struct decompressor **decompressor, struct oakum_error *err)
{
	struct decompressor *new = calloc(1, sizeof(*new));
	uint64_t window = options->max_window_bytes;

	if (new == NULL)
		return fail(err, ENOMEM, "prepare decompressor", NULL);
	if (window > arena_max_bytes)
		window = arena_max_bytes;
	new->options = *options;
	new->stream = (struct stream){
		.in_fd = options->layer_fd,
		.source = options->source,
		.out_fd = options->stream_fd,
		.max_ratio = options->max_ratio,
		.progress = options->progress,
		.in = malloc(STREAM_IN_BYTES),
		.ring = options->ring,
		.out = options->ring == NULL ? malloc(STREAM_OUT_BYTES) : NULL,
	};
	new->arena = arena_new((size_t)(window + arena_spare_bytes));
	if (new->arena == NULL || new->stream.in == NULL ||
		(new->stream.out == NULL && options->ring == NULL)) {
		decompressor_close(&new);
		return fail_because(err, ENOMEM, "prepare decompressor", NULL,
			"no room for the window; --limit window-bytes=N lowers it");
	}
	*decompressor = new;
	return 0;
}

void decompressor_close(struct decompressor **decompressor)
{
	struct decompressor *old = *decompressor;

	*decompressor = NULL;
	if (old == NULL)
		return;
	arena_free(old->arena);
	free(old->stream.in);
	if (old->stream.ring == NULL)
		free(old->stream.out);
	free(old);
}

int decompressor_start_threads(unsigned int count, struct oakum_error *err)
{
	return codec_xz_start_threads(count, err);
}

static int run(
	struct decompressor *decompressor, struct oakum_stats *stats, struct oakum_error *err)
{
	const struct decompressor_options *options = &decompressor->options;
	struct stream *stream = &decompressor->stream;
	ssize_t have = stream_need(stream, STREAM_HEAD_BYTES, err);
	int r = 0;

	if (have < 0)
		return (int)have;
	const struct codec *codec = codec_detect(stream->in, (size_t)have);
	stats->compression = codec->id;
	stats->engine = codec->engine;
	if (have < STREAM_HEAD_BYTES && codec_is_cut_off(stream->in, (size_t)have))
		return stream_cut_off(stream, "decompress", err);
	stream->forbids_codecs = codec->id != OAKUM_COMPRESSION_NONE;
	if (options->narrow != NULL)
		r = options->narrow(options->narrow_context, codec->id, err);
	if (r < 0)
		return r;
	return codec->decode(stream, decompressor->arena, options->max_window_bytes, err);
}

int decompressor_run(
	struct decompressor *decompressor, struct oakum_stats *stats, struct oakum_error *err)
{
	int r = run(decompressor, stats, err);

	stats->layer_bytes = decompressor->stream.in_total;
	stats->stream_bytes = decompressor->stream.out_total;
	return r;
}
