/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pack.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static void must(int is_so, const char *what)
{
	if (!is_so) {
		fprintf(stderr, "pack: %s failed\n", what);
		abort();
	}
}

static struct packed room_for(size_t length)
{
	struct packed packed = { .length = length + length / 2 + 65536 };

	packed.bytes = malloc(packed.length);
	must(packed.bytes != NULL, "malloc");
	return packed;
}

struct packed pack_gzip(const void *bytes, size_t length)
{
	struct packed packed = room_for(length);
	z_stream zlib = {
		.next_in = (unsigned char *)(size_t)bytes,
		.avail_in = (unsigned int)length,
		.next_out = packed.bytes,
		.avail_out = (unsigned int)packed.length,
	};

	must(deflateInit2(&zlib, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0) == Z_OK, "deflateInit2");
	must(deflate(&zlib, Z_FINISH) == Z_STREAM_END, "deflate");
	packed.length = zlib.total_out;
	deflateEnd(&zlib);
	return packed;
}

struct packed pack_zstd_window(const void *bytes, size_t length, int window_log)
{
	struct packed packed = room_for(length);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = { .src = bytes, .size = length };
	ZSTD_outBuffer out = { .dst = packed.bytes, .size = packed.length };

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	if (window_log > 0)
		ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
	/* In two calls, so that the window is not cut down to what is there. */
	must(!ZSTD_isError(ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue)), "zstd");
	must(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end) == 0, "zstd");
	packed.length = out.pos;
	ZSTD_freeCCtx(context);
	return packed;
}

struct packed pack_zstd(const void *bytes, size_t length)
{
	return pack_zstd_window(bytes, length, 0);
}

struct packed pack_xz_dictionary(const void *bytes, size_t length, unsigned int dictionary)
{
	struct packed packed = room_for(length);
	lzma_options_lzma options;
	lzma_filter filters[] = {
		{ .id = LZMA_FILTER_LZMA2, .options = &options },
		{ .id = LZMA_VLI_UNKNOWN },
	};
	size_t out = 0;

	must(!lzma_lzma_preset(&options, 0), "lzma_lzma_preset");
	if (dictionary > 0)
		options.dict_size = dictionary;
	must(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, NULL, bytes, length, packed.bytes,
		     &out, packed.length) == LZMA_OK,
		"xz");
	packed.length = out;
	return packed;
}

struct packed pack_xz(const void *bytes, size_t length)
{
	return pack_xz_dictionary(bytes, length, 0);
}

struct packed pack_bzip2(const void *bytes, size_t length)
{
	struct packed packed = room_for(length);
	unsigned int out = (unsigned int)packed.length;

	must(BZ2_bzBuffToBuffCompress((char *)packed.bytes, &out, (char *)(size_t)bytes,
		     (unsigned int)length, 1, 0, 0) == BZ_OK,
		"bzip2");
	packed.length = out;
	return packed;
}

struct packed pack_lz4(const void *bytes, size_t length)
{
	struct packed packed = room_for(length);
	const LZ4F_preferences_t preferences = {
		.frameInfo = { .contentChecksumFlag = LZ4F_contentChecksumEnabled },
	};

	packed.length =
		LZ4F_compressFrame(packed.bytes, packed.length, bytes, length, &preferences);
	must(!LZ4F_isError(packed.length), "lz4");
	return packed;
}

void pack_append(struct packed *packed, const void *more, size_t length)
{
	packed->bytes = realloc(packed->bytes, packed->length + length);
	must(packed->bytes != NULL, "realloc");
	memcpy(packed->bytes + packed->length, more, length);
	packed->length += length;
}
