/* SPDX-License-Identifier: Apache-2.0 */
/* Every codec, over real pipes: what is whole comes out whole, and nothing else is a success. */
#include "decompressor/decompressor.h"
#include "support/pack.h"
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
	const char *name;
	enum oakum_compression id;
	struct packed (*pack)(const void *bytes, size_t length);
	size_t padding; /* bytes at the end that may hold bits of no meaning */
	size_t trailer; /* bytes before them in which every bit counts */
} formats[] = {
	{ "gzip", OAKUM_COMPRESSION_GZIP, pack_gzip, 0, 8 },
	{ "zstd", OAKUM_COMPRESSION_ZSTD, pack_zstd, 0, 4 },
	{ "xz", OAKUM_COMPRESSION_XZ, pack_xz, 0, 24 },
	{ "bzip2", OAKUM_COMPRESSION_BZIP2, pack_bzip2, 1, 4 },
	{ "lz4", OAKUM_COMPRESSION_LZ4, pack_lz4, 0, 4 },
};

enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]) };

struct result {
	int r;
	struct oakum_error err;
	struct oakum_stats stats;
	char *out; /* free() it */
	size_t out_length;
};

static struct result decompress_fd(int layer_fd, uint64_t max_window_bytes)
{
	struct decompressor_options options = {
		.layer_fd = layer_fd,
		.stream_fd = memfd_create("out", MFD_CLOEXEC),
		.max_window_bytes = max_window_bytes,
		.max_ratio = 2000,
	};
	struct decompressor *decompressor;
	struct result result = { 0 };

	assert_int_equal(decompressor_open(&options, &decompressor, &result.err), 0);
	result.r = decompressor_run(decompressor, &result.stats, &result.err);
	decompressor_close(&decompressor);
	result.out_length = (size_t)lseek(options.stream_fd, 0, SEEK_END);
	result.out = calloc(1, result.out_length + 1);
	assert_int_equal(pread(options.stream_fd, result.out, result.out_length, 0),
		(ssize_t)result.out_length);
	close(options.stream_fd);
	return result;
}

static struct result decompress(const void *bytes, size_t length)
{
	int layer_fd = memory_file(bytes, length);
	struct result result = decompress_fd(layer_fd, 128 << 20);

	close(layer_fd);
	return result;
}

static void assert_gives(const struct packed *packed, const char *expected, size_t length)
{
	struct result result = decompress(packed->bytes, packed->length);

	if (result.r != 0)
		fail_msg("%s: %s", result.err.op, result.err.detail);
	assert_int_equal(result.out_length, length);
	assert_memory_equal(result.out, expected, length);
	assert_int_equal(result.stats.layer_bytes, packed->length);
	assert_int_equal(result.stats.stream_bytes, length);
	free(result.out);
}

static void assert_refused(const struct packed *packed, int code, const char *says)
{
	struct result result = decompress(packed->bytes, packed->length);

	assert_int_equal(result.r, -code);
	assert_int_equal(result.err.code, code);
	if (strstr(result.err.detail, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", result.err.detail, says);
	free(result.out);
}

/* Neither all zeros nor without repetition, and larger than every buffer on the way. */
static char *make_content(size_t length)
{
	char *content = malloc(length);
	unsigned int number = 1;

	for (size_t i = 0; i < length; i++) {
		number = number * 1103515245 + 12345;
		content[i] = (char)("abcdefgh"[number >> 16 & 7] + (char)(i >> 14 & 3));
	}
	return content;
}

static void every_format_is_known_by_its_content(void **state)
{
	enum { LENGTH = 600 << 10 };
	char *content = make_content(LENGTH);

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed packed = formats[i].pack(content, LENGTH);
		struct result result = decompress(packed.bytes, packed.length);
		assert_int_equal(result.r, 0);
		assert_int_equal(result.stats.compression, formats[i].id);
		free(result.out);
		assert_gives(&packed, content, LENGTH);
		free(packed.bytes);
	}
	free(content);
}

static void plain_bytes_pass_as_they_are(void **state)
{
	enum { LENGTH = 600 << 10 };
	char *content = make_content(LENGTH);
	const struct packed plain = { (unsigned char *)content, LENGTH };

	(void)state;
	assert_gives(&plain, content, LENGTH);
	assert_gives(&(struct packed){ (unsigned char *)content, 1 }, content, 1);
	assert_gives(&(struct packed){ (unsigned char *)content, 0 }, content, 0);
	free(content);
}

static void nothing_packed_is_the_empty_layer(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed packed = formats[i].pack("", 0);
		assert_gives(&packed, "", 0);
		free(packed.bytes);
	}
}

