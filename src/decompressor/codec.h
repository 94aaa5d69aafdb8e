/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codecs: name, magic, decode. */
#ifndef OAKUM_DECOMPRESSOR_CODEC_H
#define OAKUM_DECOMPRESSOR_CODEC_H

#include "decompressor/arena.h"
#include "decompressor/stream.h"

struct codec {
	enum oakum_compression id;
	const char *name;
	enum oakum_engine engine;
	/*
	 * From the layer's first byte to its end: 0 only when every checksum and
	 * trailer was right and nothing but what the format allows follows. Takes
	 * memory from the arena alone. System calls, for every codec the same: read
	 * and write, and poll where a descriptor is non-blocking; with threads also
	 * those by which they wait for each other.
	 */
	int (*decode)(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
		struct oakum_error *err);
};

/* The codec that a layer starting with these bytes is for; "none" when it is no other's. */
const struct codec *codec_detect(const unsigned char *head, size_t length);

/* Is this, as the whole of a layer, a magic that was cut off? */
bool codec_is_cut_off(const unsigned char *head, size_t length);

/* A frame's magic number, little-endian, of the next four bytes; 0 if there are fewer. */
uint32_t codec_magic(const struct stream *stream);

/* zstd and LZ4 agree on frames that readers pass over. */
static inline bool codec_is_skippable(uint32_t magic)
{
	return (magic & 0xfffffff0) == 0x184d2a50;
}

/* Starts the threads of the codecs that have any, which then wait; 0 or -errno. */
int codec_xz_start_threads(unsigned int count, struct oakum_error *err);

/* After a member of gzip: 1 if another follows, 0 at a good end of the layer, or -errno. */
int codec_gzip_next_member(struct stream *stream, struct oakum_error *err);

extern const struct codec codec_none; /* a plain tar */
extern const struct codec codec_gzip;
extern const struct codec codec_zstd;
extern const struct codec codec_xz;
extern const struct codec codec_bzip2;
extern const struct codec codec_lz4;

#endif
