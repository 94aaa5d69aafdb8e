/* SPDX-License-Identifier: Apache-2.0 */
/* What each format allows, what it does not, and that none needs more than read, write and poll. */
#include "base/error.h"
#include "decompressor/decompressor.h"
#include "jail/seccomp.h"
#include "support/pack.h"
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4frame.h>
#include <lzma.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	WINDOW_BYTES = 128 << 20,
	PLACE_BYTES = 8 << 20,	  /* room for what a case unpacks to */
	BUFFER_BYTES = 256 << 10, /* of the decompressor: where off-by-one errors live */
};

static const struct format {
	const char *name;
	enum oakum_compression id;
	struct packed (*pack)(const void *bytes, size_t length);
} formats[] = {
	{ "gzip", OAKUM_COMPRESSION_GZIP, pack_gzip },
	{ "zstd", OAKUM_COMPRESSION_ZSTD, pack_zstd },
	{ "xz", OAKUM_COMPRESSION_XZ, pack_xz },
	{ "bzip2", OAKUM_COMPRESSION_BZIP2, pack_bzip2 },
	{ "lz4", OAKUM_COMPRESSION_LZ4, pack_lz4 },
};

enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]) };

static struct oakum_error err;
static struct oakum_stats stats;
static char *place; /* what came out */
static size_t place_bytes;

static int decompress_with(struct decompressor_options *options)
{
	struct decompressor *decompressor;

	assert_int_equal(decompressor_open(options, &decompressor, &err), 0);
	int r = decompressor_run(decompressor, &stats, &err);
	decompressor_close(&decompressor);
	assert_null(decompressor);
	return r;
}

static int decompress_fd(int layer_fd, uint64_t max_window_bytes)
{
	struct decompressor_options options = {
		.layer_fd = layer_fd,
		.stream_fd = memfd_create("out", MFD_CLOEXEC),
		.max_window_bytes = max_window_bytes,
		.max_ratio = UINT64_MAX,
	};
	int r = decompress_with(&options);

	place_bytes = (size_t)lseek(options.stream_fd, 0, SEEK_END);
	assert_true(place_bytes <= PLACE_BYTES);
	assert_int_equal(pread(options.stream_fd, place, place_bytes, 0), place_bytes);
	close(options.stream_fd);
	return r;
}

static int decompress_within(const struct packed *layer, uint64_t max_window_bytes)
{
	int layer_fd = memory_file(layer->bytes, layer->length);
	int r = decompress_fd(layer_fd, max_window_bytes);

	close(layer_fd);
	return r;
}

static int decompress(const struct packed *layer)
{
	return decompress_within(layer, WINDOW_BYTES);
}

static bool came_out(const void *expected, size_t length)
{
	return place_bytes == length && memcmp(place, expected, length) == 0;
}

static void assert_gives(const struct packed *layer, const char *expected)
{
	int r = decompress(layer);

	if (r < 0)
		fail_msg("%s: %s", err.op, err.detail);
	assert_true(came_out(expected, strlen(expected)));
}

static void assert_says(const struct packed *layer, int code, const char *op, const char *says)
{
	assert_int_equal(decompress(layer), -code);
	assert_string_equal(err.op, op);
	if (strstr(err.detail, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.detail, says);
}

static void put_le32(unsigned char *to, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(number >> (8 * i));
}

/* Compresses a little, in every format. */
static char *make_content(size_t length)
{
	char *content = malloc(length + 1);
	unsigned int number = 7;

	for (size_t i = 0; i < length; i++) {
		number = number * 1103515245 + 12345;
		content[i] = "abcdefghijklmnop"[number >> 16 & 15];
	}
	content[length] = '\0';
	return content;
}

static void a_layer_cut_off_anywhere_is_refused(void **state)
{
	char *content = make_content(400);

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack(content, 400);
		for (size_t length = 1; length < layer.length; length++) {
			int r = decompress(&(struct packed){ layer.bytes, length });
			if (r != -EBADMSG || strstr(err.detail, "cut off") == NULL)
				fail_msg("%s at %zu: %d, %s", formats[i].name, length, r,
					err.detail);
		}
		free(layer.bytes);
	}
	free(content);
}

