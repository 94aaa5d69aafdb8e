/* SPDX-License-Identifier: Apache-2.0 */
#include "decompressor/codec.h"

#include <stddef.h>
#include <string.h>

/* A plain tar: handed on as it is; the reader of tar will judge it. */
static int codec_none(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	unsigned char *out = stream->out;

	(void)arena;
	(void)max_window_bytes;
	for (;;) {
		ssize_t have = stream_need(stream, 1, err);
		if (have <= 0)
			return (int)have;
		stream->out = stream->in + stream->in_at;
		int r = stream_put(stream, (size_t)have, err);
		stream->out = out;
		if (r < 0)
			return r;
		stream->in_at = stream->in_end;
	}
}

struct magic {
	struct codec codec;
	const char *bytes;
	size_t length;
	unsigned char mask; /* of the first byte */
};

static const struct magic magics[] = {
	{ { OAKUM_COMPRESSION_GZIP, "gzip", codec_gzip }, "\x1f\x8b", 2, 0xff },
	{ { OAKUM_COMPRESSION_ZSTD, "zstd", codec_zstd }, "\x28\xb5\x2f\xfd", 4, 0xff },
	/* A skippable frame first: zstd:chunked and pzstd do that. */
	{ { OAKUM_COMPRESSION_ZSTD, "zstd", codec_zstd }, "\x50\x2a\x4d\x18", 4, 0xf0 },
	{ { OAKUM_COMPRESSION_XZ, "xz", codec_xz },
		"\xfd"
		"7zXZ\0",
		6, 0xff },
	{ { OAKUM_COMPRESSION_BZIP2, "bzip2", codec_bzip2 }, "BZh", 3, 0xff },
	{ { OAKUM_COMPRESSION_LZ4, "lz4", codec_lz4 }, "\x04\x22\x4d\x18", 4, 0xff },
	/* The legacy format, which codec_lz4() refuses with a sentence. */
	{ { OAKUM_COMPRESSION_LZ4, "lz4", codec_lz4 }, "\x02\x21\x4c\x18", 4, 0xff },
};

static const struct codec none = { OAKUM_COMPRESSION_NONE, "none", codec_none };

const struct codec *codec_detect(const unsigned char *head, size_t length)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *magic = &magics[i];
		if (length >= magic->length &&
			(head[0] & magic->mask) == (unsigned char)magic->bytes[0] &&
			memcmp(head + 1, magic->bytes + 1, magic->length - 1) == 0)
			return &magic->codec;
	}
	return &none;
}

uint32_t codec_magic(const struct stream *stream)
{
	const unsigned char *at = stream->in + stream->in_at;

	if (stream->in_end - stream->in_at < 4)
		return 0;
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}
