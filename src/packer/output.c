/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/output.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "layer/storage_options.h"

#include <stdbool.h>
#include <zlib.h>
#include <zstd.h>

enum {
	GATHERED_BYTES = 256 << 10,
	COMPRESSED_BYTES = 256 << 10,
	GZIP_WINDOW_BITS = 15 + 16, /* zlib's way to ask for gzip's header */
	GZIP_MEMORY = 8,
	ZSTD_LEVEL = 3, /* what the Go library calls its default */
};

struct output {
	struct output_options options;
	uint64_t flushed_bytes; /* of what was gathered */
	uint64_t written_bytes;
	size_t length; /* gathered */
	z_stream gzip; /* .state NULL: not in use */
	ZSTD_CCtx *zstd;
	char gathered[GATHERED_BYTES];
	char compressed[COMPRESSED_BYTES];
};

static int write_out(struct output *output, const void *from, size_t bytes, struct oakum_error *err)
{
	int r = fd_write_all(output->options.stream_fd, from, bytes);

	if (r < 0)
		return fail(err, -r, "write", output->options.name);
	output->written_bytes += bytes;
	return 0;
}

static int write_gzip(struct output *output, bool is_end, struct oakum_error *err)
{
	z_stream *gzip = &output->gzip;

	gzip->next_in = (Bytef *)output->gathered;
	gzip->avail_in = (uInt)output->length;
	do {
		gzip->next_out = (Bytef *)output->compressed;
		gzip->avail_out = COMPRESSED_BYTES;
		if (deflate(gzip, is_end ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return fail(err, EINVAL, "deflate", NULL);
		int r = write_out(
			output, output->compressed, COMPRESSED_BYTES - gzip->avail_out, err);
		if (r < 0)
			return r;
	} while (gzip->avail_out == 0);
	return 0;
}

static int write_zstd(struct output *output, bool is_end, struct oakum_error *err)
{
	ZSTD_inBuffer in = { output->gathered, output->length, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { output->compressed, COMPRESSED_BYTES, 0 };
		left = ZSTD_compressStream2(
			output->zstd, &out, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return fail_because(
				err, EIO, "compress", NULL, "zstd: %s", ZSTD_getErrorName(left));
		int r = write_out(output, output->compressed, out.pos, err);
		if (r < 0)
			return r;
	} while (is_end ? left > 0 : in.pos < in.size);
	return 0;
}

static int flush(struct output *output, bool is_end, struct oakum_error *err)
{
	int r;

	if (output->options.compression == STORAGE_COMPRESSION_GZIP)
		r = write_gzip(output, is_end, err);
	else if (output->options.compression == STORAGE_COMPRESSION_ZSTD)
		r = write_zstd(output, is_end, err);
	else
		r = write_out(output, output->gathered, output->length, err);
	output->flushed_bytes += output->length;
	output->length = 0;
	return r;
}

char *output_room(struct output *output, size_t *room, struct oakum_error *err)
{
	if (output->length == GATHERED_BYTES && flush(output, false, err) < 0)
		return NULL;
	*room = GATHERED_BYTES - output->length;
	return output->gathered + output->length;
}

void output_advance(struct output *output, size_t bytes)
{
	output->length += bytes;
}

/* from NULL: zeros. */
static int put(struct output *output, const char *from, size_t bytes, struct oakum_error *err)
{
	while (bytes > 0) {
		size_t room;
		char *to = output_room(output, &room, err);
		if (to == NULL)
			return -err->code;
		size_t part = bytes < room ? bytes : room;
		if (from != NULL)
			memcpy(to, from, part);
		else
			memset(to, 0, part);
		output_advance(output, part);
		from = from == NULL ? NULL : from + part;
		bytes -= part;
	}
	return 0;
}

int output_write(struct output *output, const void *from, size_t bytes, struct oakum_error *err)
{
	return put(output, from, bytes, err);
}

int output_zeros(struct output *output, size_t bytes, struct oakum_error *err)
{
	return put(output, NULL, bytes, err);
}

uint64_t output_stream_bytes(const struct output *output)
{
	return output->flushed_bytes + output->length;
}

uint64_t output_written_bytes(const struct output *output)
{
	return output->written_bytes;
}

int output_finish(struct output *output, struct oakum_error *err)
{
	return flush(output, true, err);
}

static int open_gzip(struct output *output, struct oakum_error *err)
{
	const int level = output->options.level;

	/* The header has neither name nor time: zlib's own. */
	if (deflateInit2(&output->gzip, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
		    GZIP_WINDOW_BITS, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail(err, ENOMEM, "deflateInit2", NULL);
	return 0;
}

static int open_zstd(struct output *output, struct oakum_error *err)
{
	output->zstd = ZSTD_createCCtx();
	if (output->zstd == NULL)
		return fail(err, ENOMEM, "ZSTD_createCCtx", NULL);
	ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_compressionLevel,
		output->options.level == 0 ? ZSTD_LEVEL : output->options.level);
	ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_checksumFlag, 1);
	return 0;
}

static int open_compression(struct output *output, struct oakum_error *err)
{
	const char *extension = "";

	switch (output->options.compression) {
	case STORAGE_COMPRESSION_NONE:
		return 0;
	case STORAGE_COMPRESSION_GZIP:
		return open_gzip(output, err);
	case STORAGE_COMPRESSION_ZSTD:
		return open_zstd(output, err);
	case STORAGE_COMPRESSION_BZIP2:
		extension = "tar.bz2";
		break;
	case STORAGE_COMPRESSION_XZ:
		extension = "tar.xz";
		break;
	default: /* any number can be asked for; Go knows no name for it and says none */
		break;
	}
	return fail_because(err, EINVAL, "", NULL, "unsupported compression format %s", extension);
}

int output_open(
	const struct output_options *options, struct output **output, struct oakum_error *err)
{
	struct output *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare the output", NULL);
	new->options = *options;
	int r = open_compression(new, err);
	if (r < 0) {
		output_free(new);
		return r;
	}
	*output = new;
	return 0;
}

void output_free(struct output *output)
{
	if (output == NULL)
		return;
	if (output->gzip.state != NULL)
		deflateEnd(&output->gzip);
	ZSTD_freeCCtx(output->zstd);
	free(output);
}
