/* SPDX-License-Identifier: Apache-2.0 */
#include "decompressor/stream.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/ratio.h"
#include "decompressor/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* One code for all that can become of a source, whichever way it came: EPIPE, as oakum.h says. */
static int source_failed(const struct stream *stream, int code, struct oakum_error *err)
{
	return fail_because(err, EPIPE, "read", NULL,
		"the source of the layer failed after byte %" PRIu64 ": %s", stream->in_total,
		error_reason(code));
}

/* How many bytes came, counted; 0 at the end, or -errno. */
static ssize_t read_source(
	struct stream *stream, unsigned char *to, size_t room, struct oakum_error *err)
{
	ssize_t got = stream->source != NULL ? ring_reader_take(stream->source, to, room, -1)
					     : fd_read(stream->in_fd, to, room);

	if (got < 0)
		return source_failed(stream, (int)-got, err);
	stream->in_ended = got == 0;
	stream->in_total += (size_t)got;
	if (stream->progress != NULL)
		progress_show(&stream->progress->layer_bytes, stream->in_total);
	return got;
}

ssize_t stream_need(struct stream *stream, size_t count, struct oakum_error *err)
{
	while (stream->in_end - stream->in_at < count && !stream->in_ended) {
		if (stream->in_at > 0) {
			memmove(stream->in, stream->in + stream->in_at,
				stream->in_end - stream->in_at);
			stream->in_end -= stream->in_at;
			stream->in_at = 0;
		}
		ssize_t got = read_source(
			stream, stream->in + stream->in_end, STREAM_IN_BYTES - stream->in_end, err);
		if (got < 0)
			return got;
		stream->in_end += (size_t)got;
	}
	return (ssize_t)(stream->in_end - stream->in_at);
}

ssize_t stream_hand_on(struct stream *stream, struct oakum_error *err)
{
	const size_t waiting = stream->in_end - stream->in_at;

	_Static_assert(STREAM_IN_BYTES <= (int)STREAM_OUT_BYTES, "what waits fits");
	if (waiting == 0)
		return stream->in_ended ? 0
					: read_source(stream, stream->out, STREAM_OUT_BYTES, err);
	memcpy(stream->out, stream->in + stream->in_at, waiting);
	stream->in_at = stream->in_end;
	return (ssize_t)waiting;
}

/* One filter only: a second one would be a second parser that nobody asked for. */
static int check_head(struct stream *stream, size_t count, struct oakum_error *err)
{
	size_t taken = STREAM_HEAD_BYTES - stream->head_bytes;

	if (taken == 0 || !stream->forbids_codecs)
		return 0;
	if (taken > count)
		taken = count;
	memcpy(stream->head + stream->head_bytes, stream->out, taken);
	stream->head_bytes += taken;
	if (codec_detect(stream->head, stream->head_bytes)->id == OAKUM_COMPRESSION_NONE)
		return 0;
	return fail_because(err, EBADMSG, "decompress", NULL,
		"the layer is compressed twice, with %s inside",
		codec_detect(stream->head, stream->head_bytes)->name);
}

static int write_failed(const struct stream *stream, int r, struct oakum_error *err)
{
	return fail_because(err, -r, "write", NULL,
		"the tar stream cannot be written on after byte %" PRIu64, stream->out_total);
}

int stream_open_out(struct stream *stream, struct oakum_error *err)
{
	if (stream->ring == NULL || stream->has_slot)
		return 0;
	int r = ring_writer_slot(stream->ring, &stream->out);
	stream->has_slot = r == 0;
	return r < 0 ? write_failed(stream, r, err) : 0;
}

static int send(struct stream *stream, size_t count)
{
	if (stream->ring == NULL)
		return fd_write_all(stream->out_fd, stream->out, count);
	stream->has_slot = false;
	return ring_writer_send(stream->ring, count);
}

int stream_put(struct stream *stream, size_t count, struct oakum_error *err)
{
	int r = check_head(stream, count, err);

	if (r < 0 || count == 0)
		return r;
	if (ratio_is_over(stream->in_total, stream->out_total + count, stream->max_ratio))
		return fail_because(err, EFBIG, "check limits", NULL,
			"more than the limit ratio=%" PRIu64 "; --limit ratio=N raises it",
			stream->max_ratio);
	r = send(stream, count);
	if (r < 0)
		return write_failed(stream, r, err);
	stream->out_total += count;
	if (stream->progress != NULL)
		progress_show(&stream->progress->stream_bytes, stream->out_total);
	return 0;
}

int stream_decode(struct stream *stream, const char *op, stream_decoder *decode, void *context,
	struct oakum_error *err)
{
	struct stream_step step = { 0 };

	while (!step.has_ended) {
		/* A full buffer may mean that there is more to come without any input. */
		bool was_full = step.made_bytes == STREAM_OUT_BYTES;
		ssize_t have = stream_need(stream, was_full ? 0 : 1, err);
		if (have < 0)
			return (int)have;
		if (have == 0 && !was_full)
			return stream_cut_off(stream, op, err);
		step = (struct stream_step){ 0 };
		int r = stream_open_out(stream, err);
		if (r == 0)
			r = decode(stream, context, &step, err);
		if (r < 0)
			return r;
		stream->in_at += step.taken_bytes;
		if (have > 0 && step.taken_bytes + step.made_bytes == 0 && !step.has_ended)
			return stream_damaged(stream, op, "the decoder stands still", err);
		r = stream_put(stream, step.made_bytes, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int stream_expect_zeros(struct stream *stream, const char *op, struct oakum_error *err)
{
	for (;;) {
		ssize_t have = stream_need(stream, 1, err);
		if (have <= 0)
			return (int)have;
		for (; stream->in_at < stream->in_end; stream->in_at++) {
			if (stream->in[stream->in_at] != 0)
				return stream_damaged(
					stream, op, "bytes that are no layer follow its end", err);
		}
	}
}

int stream_cut_off(const struct stream *stream, const char *op, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, op, NULL, "the layer is cut off after byte %" PRIu64,
		stream->in_total);
}

int stream_damaged(
	const struct stream *stream, const char *op, const char *why, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, op, NULL, "%s; near byte %" PRIu64 " of the layer", why,
		stream->in_total - (stream->in_end - stream->in_at));
}

int stream_window_too_large(uint64_t max_window_bytes, const char *op, struct oakum_error *err)
{
	return fail_because(err, EFBIG, op, NULL,
		"it asks for more memory than the limit window-bytes=%" PRIu64
		"; --limit window-bytes=N raises it",
		max_window_bytes);
}
