/* SPDX-License-Identifier: Apache-2.0 */
#include "decompressor/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A plain tar: handed on as it is; the reader of tar will judge it. */
static int hand_on(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	(void)arena;
	(void)max_window_bytes;
	for (;;) {
		int r = stream_open_out(stream, err);
		if (r < 0)
			return r;
		ssize_t have = stream_hand_on(stream, err);
		if (have <= 0)
			return (int)have;
		r = stream_put(stream, (size_t)have, err);
		if (r < 0)
			return r;
	}
}

const struct codec codec_none = {
	.id = OAKUM_COMPRESSION_NONE,
	.name = "none",
	.engine = OAKUM_ENGINE_NONE,
	.decode = hand_on,
};

struct magic {
	const struct codec *codec;
	const char *bytes;
	size_t length;
	const char *mask; /* which bits count, if not all */
};

/*
 * No magic may be the start of a name that people give a file: a plain tar
 * starts with one. So of bzip2 all ten bytes count, with its first block's.
 */
static const struct magic magics[] = {
	{ &codec_gzip, "\x1f\x8b", 2, NULL },
	{ &codec_zstd, "\x28\xb5\x2f\xfd", 4, NULL },
	/* A skippable frame first: zstd:chunked and pzstd do that. */
	{ &codec_zstd, "\x50\x2a\x4d\x18", 4, "\xf0\xff\xff\xff" },
	{ &codec_xz, "\xfd\x37\x7a\x58\x5a\x00", 6, NULL },
	{ &codec_bzip2, "\x42\x5a\x68\x30\x31\x41\x59\x26\x53\x59", 10,
		"\xff\xff\xff\xf0\xff\xff\xff\xff\xff\xff" },
	/* No block at all. */
	{ &codec_bzip2, "\x42\x5a\x68\x30\x17\x72\x45\x38\x50\x90", 10,
		"\xff\xff\xff\xf0\xff\xff\xff\xff\xff\xff" },
	{ &codec_lz4, "\x04\x22\x4d\x18", 4, NULL },
	/* The legacy format, which codec_lz4 refuses with a sentence. */
	{ &codec_lz4, "\x02\x21\x4c\x18", 4, NULL },
};

/* As far as both reach. */
static bool agrees(const struct magic *magic, const unsigned char *head, size_t length)
{
	for (size_t i = 0; i < length && i < magic->length; i++) {
		unsigned int mask = magic->mask == NULL ? 0xff : (unsigned char)magic->mask[i];
		if ((head[i] & mask) != ((unsigned char)magic->bytes[i] & mask))
			return false;
	}
	return true;
}

const struct codec *codec_detect(const unsigned char *head, size_t length)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (length >= magics[i].length && agrees(&magics[i], head, length))
			return magics[i].codec;
	}
	return &codec_none;
}

bool codec_is_cut_off(const unsigned char *head, size_t length)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (length > 0 && length < magics[i].length && agrees(&magics[i], head, length))
			return true;
	}
	return false;
}

uint32_t codec_magic(const struct stream *stream)
{
	const unsigned char *at = stream->in + stream->in_at;

	if (stream->in_end - stream->in_at < 4)
		return 0;
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

int codec_gzip_next_member(struct stream *stream, struct oakum_error *err)
{
	ssize_t have = stream_need(stream, 2, err);

	if (have < 0)
		return (int)have;
	if (have >= 2 && memcmp(stream->in + stream->in_at, "\x1f\x8b", 2) == 0)
		return 1;
	return stream_expect_zeros(stream, "inflate", err);
}
