/* SPDX-License-Identifier: Apache-2.0 */
/* xz with blocks of a known size: by threads, behind the walls, with the same verdicts as by one.
 */
#include "decompressor/decompressor.h"
#include "jail/seccomp.h"
#include "support/pack.h"
#include "support/scratch.h"

#include <errno.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	WINDOW_BYTES = 128 << 20,
	BLOCK_BYTES = 300 << 10,
	BLOCK_COUNT = 12,
	THREADS = 3,
	NOT_BY_THREADS = 101,
};

static struct oakum_error err;
static char content[BLOCK_COUNT * BLOCK_BYTES];

static void make_content(void)
{
	unsigned int number = 7;

	for (size_t i = 0; i < sizeof(content); i++) {
		number = number * 1103515245 + 12345;
		content[i] = "abcdefghijklmnop"[number >> 16 & 15];
	}
}

/* A stream for each block: the header of each says how long it is. */
static struct packed pack_blocks(void)
{
	struct packed layer = pack_xz(content, BLOCK_BYTES);

	for (size_t at = BLOCK_BYTES; at < sizeof(content); at += BLOCK_BYTES) {
		struct packed block = pack_xz(content + at, BLOCK_BYTES);
		pack_append(&layer, block.bytes, block.length);
		free(block.bytes);
	}
	return layer;
}

/* As a writer that streams: it cannot know how long its block will be. */
static struct packed pack_unsized(const void *bytes, size_t length)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	struct packed packed = { .length = length + 4096 };

	packed.bytes = malloc(packed.length);
	assert_int_equal(lzma_easy_encoder(&lzma, 0, LZMA_CHECK_CRC32), LZMA_OK);
	lzma.next_in = bytes;
	lzma.avail_in = length;
	lzma.next_out = packed.bytes;
	lzma.avail_out = packed.length;
	assert_int_equal(lzma_code(&lzma, LZMA_FINISH), LZMA_STREAM_END);
	packed.length = lzma.total_out;
	lzma_end(&lzma);
	return packed;
}

static int seal(void *context, enum oakum_compression codec, struct oakum_error *error)
{
	(void)context;
	assert_int_equal(codec, OAKUM_COMPRESSION_XZ);
	if (decompressor_start_threads(THREADS, error) < 0)
		return -EAGAIN;
	return seccomp_allow(seccomp_threaded_codec_calls, error);
}

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool lacks_threads; /* for the process that runs */

/* Of a user who has more processes already than one may have. */
static void give_up_threads(void)
{
	const struct rlimit none = { 0 };

	if (setrlimit(RLIMIT_NPROC, &none) < 0 || setresuid(65534, 65534, 65534) < 0)
		_exit(103);
}

static int run(const struct decompressor_options *options)
{
	struct decompressor *decompressor;
	struct oakum_stats stats;

	if (lacks_threads)
		give_up_threads();
	if (decompressor_open(options, &decompressor, &err) < 0)
		return 100;
	if (options->narrow == NULL && decompressor_start_threads(THREADS, &err) < 0)
		return 100;
	if (options->narrow != NULL && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
					       seccomp_allow(seccomp_decompressor_calls, &err) < 0))
		return 102;
	int r = decompressor_run(decompressor, &stats, &err);
	if (r == 0 && options->narrow == NULL && !lacks_threads &&
		seconds_of(CLOCK_PROCESS_CPUTIME_ID) < 2 * seconds_of(CLOCK_THREAD_CPUTIME_ID))
		return NOT_BY_THREADS;
	return -r;
}