static void members_frames_and_streams_follow_one_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed first = formats[i].pack("first,", 6);
		struct packed empty = formats[i].pack("", 0);
		struct packed second = formats[i].pack("second", 6);
		pack_append(&first, empty.bytes, empty.length);
		pack_append(&first, second.bytes, second.length);
		assert_gives(&first, "first,second", 12);
		free(first.bytes);
		free(empty.bytes);
		free(second.bytes);
	}
}

static void skippable_frames_may_stand_anywhere(void **state)
{
	static const char skippable[] = "\x5a\x2a\x4d\x18\x03\x00\x00\x00xyz";
	const size_t length = sizeof(skippable) - 1;

	(void)state;
	for (size_t i = 1; i < FORMAT_COUNT; i += 3) { /* zstd and lz4 */
		struct packed frame = formats[i].pack("content", 7);
		struct packed layer = { NULL, 0 };
		if (formats[i].id == OAKUM_COMPRESSION_ZSTD)
			pack_append(&layer, skippable, length); /* zstd:chunked, pzstd */
		pack_append(&layer, frame.bytes, frame.length);
		pack_append(&layer, skippable, length);
		pack_append(&layer, frame.bytes, frame.length);
		pack_append(&layer, skippable, length);
		assert_gives(&layer, "contentcontent", 14);
		layer.length--;
		assert_refused(&layer, EBADMSG, "cut off");
		free(layer.bytes);
		free(frame.bytes);
	}
}

static void zeros_may_follow_the_end_and_nothing_else(void **state)
{
	static const char zeros[1024];

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack("content", 7);
		pack_append(&layer, zeros, sizeof(zeros));
		assert_gives(&layer, "content", 7);
		pack_append(&layer, "x", 1);
		assert_refused(&layer, EBADMSG, "");
		free(layer.bytes);
		layer = formats[i].pack("content", 7);
		pack_append(&layer, "trailing garbage", 16);
		assert_refused(&layer, EBADMSG, "");
		free(layer.bytes);
	}
}

static void padding_of_xz_comes_in_fours(void **state)
{
	struct packed layer = pack_xz("content", 7);

	(void)state;
	pack_append(&layer, "\0\0\0", 3);
	assert_refused(&layer, EBADMSG, "");
	free(layer.bytes);
}

static void a_layer_cut_off_at_any_byte_is_refused(void **state)
{
	char *content = make_content(1000);

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack(content, 1000);
		for (size_t length = 1; length < layer.length; length++) {
			struct packed cut = { layer.bytes, length };
			assert_refused(&cut, EBADMSG, "");
		}
		free(layer.bytes);
	}
	assert_refused(&(struct packed){ (unsigned char *)"\x1f\x8b", 2 }, EBADMSG, "cut off");
	free(content);
}

static void a_flipped_bit_in_a_trailer_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack("content of some length", 22);
		unsigned char *end = layer.bytes + layer.length - formats[i].padding;
		for (size_t at = 1; at <= formats[i].trailer; at++) {
			*(end - at) ^= 0x10;
			assert_refused(&layer, EBADMSG, "");
			*(end - at) ^= 0x10;
		}
		free(layer.bytes);
	}
}

static void a_layer_that_is_packed_twice_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed inner = formats[i].pack("content", 7);
		struct packed outer = pack_gzip(inner.bytes, inner.length);
		assert_refused(&outer, EBADMSG, "compressed twice");
		free(inner.bytes);
		free(outer.bytes);
	}
}

static void a_window_over_the_ceiling_is_refused_before_it_is_there(void **state)
{
	enum { LENGTH = 300 << 10 };
	char *content = make_content(LENGTH);
	struct packed zstd = pack_zstd_window(content, LENGTH, 22);
	struct packed xz = pack_xz_dictionary(content, LENGTH, 4 << 20);
	const struct packed *layers[] = { &zstd, &xz };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int layer_fd = memory_file(layers[i]->bytes, layers[i]->length);
		struct result result = decompress_fd(layer_fd, 4 << 20);
		assert_int_equal(result.r, 0);
		assert_int_equal(result.out_length, LENGTH);
		free(result.out);
		lseek(layer_fd, 0, SEEK_SET);
		result = decompress_fd(layer_fd, 2 << 20);
		assert_int_equal(result.r, -EFBIG);
		assert_int_equal(result.out_length, 0);
		assert_non_null(strstr(result.err.detail, "window-bytes=2097152"));
		free(result.out);
		close(layer_fd);
	}
	free(zstd.bytes);
	free(xz.bytes);
	free(content);
}

