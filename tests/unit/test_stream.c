/* SPDX-License-Identifier: Apache-2.0 */
/* Input, output and their ratio, with decoders that misbehave in every way they can. */
#include "decompressor/stream.h"

#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t gib = UINT64_C(1) << 30;

static struct stream stream;
static struct oakum_error err;

static int open_stream(void **state)
{
	(void)state;
	stream = (struct stream){
		.in_fd = memory_file("0123456789", 10),
		.out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.max_ratio = 2000,
		.in = malloc(STREAM_IN_BYTES),
		.out = calloc(1, STREAM_OUT_BYTES),
	};
	return stream.in == NULL || stream.out == NULL ? -1 : 0;
}

static int close_stream(void **state)
{
	(void)state;
	close(stream.in_fd);
	close(stream.out_fd);
	free(stream.in);
	free(stream.out);
	return 0;
}

static void the_ratio_counts_past_the_first_gigabyte_and_not_below(void **state)
{
	static const struct {
		uint64_t in_total, max_ratio, out_total;
		int r;
	} cases[] = {
		{ 1, 1, 0, 0 },
		{ 1, 1, (UINT64_C(1) << 30) - 1, 0 },
		{ 1, 1, UINT64_C(1) << 30, -EFBIG },
		{ 1 << 20, 1024, (UINT64_C(1) << 30) - 1, 0 },
		{ 1 << 20, 1025, UINT64_C(1) << 30, 0 },
		{ 1 << 20, 1025, (UINT64_C(1025) << 20) - 1, 0 },
		{ 1 << 20, 1025, UINT64_C(1025) << 20, -EFBIG },
		{ 1, 0, UINT64_C(1) << 40, -EFBIG },
		{ 1, UINT64_MAX, UINT64_MAX - 2, 0 },
		{ 2, UINT64_MAX, UINT64_MAX - 2, 0 },
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX - 2, 0 },
		{ UINT64_C(1) << 33, UINT64_C(1) << 31, UINT64_C(1) << 63, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stream.in_total = cases[i].in_total;
		stream.max_ratio = cases[i].max_ratio;
		stream.out_total = cases[i].out_total;
		int r = stream_put(&stream, 1, &err);
		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
		assert_int_equal(stream.out_total, cases[i].out_total + (r == 0));
	}
}

static void the_ratio_is_told_with_its_value(void **state)
{
	(void)state;
	stream.out_total = gib;
	stream.in_total = 1;
	assert_int_equal(stream_put(&stream, 1, &err), -EFBIG);
	assert_non_null(strstr(err.detail, "ratio=2000"));
}

static void what_could_not_be_written_is_not_counted(void **state)
{
	(void)state;
	close(stream.out_fd);
	stream.out_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(stream_put(&stream, 100, &err), -ENOSPC);
	assert_string_equal(err.op, "write");
	assert_int_equal(stream.out_total, 0);
}

static void a_read_that_fails_keeps_its_reason(void **state)
{
	(void)state;
	close(stream.in_fd);
	stream.in_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(stream_need(&stream, 1, &err), -EPIPE);
	assert_string_equal(err.op, "read");
	assert_non_null(strstr(err.detail, "byte 0: Is a directory"));
}

static void what_is_needed_comes_together_over_the_end_of_the_buffer(void **state)
{
	(void)state;
	assert_int_equal(stream_need(&stream, 4, &err), 10);
	stream.in_at = 8;
	assert_int_equal(stream_need(&stream, 4, &err), 2);
	assert_memory_equal(stream.in + stream.in_at, "89", 2);
	assert_int_equal(stream_need(&stream, STREAM_IN_BYTES, &err), 2);
	assert_int_equal(stream.in_total, 10);
}

/* Takes one byte a call, makes a full buffer out of every second one, ends with '9'. */
static int swell(
	struct stream *same, void *context, struct stream_step *step, struct oakum_error *unused)
{
	int *calls = context;

	(void)unused;
	step->taken_bytes = 1;
	step->made_bytes = *calls % 2 == 0 ? STREAM_OUT_BYTES : 0;
	step->has_ended = same->in[same->in_at] == '9';
	(*calls)++;
	return 0;
}

static int stand_still(
	struct stream *same, void *context, struct stream_step *step, struct oakum_error *unused)
{
	(void)same;
	(void)context;
	(void)step;
	(void)unused;
	return 0;
}

static int never_end(
	struct stream *same, void *context, struct stream_step *step, struct oakum_error *unused)
{
	(void)context;
	(void)unused;
	step->taken_bytes = same->in_end - same->in_at;
	step->made_bytes = 7;
	return 0;
}

/* Fills the buffer, then has nothing more and no input to go on with. */
static int fill_once(
	struct stream *same, void *context, struct stream_step *step, struct oakum_error *unused)
{
	int *calls = context;

	(void)unused;
	step->taken_bytes = same->in_end - same->in_at;
	step->made_bytes = (*calls)++ == 0 ? STREAM_OUT_BYTES : 0;
	return 0;
}

static void a_decoder_runs_until_it_says_that_it_has_ended(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(stream_decode(&stream, "test", swell, &calls, &err), 0);
	assert_int_equal(calls, 10);
	assert_int_equal(stream.in_at, 10);
	assert_int_equal(stream.out_total, 5 * STREAM_OUT_BYTES);
}

static void a_decoder_that_stands_still_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(stream_decode(&stream, "test", stand_still, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.detail, "stands still"));
}

static void a_decoder_that_never_ends_meets_the_end_of_the_layer(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(stream_decode(&stream, "test", never_end, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.detail, "cut off after byte 10"));
	assert_int_equal(stream_decode(&stream, "test", fill_once, &calls, &err), -EBADMSG);
	assert_non_null(strstr(err.detail, "cut off after byte 10"));
}

static int put(const unsigned char *bytes, size_t count)
{
	memcpy(stream.out, bytes, count);
	return stream_put(&stream, count, &err);
}

static void a_magic_in_the_output_is_known_even_when_it_comes_in_pieces(void **state)
{
	static const unsigned char magic[] = "\x28\xb5\x2f\xfd";

	(void)state;
	stream.forbids_codecs = true;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(put(magic + i, 1), 0);
	assert_int_equal(put(magic + 3, 1), -EBADMSG);
	assert_non_null(strstr(err.detail, "zstd"));
}

static void a_magic_later_in_the_output_is_content(void **state)
{
	static const unsigned char later[] = "0123456789\x28\xb5\x2f\xfd";

	(void)state;
	stream.forbids_codecs = true;
	assert_int_equal(put(later, 10), 0);
	assert_int_equal(put(later + 10, 4), 0);
}

int main(void)
{
#define with_stream(test) cmocka_unit_test_setup_teardown(test, open_stream, close_stream)
	const struct CMUnitTest tests[] = {
		with_stream(the_ratio_counts_past_the_first_gigabyte_and_not_below),
		with_stream(the_ratio_is_told_with_its_value),
		with_stream(what_could_not_be_written_is_not_counted),
		with_stream(a_read_that_fails_keeps_its_reason),
		with_stream(what_is_needed_comes_together_over_the_end_of_the_buffer),
		with_stream(a_decoder_runs_until_it_says_that_it_has_ended),
		with_stream(a_decoder_that_stands_still_is_an_error),
		with_stream(a_decoder_that_never_ends_meets_the_end_of_the_layer),
		with_stream(a_magic_in_the_output_is_known_even_when_it_comes_in_pieces),
		with_stream(a_magic_later_in_the_output_is_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