/* It may be of no meaning, like the time in a gzip header, or make it a plain file. */
static void a_changed_byte_never_gives_other_content(void **state)
{
	char *content = make_content(300);

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack(content, 300);
		for (size_t at = 0; at < layer.length; at++) {
			layer.bytes[at] ^= 0xff;
			int r = decompress(&layer);
			if (r == 0 && stats.compression != OAKUM_COMPRESSION_NONE &&
				!came_out(content, 300))
				fail_msg("%s: byte %zu does not count", formats[i].name, at);
			layer.bytes[at] ^= 0xff;
		}
		free(layer.bytes);
	}
	free(content);
}

/* Zeros: at the end of the input all buffers of the way are full, and more is to come. */
static void an_output_that_just_fills_the_buffer_is_whole(void **state)
{
	static const size_t lengths[] = { BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1,
		2 * BUFFER_BYTES, 5 * BUFFER_BYTES, 5 * BUFFER_BYTES + 1 };
	char *zeros = calloc(1, 6 * BUFFER_BYTES);

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			struct packed layer = formats[i].pack(zeros, lengths[j]);
			int r = decompress(&layer);
			if (r < 0 || !came_out(zeros, lengths[j]))
				fail_msg("%s, %zu: %d, %s", formats[i].name, lengths[j], r,
					err.detail);
			free(layer.bytes);
		}
	}
	free(zeros);
}

static void an_input_that_just_fills_the_buffer_is_whole(void **state)
{
	char *content = make_content(BUFFER_BYTES);

	(void)state;
	for (size_t length = BUFFER_BYTES - 1; length <= BUFFER_BYTES; length++) {
		assert_int_equal(
			decompress(&(struct packed){ (unsigned char *)content, length }), 0);
		assert_true(came_out(content, length));
	}
	/* gzip's second member starts in one buffer and goes on in the next. */
	for (size_t before = BUFFER_BYTES - 12; before <= BUFFER_BYTES; before++) {
		static const unsigned char header[] = { 0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3 };
		struct packed layer = { NULL, 0 };
		struct packed member = pack_gzip("second", 6);
		struct packed first = pack_gzip("first,", 6);
		size_t name_bytes = before - first.length;
		pack_append(&layer, header, sizeof(header));
		pack_append(&layer, content, name_bytes);
		pack_append(&layer, "", 1);
		pack_append(&layer, first.bytes + 10, first.length - 10);
		pack_append(&layer, member.bytes, member.length);
		assert_gives(&layer, "first,second");
		free(layer.bytes);
		free(member.bytes);
		free(first.bytes);
	}
	free(content);
}

struct source {
	int fd;
	const struct packed *layer;
};

