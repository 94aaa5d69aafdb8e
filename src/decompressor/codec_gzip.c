/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952): any number of members, by zlib, which checks header, CRC-32 and length. */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum {
	WINDOW_BYTES = 32 << 10,
	GZIP_ONLY = 16 + MAX_WBITS,
};

static void *take(void *arena, unsigned int count, unsigned int bytes)
{
	return arena_take(arena, (size_t)count * bytes);
}

static void give(void *arena, void *taken)
{
	arena_give(arena, taken);
}

/* In the words of codec_gzip_isal.c: what a user reads does not depend on the engine. */
static const char *why(const char *of_zlib)
{
	if (of_zlib == NULL)
		return "the gzip data is damaged";
	if (strcmp(of_zlib, "incorrect data check") == 0 ||
		strcmp(of_zlib, "incorrect length check") == 0)
		return "a checksum or length is wrong";
	if (strstr(of_zlib, "header") != NULL || strstr(of_zlib, "method") != NULL)
		return "the gzip header is damaged";
	return "the gzip data is damaged";
}

static int inflate_some(
	struct stream *stream, void *context, struct stream_step *step, struct oakum_error *err)
{
	z_stream *zlib = context;
	size_t have = stream->in_end - stream->in_at;

	zlib->next_in = stream->in + stream->in_at;
	zlib->avail_in = (unsigned int)have;
	zlib->next_out = stream->out;
	zlib->avail_out = STREAM_OUT_BYTES;
	int status = inflate(zlib, Z_NO_FLUSH);
	/* Z_BUF_ERROR is not one: there was nothing to do. */
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
		stream->in_at = stream->in_end - zlib->avail_in;
		return stream_damaged(stream, "inflate", why(zlib->msg), err);
	}
	step->taken_bytes = have - zlib->avail_in;
	step->made_bytes = STREAM_OUT_BYTES - zlib->avail_out;
	step->has_ended = status == Z_STREAM_END;
	return 0;
}

static int inflate_members(struct stream *stream, z_stream *zlib, struct oakum_error *err)
{
	for (;;) {
		int r = stream_decode(stream, "inflate", inflate_some, zlib, err);
		if (r < 0)
			return r;
		r = codec_gzip_next_member(stream, err);
		if (r <= 0)
			return r;
		inflateReset(zlib);
	}
}

static int decode_layer(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	z_stream zlib = { .zalloc = take, .zfree = give, .opaque = arena };

	if (max_window_bytes < WINDOW_BYTES)
		return stream_window_too_large(max_window_bytes, "inflate", err);
	if (inflateInit2(&zlib, GZIP_ONLY) != Z_OK)
		return fail(err, ENOMEM, "inflate", NULL);
	int r = inflate_members(stream, &zlib, err);
	inflateEnd(&zlib);
	return r;
}

const struct codec codec_gzip = {
	.id = OAKUM_COMPRESSION_GZIP,
	.name = "gzip",
	.engine = OAKUM_ENGINE_ZLIB,
	.decode = decode_layer,
};
