/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by ISA-L, twice as fast as zlib; built in place of codec_gzip.c where it is
 * installed. */
#include "base/error.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>

enum {
	WINDOW_BYTES = 32 << 10,
	FLAGS_AT = 3,	       /* of a member's header */
	RESERVED_FLAGS = 0xe0, /* RFC 1952, 2.3.1.2: an error, as nobody knows what they announce */
};

static const char *why(int status)
{
	switch (status) {
	case ISAL_INCORRECT_CHECKSUM:
		return "a checksum or length is wrong";
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD:
		return "the gzip header is damaged";
	default:
		return "the gzip data is damaged";
	}
}

/*
 * The header is read here and not by isal_inflate(), which forgets what it knew
 * of one that comes in pieces.
 */
struct member {
	struct inflate_state state;
	struct isal_gzip_header header;
	bool has_header;
};

static void begin_member(struct member *member)
{
	isal_inflate_init(&member->state);
	isal_gzip_header_init(&member->header);
	member->state.crc_flag = ISAL_GZIP_NO_HDR_VER; /* the trailer is its business */
	member->has_header = false;
}

static int advance(struct member *member)
{
	if (member->has_header)
		return isal_inflate(&member->state);
	int status = isal_read_gzip_header(&member->state, &member->header);
	member->has_header = status == ISAL_DECOMP_OK;
	return status;
}

static int inflate_some(
	struct stream *stream, void *context, struct stream_step *step, struct oakum_error *err)
{
	struct member *member = context;
	struct inflate_state *state = &member->state;
	size_t have = stream->in_end - stream->in_at;

	state->next_in = stream->in + stream->in_at;
	state->avail_in = (uint32_t)have;
	state->next_out = stream->out;
	state->avail_out = STREAM_OUT_BYTES;
	int status = advance(member);
	/* A header that is not all there yet is no error. */
	if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT) {
		stream->in_at = stream->in_end - state->avail_in;
		return stream_damaged(stream, "inflate", why(status), err);
	}
	step->taken_bytes = have - state->avail_in;
	step->made_bytes = STREAM_OUT_BYTES - state->avail_out;
	step->has_ended = member->has_header && state->block_state == ISAL_BLOCK_FINISH;
	return 0;
}

/* ISA-L passes over what it does not know. */
static int check_flags(struct stream *stream, struct oakum_error *err)
{
	ssize_t have = stream_need(stream, FLAGS_AT + 1, err);

	if (have < 0)
		return (int)have;
	if (have > FLAGS_AT && (stream->in[stream->in_at + FLAGS_AT] & RESERVED_FLAGS) != 0)
		return stream_damaged(stream, "inflate", why(ISAL_INVALID_WRAPPER), err);
	return 0;
}

static int decode_layer(struct stream *stream, struct arena *arena, uint64_t max_window_bytes,
	struct oakum_error *err)
{
	struct member *member = arena_take(arena, sizeof(*member));

	if (max_window_bytes < WINDOW_BYTES)
		return stream_window_too_large(max_window_bytes, "inflate", err);
	if (member == NULL)
		return fail(err, ENOMEM, "inflate", NULL);
	for (;;) {
		begin_member(member);
		int r = check_flags(stream, err);
		if (r < 0)
			return r;
		r = stream_decode(stream, "inflate", inflate_some, member, err);
		if (r < 0)
			return r;
		r = codec_gzip_next_member(stream, err);
		if (r <= 0)
			return r;
	}
}

const struct codec codec_gzip = {
	.id = OAKUM_COMPRESSION_GZIP,
	.name = "gzip",
	.engine = OAKUM_ENGINE_ISAL,
	.decode = decode_layer,
};