static void *send_packets(void *argument)
{
	const struct source *source = argument;

	for (size_t i = 0; i < source->layer->length; i++) {
		if (send(source->fd, source->layer->bytes + i, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	close(source->fd);
	return NULL;
}

/* A packet for each byte: no read can ever get two. */
static int decompress_packets(const struct packed *layer)
{
	pthread_t thread;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	struct source source = { fds[1], layer };
	assert_int_equal(pthread_create(&thread, NULL, send_packets, &source), 0);
	int r = decompress_fd(fds[0], WINDOW_BYTES);
	close(fds[0]);
	pthread_join(thread, NULL);
	return r;
}

static void one_byte_a_read_changes_nothing(void **state)
{
	static const char zeros[16];

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack("first,", 6);
		struct packed second = formats[i].pack("second", 6);
		pack_append(&layer, second.bytes, second.length);
		pack_append(&layer, zeros, sizeof(zeros));
		assert_int_equal(decompress_packets(&layer), 0);
		assert_true(came_out("first,second", 12));
		layer.bytes[layer.length - 1] = 1;
		assert_int_equal(decompress_packets(&layer), -EBADMSG);
		layer.length -= sizeof(zeros) + 1;
		assert_int_equal(decompress_packets(&layer), -EBADMSG);
		free(layer.bytes);
		free(second.bytes);
	}
	assert_int_equal(decompress_packets(&(struct packed){ (unsigned char *)"BZhang", 6 }), 0);
	assert_true(came_out("BZhang", 6));
	assert_int_equal(decompress_packets(&(struct packed){ NULL, 0 }), 0);
}

static void a_gzip_header_with_a_wrong_checksum_is_refused(void **state)
{
	/* FHCRC, of a header that is right but for it. */
	static const unsigned char header[] = { 0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3 };
	struct packed whole = pack_gzip("content", 7);
	struct packed layer = { NULL, 0 };
	uint32_t crc = lzma_crc32(header, sizeof(header), 0);
	const unsigned char low[2] = { (unsigned char)crc, (unsigned char)(crc >> 8) };

	(void)state;
	pack_append(&layer, header, sizeof(header));
	pack_append(&layer, low, 2);
	pack_append(&layer, whole.bytes + 10, whole.length - 10);
	assert_gives(&layer, "content");
	layer.bytes[11] ^= 1;
	assert_says(&layer, EBADMSG, "inflate", "");
	free(layer.bytes);
	free(whole.bytes);
}

static void a_gzip_member_begun_behind_the_last_is_refused(void **state)
{
	static const char *const ends[] = { "\x1f", "\x1f\x8b", "\x1f\x8b\x08", "\x8b" };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct packed layer = pack_gzip("content", 7);
		pack_append(&layer, ends[i], strlen(ends[i]));
		assert_int_equal(decompress(&layer), -EBADMSG);
		free(layer.bytes);
	}
}

static void the_length_at_the_end_of_gzip_counts_as_the_checksum_does(void **state)
{
	struct packed layer = pack_gzip("content", 7);

	(void)state;
	for (size_t from_end = 1; from_end <= 8; from_end++) {
		layer.bytes[layer.length - from_end] ^= 0x80;
		assert_says(&layer, EBADMSG, "inflate", "");
		layer.bytes[layer.length - from_end] ^= 0x80;
	}
	assert_gives(&layer, "content");
	free(layer.bytes);
}

static void padding_between_streams_of_xz_comes_in_fours(void **state)
{
	static const char zeros[8];

	(void)state;
	for (size_t padding = 0; padding <= sizeof(zeros); padding++) {
		struct packed layer = pack_xz("first,", 6);
		struct packed second = pack_xz("second", 6);
		pack_append(&layer, zeros, padding);
		assert_int_equal(decompress(&layer), padding % 4 == 0 ? 0 : -EBADMSG);
		pack_append(&layer, second.bytes, second.length);
		assert_int_equal(decompress(&layer), padding % 4 == 0 ? 0 : -EBADMSG);
		if (padding % 4 == 0)
			assert_true(came_out("first,second", 12));
		free(layer.bytes);
		free(second.bytes);
	}
}

static void an_xz_check_of_an_unknown_kind_is_refused(void **state)
{
	struct packed layer = pack_xz("content", 7);

	(void)state;
	layer.bytes[7] = 2; /* the kind; its CRC is right */
	put_le32(layer.bytes + 8, lzma_crc32(layer.bytes + 6, 2, 0));
	assert_says(&layer, EBADMSG, "xz", "checksum is of a kind");
	free(layer.bytes);
}

enum { BLOCK_AT = 12 }; /* in a stream of xz: what follows its header */

/* A layer whose first block asks for a dictionary of 4 GiB - 1; its header is right but for that.
 */
static struct packed make_xz_with_huge_dictionary(void)
{
	struct packed layer = pack_xz("content", 7);
	unsigned char *block = layer.bytes + BLOCK_AT;
	size_t crc_at = block[0] * 4U;
	unsigned char *lzma2 = memmem(block, crc_at, "\x21\x01", 2);

	assert_non_null(lzma2);
	lzma2[2] = 40;
	put_le32(block + crc_at, lzma_crc32(block, crc_at, 0));
	return layer;
}

static void an_xz_dictionary_of_gigabytes_is_refused(void **state)
{
	struct packed layer = make_xz_with_huge_dictionary();

	(void)state;
	assert_says(&layer, EFBIG, "xz", "window-bytes=134217728");
	layer.bytes[BLOCK_AT + layer.bytes[BLOCK_AT] * 4U] ^= 1;
	assert_says(&layer, EBADMSG, "xz", "damaged");
	free(layer.bytes);
}

static void one_byte_less_than_the_window_is_too_little(void **state)
{
	enum { LENGTH = 5 << 18, WINDOW_LOG = 20 };
	const uint64_t window = 1 << WINDOW_LOG;
	char *content = make_content(LENGTH);
	struct packed layers[] = {
		pack_zstd_window(content, LENGTH, WINDOW_LOG),
		pack_xz_dictionary(content, LENGTH, 1 << WINDOW_LOG),
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(decompress_within(&layers[i], window), 0);
		assert_true(came_out(content, LENGTH));
	}
	assert_int_equal(decompress_within(&layers[0], window - 1), -EFBIG);
	/* liblzma counts its own state too, of which we know a ceiling only. */
	assert_int_equal(decompress_within(&layers[1], window - 4096), -EFBIG);
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack("content", 7);
		assert_int_equal(decompress_within(&layer, 1023), -EFBIG);
		assert_int_equal(decompress_within(&layer, UINT64_MAX), 0);
		free(layer.bytes);
	}
	free(layers[0].bytes);
	free(layers[1].bytes);
	free(content);
}