static void a_zstd_header_that_asks_for_gigabytes_is_refused(void **state)
{
	/* magic, no content size, window descriptor 2 GiB, one empty last block */
	static unsigned char header[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00 };

	(void)state;
	assert_refused(&(struct packed){ header, sizeof(header) }, EFBIG, "window-bytes");
}

static void the_legacy_format_of_lz4_is_refused(void **state)
{
	static unsigned char legacy[] = "\x02\x21\x4c\x18\x01\x00\x00\x00\x00";

	(void)state;
	assert_refused(&(struct packed){ legacy, sizeof(legacy) }, EBADMSG, "legacy");
}

static void a_long_name_in_a_gzip_header_takes_no_memory(void **state)
{
	static const unsigned char header[] = { 0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3 };
	struct packed whole = pack_gzip("content", 7);
	struct packed layer = { NULL, 0 };
	char *name = malloc(1 << 20);

	(void)state;
	memset(name, 'n', 1 << 20);
	name[(1 << 20) - 1] = '\0';
	pack_append(&layer, header, sizeof(header));
	pack_append(&layer, name, 1 << 20);
	pack_append(&layer, whole.bytes + 10, whole.length - 10);
	assert_gives(&layer, "content", 7);
	free(name);
	free(layer.bytes);
	free(whole.bytes);
}

struct trickle {
	int fd;
	struct packed packed;
};

static void *write_byte_by_byte(void *argument)
{
	struct trickle *trickle = argument;

	for (size_t i = 0; i < trickle->packed.length; i++) {
		if (write(trickle->fd, trickle->packed.bytes + i, 1) != 1)
			abort();
		sched_yield();
	}
	close(trickle->fd);
	return NULL;
}

static void a_source_may_give_one_byte_at_a_time_and_not_block(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		int fds[2];
		pthread_t thread;
		struct trickle trickle = { .packed = formats[i].pack("content", 7) };
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
		trickle.fd = fds[1];
		assert_int_equal(pthread_create(&thread, NULL, write_byte_by_byte, &trickle), 0);
		struct result result = decompress_fd(fds[0], 128 << 20);
		pthread_join(thread, NULL);
		assert_int_equal(result.r, 0);
		assert_int_equal(result.stats.compression, formats[i].id);
		assert_string_equal(result.out, "content");
		free(result.out);
		free(trickle.packed.bytes);
		close(fds[0]);
	}
}

static void a_reader_that_is_gone_is_a_broken_pipe(void **state)
{
	enum { LENGTH = 1 << 20 };
	struct decompressor_options options = { .max_window_bytes = 8 << 20, .max_ratio = 100 };
	char *content = make_content(LENGTH);
	struct packed layer = pack_gzip(content, LENGTH);
	struct decompressor *decompressor;
	struct oakum_stats stats;
	struct oakum_error err;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	options.layer_fd = memory_file(layer.bytes, layer.length);
	options.stream_fd = fds[1];
	assert_int_equal(decompressor_open(&options, &decompressor, &err), 0);
	assert_int_equal(decompressor_run(decompressor, &stats, &err), -EPIPE);
	assert_string_equal(err.op, "write");
	decompressor_close(&decompressor);
	close(fds[1]);
	close(options.layer_fd);
	free(layer.bytes);
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_known_by_its_content),
		cmocka_unit_test(plain_bytes_pass_as_they_are),
		cmocka_unit_test(nothing_packed_is_the_empty_layer),
		cmocka_unit_test(members_frames_and_streams_follow_one_another),
		cmocka_unit_test(skippable_frames_may_stand_anywhere),
		cmocka_unit_test(zeros_may_follow_the_end_and_nothing_else),
		cmocka_unit_test(padding_of_xz_comes_in_fours),
		cmocka_unit_test(a_layer_cut_off_at_any_byte_is_refused),
		cmocka_unit_test(a_flipped_bit_in_a_trailer_is_refused),
		cmocka_unit_test(a_layer_that_is_packed_twice_is_refused),
		cmocka_unit_test(a_window_over_the_ceiling_is_refused_before_it_is_there),
		cmocka_unit_test(a_zstd_header_that_asks_for_gigabytes_is_refused),
		cmocka_unit_test(the_legacy_format_of_lz4_is_refused),
		cmocka_unit_test(a_long_name_in_a_gzip_header_takes_no_memory),
		cmocka_unit_test(a_source_may_give_one_byte_at_a_time_and_not_block),
		cmocka_unit_test(a_reader_that_is_gone_is_a_broken_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
