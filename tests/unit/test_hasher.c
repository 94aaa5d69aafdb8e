/* SPDX-License-Identifier: Apache-2.0 */
/* The hasher: what is passed on is what was read, and its digest is there if it was all. */
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"
#include "hasher/hasher.h"
#include "support/scratch.h"
#include "support/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void expected_digest(const void *bytes, size_t length, char text[DIGEST_TEXT_BYTES])
{
	struct sha256 sha;
	char digits[SHA256_TEXT_BYTES];

	sha256_init(&sha);
	sha256_add(&sha, bytes, length);
	sha256_text(&sha, digits);
	snprintf(text, DIGEST_TEXT_BYTES, "sha256:%s", digits);
}

static void a_digest_is_written_and_taken_in_one_way_only(void **state)
{
	static const char good[] =
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	char text[DIGEST_TEXT_BYTES + 1];

	(void)state;
	expected_digest("abc", 3, text);
	assert_string_equal(text, good);
	assert_true(digest_is_good(good));
	assert_false(digest_is_good(""));
	assert_false(digest_is_good("sha256:"));
	assert_false(digest_is_good("sha512:ba78"));
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		memcpy(text, good, sizeof(good));
		text[at] = at % 2 == 0 ? 'G' : '\0';
		assert_false(digest_is_good(text));
	}
	memcpy(text, good, sizeof(good));
	text[70] = 'D'; /* capital letters are another spelling */
	assert_false(digest_is_good(text));
	memcpy(text, good, sizeof(good));
	text[71] = '0';
	text[72] = '\0';
	assert_false(digest_is_good(text));
}

static void every_byte_is_passed_on_and_counted(void **state)
{
	static const size_t lengths[] = { 0, 1, 63, 64, 65, 262143, 262144, 262145, 1000003 };
	static unsigned char bytes[1000003];
	static unsigned char passed[sizeof(bytes) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * i >> 3);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char expected[DIGEST_TEXT_BYTES];
		char digest[DIGEST_TEXT_BYTES];
		struct oakum_error err;
		cleanup_fd int input_fd = memory_file(bytes, lengths[i]);
		cleanup_fd int output_fd = memory_file("", 0);
		const struct hasher_options options = { .input_fd = input_fd,
			.output_fd = output_fd,
			.input_name = "layer",
			.reads_on = false };
		assert_int_equal(hasher_run(&options, digest, &err), 0);
		expected_digest(bytes, lengths[i], expected);
		assert_string_equal(digest, expected);
		assert_int_equal(pread(output_fd, passed, sizeof(passed), 0), lengths[i]);
		assert_memory_equal(passed, bytes, lengths[i]);
	}
}

struct feed {
	int fd;
	const char *bytes;
	size_t length;
};

static void *feed_slowly(void *argument)
{
	struct feed *feed = argument;

	for (size_t at = 0; at < feed->length; at += 100) {
		size_t part = feed->length - at < 100 ? feed->length - at : 100;
		if (fd_write_all(feed->fd, feed->bytes + at, part) < 0)
			abort();
		usleep(100);
	}
	close(feed->fd);
	return NULL;
}

static void a_slow_source_that_does_not_block_is_waited_for(void **state)
{
	static char bytes[5000];
	char expected[DIGEST_TEXT_BYTES];
	char digest[DIGEST_TEXT_BYTES];
	struct oakum_error err;
	pthread_t feeder;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	cleanup_fd int output_fd = memory_file("", 0);
	struct feed feed = { fds[1], bytes, sizeof(bytes) };
	const struct hasher_options options = {
		.input_fd = fds[0], .output_fd = output_fd, .input_name = "layer", .reads_on = false
	};
	assert_int_equal(pthread_create(&feeder, NULL, feed_slowly, &feed), 0);
	assert_int_equal(hasher_run(&options, digest, &err), 0);
	pthread_join(feeder, NULL);
	expected_digest(bytes, sizeof(bytes), expected);
	assert_string_equal(digest, expected);
	close(fds[0]);
}

static void without_a_reader_it_reads_on_only_if_it_is_asked_to(void **state)
{
	static char bytes[600000];
	char expected[DIGEST_TEXT_BYTES];
	char digest[DIGEST_TEXT_BYTES];
	struct oakum_error err;
	int fds[2];

	(void)state;
	expected_digest(bytes, sizeof(bytes), expected);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	for (int reads_on = 0; reads_on < 2; reads_on++) {
		cleanup_fd int input_fd = memory_file(bytes, sizeof(bytes));
		const struct hasher_options options = { .input_fd = input_fd,
			.output_fd = fds[1],
			.input_name = "layer",
			.reads_on = reads_on == 1 };
		assert_int_equal(hasher_run(&options, digest, &err), -EPIPE);
		assert_string_equal(err.op, "write");
		assert_string_equal(digest, reads_on == 1 ? expected : "");
	}
	close(fds[1]);
}

static void a_source_that_fails_has_no_digest(void **state)
{
	char digest[DIGEST_TEXT_BYTES] = "something";
	struct oakum_error err;

	(void)state;
	cleanup_fd int input_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int output_fd = memory_file("", 0);
	const struct hasher_options options = { .input_fd = input_fd,
		.output_fd = output_fd,
		.input_name = "layer",
		.reads_on = true };
	assert_int_equal(hasher_run(&options, digest, &err), -EPIPE);
	assert_string_equal(err.op, "read");
	assert_non_null(strstr(err.detail, "the source of the layer failed after byte 0: Is a"));
	assert_string_equal(digest, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_is_written_and_taken_in_one_way_only),
		cmocka_unit_test(every_byte_is_passed_on_and_counted),
		cmocka_unit_test(a_slow_source_that_does_not_block_is_waited_for),
		cmocka_unit_test(without_a_reader_it_reads_on_only_if_it_is_asked_to),
		cmocka_unit_test(a_source_that_fails_has_no_digest),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