static void a_zstd_frame_that_needs_a_dictionary_is_refused(void **state)
{
	/* one byte of dictionary id; single segment; no content */
	static unsigned char frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x21, 0x05, 0x00, 0x01, 0, 0 };

	(void)state;
	assert_says(&(struct packed){ frame, sizeof(frame) }, EBADMSG, "zstd", "ictionary");
}

static struct packed pack_lz4_with(const LZ4F_frameInfo_t *info, const void *bytes, size_t length)
{
	const LZ4F_preferences_t preferences = { .frameInfo = *info };
	struct packed layer = { .length = LZ4F_compressFrameBound(length, &preferences) };

	layer.bytes = malloc(layer.length);
	layer.length = LZ4F_compressFrame(layer.bytes, layer.length, bytes, length, &preferences);
	assert_false(LZ4F_isError(layer.length));
	return layer;
}

static void an_lz4_frame_that_needs_a_dictionary_is_refused(void **state)
{
	const LZ4F_frameInfo_t info = { .dictID = 5 };
	struct packed layer = pack_lz4_with(&info, "content", 7);

	(void)state;
	assert_says(&layer, EBADMSG, "lz4", "needs a dictionary");
	free(layer.bytes);
}

static void every_kind_of_lz4_frame_is_read(void **state)
{
	enum { LENGTH = 4500 << 10 };
	char *content = make_content(LENGTH);

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		const LZ4F_frameInfo_t info = {
			.blockSizeID = i % 2 == 0 ? LZ4F_max64KB : LZ4F_max4MB,
			.blockMode = i / 2 % 2 == 0 ? LZ4F_blockLinked : LZ4F_blockIndependent,
			.blockChecksumFlag =
				i / 4 == 0 ? LZ4F_noBlockChecksum : LZ4F_blockChecksumEnabled,
			.contentSize = LENGTH,
		};
		struct packed layer = pack_lz4_with(&info, content, LENGTH);
		assert_int_equal(decompress(&layer), 0);
		assert_true(came_out(content, LENGTH));
		layer.bytes[layer.length / 2] ^= 1;
		if (i / 4 == 1)
			assert_says(&layer, EBADMSG, "lz4", "hecksum");
		free(layer.bytes);
	}
	free(content);
}

static void a_tar_whose_first_name_starts_like_bzip2_is_plain(void **state)
{
	struct packed layer = pack_gzip("BZhang/cv.pdf", 13);

	(void)state;
	assert_gives(&layer, "BZhang/cv.pdf");
	assert_gives(&(struct packed){ (unsigned char *)"BZhang/cv.pdf", 13 }, "BZhang/cv.pdf");
	assert_int_equal(stats.compression, OAKUM_COMPRESSION_NONE);
	free(layer.bytes);
}

struct told {
	unsigned int calls;
	enum oakum_compression codec;
	int out_fd;
	off_t written;
	int r;
};

static int tell(void *context, enum oakum_compression codec, struct oakum_error *error)
{
	struct told *told = context;

	told->calls++;
	told->codec = codec;
	told->written = lseek(told->out_fd, 0, SEEK_END);
	return told->r == 0 ? 0 : (fail)(error, -told->r, "seccomp", NULL); /* not cmocka's */
}