/* In a process of its own, as it is when a layer is unpacked; its exit status. */
static int decompress(const struct packed *layer, int out_fd, bool is_sealed)
{
	const struct decompressor_options options = {
		.layer_fd = memory_file(layer->bytes, layer->length),
		.stream_fd = out_fd,
		.max_window_bytes = WINDOW_BYTES,
		.max_ratio = UINT64_MAX,
		.narrow = is_sealed ? seal : NULL,
	};
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(run(&options));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(options.layer_fd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_gives_content(const struct packed *layer, bool is_sealed)
{
	char *found = malloc(sizeof(content));
	int out_fd = memfd_create("out", MFD_CLOEXEC);

	assert_int_equal(decompress(layer, out_fd, is_sealed), 0);
	assert_int_equal(lseek(out_fd, 0, SEEK_END), sizeof(content));
	assert_int_equal(pread(out_fd, found, sizeof(content), 0), sizeof(content));
	assert_memory_equal(found, content, sizeof(content));
	close(out_fd);
	free(found);
}

static void blocks_of_a_known_size_are_decoded_by_threads(void **state)
{
	struct packed layer = pack_blocks();

	(void)state;
	assert_gives_content(&layer, false);
	free(layer.bytes);
}

static void the_threads_need_no_call_but_to_wait_for_each_other(void **state)
{
	struct packed layer = pack_blocks();

	(void)state;
	assert_gives_content(&layer, true);
	free(layer.bytes);
}

static void threads_come_back_after_what_they_cannot_do(void **state)
{
	const size_t half = sizeof(content) / 2;
	struct packed layer = pack_xz(content, BLOCK_BYTES);
	struct packed unsized = pack_unsized(content + BLOCK_BYTES, half - BLOCK_BYTES);
	struct packed next = pack_xz(content + half, BLOCK_BYTES);
	struct packed last = pack_xz(content + half + BLOCK_BYTES, half - BLOCK_BYTES);

	(void)state;
	pack_append(&layer, unsized.bytes, unsized.length);
	pack_append(&layer, next.bytes, next.length);
	pack_append(&layer, last.bytes, last.length);
	assert_gives_content(&layer, true);
	free(layer.bytes);
	free(unsized.bytes);
	free(next.bytes);
	free(last.bytes);
}

static void a_block_too_large_to_be_held_is_streamed(void **state)
{
	const size_t bytes = 100 << 20;
	char *zeros = calloc(1, bytes);
	struct packed layer = pack_xz(zeros, 1000);
	struct packed large = pack_xz(zeros, bytes);
	int out_fd = memfd_create("out", MFD_CLOEXEC);

	(void)state;
	pack_append(&layer, large.bytes, large.length);
	pack_append(&layer, large.bytes, 10); /* cut off */
	assert_int_equal(decompress(&layer, out_fd, true), EBADMSG);
	assert_int_equal(lseek(out_fd, 0, SEEK_END), bytes + 1000);
	close(out_fd);
	free(zeros);
	free(layer.bytes);
	free(large.bytes);
}

static void damage_is_found_in_every_block(void **state)
{
	enum { PLACES = 23 };
	struct packed layer = pack_blocks();
	int out_fd = memfd_create("out", MFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		struct packed cut = { layer.bytes, 100 + i * (layer.length - 101) / (PLACES - 1) };
		layer.bytes[cut.length] ^= 0x40;
		assert_int_equal(decompress(&layer, out_fd, true), EBADMSG);
		layer.bytes[cut.length] ^= 0x40;
		assert_int_equal(decompress(&cut, out_fd, true), EBADMSG);
	}
	close(out_fd);
	free(layer.bytes);
}

static void where_no_thread_may_be_started_one_does_it_all(void **state)
{
	struct packed layer = pack_blocks();

	(void)state;
	if (geteuid() != 0)
		skip();
	lacks_threads = true;
	assert_gives_content(&layer, false);
	assert_gives_content(&layer, true);
	lacks_threads = false;
	free(layer.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_a_known_size_are_decoded_by_threads),
		cmocka_unit_test(the_threads_need_no_call_but_to_wait_for_each_other),
		cmocka_unit_test(threads_come_back_after_what_they_cannot_do),
		cmocka_unit_test(a_block_too_large_to_be_held_is_streamed),
		cmocka_unit_test(where_no_thread_may_be_started_one_does_it_all),
		cmocka_unit_test(damage_is_found_in_every_block),
	};

	make_content();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