static void walls_are_narrowed_once_and_before_any_output(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * FORMAT_COUNT; i++) {
		const struct format *format = &formats[i / 2];
		struct packed layer = format->pack("content", 7);
		struct told told = { .out_fd = memfd_create("out", MFD_CLOEXEC) };
		struct decompressor_options options = {
			.layer_fd = memory_file(layer.bytes, layer.length),
			.stream_fd = told.out_fd,
			.max_window_bytes = WINDOW_BYTES,
			.max_ratio = 2000,
			.narrow = tell,
			.narrow_context = &told,
		};
		told.r = i % 2 == 0 ? 0 : -EPERM;
		assert_int_equal(decompress_with(&options), told.r);
		assert_int_equal(told.calls, 1);
		assert_int_equal(told.codec, format->id);
		assert_int_equal(told.written, 0);
		assert_int_equal(lseek(told.out_fd, 0, SEEK_END), told.r == 0 ? 7 : 0);
		close(options.layer_fd);
		close(told.out_fd);
		free(layer.bytes);
	}
}

static int seal(void *context, enum oakum_compression codec, struct oakum_error *error)
{
	(void)context;
	(void)codec;
	return seccomp_allow(seccomp_codec_calls, error);
}

/* In a process of its own: any other call than these is its death. */
static int run_sealed(int layer_fd)
{
	struct decompressor_options options = {
		.layer_fd = layer_fd,
		.stream_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.max_window_bytes = WINDOW_BYTES,
		.max_ratio = 2000,
		.narrow = seal,
	};
	struct decompressor *decompressor;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			decompressor_open(&options, &decompressor, &err) < 0)
			_exit(100);
		_exit(-decompressor_run(decompressor, &stats, &err));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(options.stream_fd);
	close(layer_fd);
	return status;
}

static void no_codec_calls_more_than_read_write_and_poll(void **state)
{
	enum { LENGTH = 600 << 10 };
	char *content = make_content(LENGTH);

	(void)state;
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		struct packed layer = formats[i].pack(content, LENGTH);
		struct packed second = formats[i].pack("second", 6);
		pack_append(&layer, second.bytes, second.length);
		assert_int_equal(run_sealed(memory_file(layer.bytes, layer.length)), 0);
		layer.bytes[layer.length / 2] ^= 0xff;
		assert_int_equal(run_sealed(memory_file(layer.bytes, layer.length)), EBADMSG << 8);
		free(second.bytes);
		free(layer.bytes);
	}
	assert_int_equal(run_sealed(memory_file(content, LENGTH)), 0);
	struct packed huge = make_xz_with_huge_dictionary();
	assert_int_equal(run_sealed(memory_file(huge.bytes, huge.length)), EFBIG << 8);
	free(huge.bytes);
	free(content);
}

static int make_place(void **state)
{
	(void)state;
	place = malloc(PLACE_BYTES);
	return place == NULL ? -1 : 0;
}

static int free_place(void **state)
{
	(void)state;
	free(place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_layer_cut_off_anywhere_is_refused),
		cmocka_unit_test(a_changed_byte_never_gives_other_content),
		cmocka_unit_test(an_output_that_just_fills_the_buffer_is_whole),
		cmocka_unit_test(an_input_that_just_fills_the_buffer_is_whole),
		cmocka_unit_test(one_byte_a_read_changes_nothing),
		cmocka_unit_test(a_gzip_header_with_a_wrong_checksum_is_refused),
		cmocka_unit_test(a_gzip_member_begun_behind_the_last_is_refused),
		cmocka_unit_test(the_length_at_the_end_of_gzip_counts_as_the_checksum_does),
		cmocka_unit_test(padding_between_streams_of_xz_comes_in_fours),
		cmocka_unit_test(an_xz_check_of_an_unknown_kind_is_refused),
		cmocka_unit_test(an_xz_dictionary_of_gigabytes_is_refused),
		cmocka_unit_test(one_byte_less_than_the_window_is_too_little),
		cmocka_unit_test(a_zstd_frame_that_needs_a_dictionary_is_refused),
		cmocka_unit_test(an_lz4_frame_that_needs_a_dictionary_is_refused),
		cmocka_unit_test(every_kind_of_lz4_frame_is_read),
		cmocka_unit_test(a_tar_whose_first_name_starts_like_bzip2_is_plain),
		cmocka_unit_test(walls_are_narrowed_once_and_before_any_output),
		cmocka_unit_test(no_codec_calls_more_than_read_write_and_poll),
	};

	return cmocka_run_group_tests(tests, make_place, free_place);
}
