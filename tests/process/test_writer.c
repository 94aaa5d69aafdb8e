/* SPDX-License-Identifier: Apache-2.0 */
/* The only threads: what is written, in what memory, and whose error is told. */
#include "support/scratch.h"
#include "support/tarball.h"
#include "unpacker/writer.h"

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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOBODY_FAILS = -1 };

static const unsigned int all_threads[] = { 1, 2, 3, 8 };

static const struct limits limits = LIMITS_DEFAULT;
static struct scratch scratch;
static struct tar_reader *reader;
static struct tally tally;
static struct writer *writer;
static struct oakum_error err;
static struct space space;
static int stream_fd;
static int filled;

static int set_up(void **state)
{
	(void)state;
	umask(0);
	scratch_make(&scratch);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static void begin_with(int fd, unsigned int threads)
{
	tally = (struct tally){ .limits = &limits };
	space = (struct space){ .root_fd = -1, .limits = &limits };
	stream_fd = fd;
	const struct tar_reader_options options = { .stream_fd = stream_fd, .limits = &limits };
	assert_int_equal(tar_reader_new(&options, &reader, &err), 0);
	assert_int_equal(writer_new(threads, &writer, &err), 0);
	writer_set_source(writer, &(const struct writer_source){
					  .reader = reader,
					  .tally = &tally,
					  .space = &space,
				  });
	filled = 0;
}

static void begin(const struct tarball *tar, unsigned int threads)
{
	begin_with(memory_file(tar->bytes, tar->length), threads);
}

static void end(void)
{
	writer_free(writer);
	tar_reader_free(reader);
	close(stream_fd);
}

/* A descriptor that cannot be written to stands for any file system that will not. */
static int fill_all(int first_failing, int second_failing)
{
	const struct owner maker = { geteuid(), getegid() };
	struct entry entry;
	int r;

	for (; (r = tar_reader_next(reader, &entry, &err)) > 0; filled++) {
		bool fails = filled == first_failing || filled == second_failing;
		int fd = openat(scratch.rootfs_fd, entry.path,
			O_CREAT | O_CLOEXEC | (fails ? O_RDONLY : O_WRONLY), entry.mode & 0777);
		assert_return_code(fd, errno);
		const struct metadata metadata = metadata_of(&entry, maker, true);
		r = writer_fill(writer, &fd, &entry, &metadata, &err);
		assert_int_equal(fd, -1);
		if (r < 0)
			return r;
	}
	assert_int_equal(r, 0);
	return writer_finish(writer, &err);
}

static struct tarball many_files(int count, uint64_t bytes)
{
	struct tarball tar = { 0 };
	const struct member last = END;

	for (int i = 0; i < count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%03d", i);
		const struct member member = big_file(name, bytes, .mtime = 1000 + i);
		tarball_add(&tar, &member);
	}
	tarball_add(&tar, &last);
	return tar;
}

static void many_small_files_are_whole(void **state)
{
	struct tarball tar = many_files(500, 1234);

	(void)state;
	for (size_t t = 0; t < sizeof(all_threads) / sizeof(all_threads[0]); t++) {
		begin(&tar, all_threads[t]);
		assert_int_equal(fill_all(NOBODY_FAILS, NOBODY_FAILS), 0);
		assert_int_equal(writer_content_bytes(writer), 500 * 1234);
		end();
		for (int i = 0; i < 500; i++) {
			char name[16];
			struct stat status;
			snprintf(name, sizeof(name), "f%03d", i);
			assert_int_equal(fstatat(scratch.rootfs_fd, name, &status, 0), 0);
			assert_int_equal(status.st_size, 1234);
			assert_int_equal(status.st_mtime, 1000 + i);
		}
		scratch_renew(&scratch);
	}
	tarball_free(&tar);
}

struct drops {
	const struct tarball *tar;
	int fd;
};

/* As a slow decompressor: the reader waits for some of it, and some of it waits for the reader. */
static void *drip(void *argument)
{
	enum { DROP_BYTES = 5000 };
	const struct drops *drops = argument;

	for (size_t at = 0; at < drops->tar->length; at += DROP_BYTES) {
		size_t left = drops->tar->length - at;
		if (at / DROP_BYTES % 32 == 0)
			usleep(1000);
		if (write(drops->fd, drops->tar->bytes + at,
			    left < DROP_BYTES ? left : DROP_BYTES) < 0)
			break;
	}
	close(drops->fd);
	return NULL;
}

static void a_stream_that_comes_in_drops_gives_the_same(void **state)
{
	struct tarball tar = many_files(500, 1234);

	(void)state;
	for (size_t t = 0; t < 2 * sizeof(all_threads) / sizeof(all_threads[0]); t++) {
		const bool fails = t % 2 == 1;
		pthread_t dripping;
		int ends[2];
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		struct drops drops = { &tar, ends[1] };
		assert_int_equal(pthread_create(&dripping, NULL, drip, &drops), 0);
		begin_with(ends[0], all_threads[t / 2]);
		assert_int_equal(fill_all(fails ? 300 : NOBODY_FAILS, fails ? 301 : NOBODY_FAILS),
			fails ? -EBADF : 0);
		if (fails)
			assert_string_equal(err.entry, "f300");
		else
			assert_int_equal(writer_content_bytes(writer), 500 * 1234);
		end();
		pthread_join(dripping, NULL);
		scratch_renew(&scratch);
	}
	tarball_free(&tar);
}

static void a_file_larger_than_all_buffers_streams_through_them(void **state)
{
	const size_t bytes = 20 << 20;
	struct tarball tar = { 0 };
	const struct member last = END;
	char *content = malloc(bytes);
	char *found = malloc(bytes);

	(void)state;
	for (size_t i = 0; i < bytes; i++)
		content[i] = (char)(i * 31 + i / 65536);
	tarball_add_header(&tar, &(const struct member)file("f", NULL), bytes);
	tarball_add_bytes(&tar, content, bytes);
	tarball_add(&tar, &last);
	for (size_t t = 0; t < sizeof(all_threads) / sizeof(all_threads[0]); t++) {
		begin(&tar, all_threads[t]);
		assert_int_equal(fill_all(NOBODY_FAILS, NOBODY_FAILS), 0);
		end();
		int fd = openat(scratch.rootfs_fd, "f", O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, found, bytes), bytes);
		close(fd);
		assert_memory_equal(found, content, bytes);
		scratch_renew(&scratch);
	}
	free(content);
	free(found);
	tarball_free(&tar);
}

static void the_first_error_in_layer_order_is_told_every_time(void **state)
{
	struct tarball tar = many_files(200, 3000);

	(void)state;
	for (int run = 0; run < 20; run++) {
		begin(&tar, all_threads[run % 4]);
		assert_int_equal(fill_all(70, 71), -EBADF);
		assert_string_equal(err.entry, "f070");
		assert_string_equal(err.op, "write");
		/* It stays so, and it is not long until the reader hears of it. */
		assert_true(filled < 70 + 200);
		end();
		scratch_renew(&scratch);
	}
	tarball_free(&tar);
}

static void after_an_error_a_large_file_is_not_read_to_its_end(void **state)
{
	struct tarball tar = { 0 };
	const struct member bad = file("bad", "x");
	const struct member large = big_file("large", 200 << 20);
	const struct member last = END;

	(void)state;
	tarball_add(&tar, &bad);
	tarball_add(&tar, &large);
	tarball_add(&tar, &last);
	for (size_t t = 0; t < sizeof(all_threads) / sizeof(all_threads[0]); t++) {
		begin(&tar, all_threads[t]);
		assert_int_equal(fill_all(0, NOBODY_FAILS), -EBADF);
		assert_string_equal(err.entry, "bad");
		assert_true(lseek(stream_fd, 0, SEEK_CUR) < 150 << 20);
		end();
		scratch_renew(&scratch);
	}
	tarball_free(&tar);
}

static void a_writer_can_end_before_it_was_used(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(all_threads) / sizeof(all_threads[0]); t++) {
		assert_int_equal(writer_new(all_threads[t], &writer, &err), 0);
		assert_int_equal(writer_finish(writer, &err), 0);
		writer_free(writer);
	}
	writer_free(NULL);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	signal(SIGPIPE, SIG_IGN); /* of a reader that has given up */
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(many_small_files_are_whole),
		IN_SCRATCH(a_stream_that_comes_in_drops_gives_the_same),
		IN_SCRATCH(a_file_larger_than_all_buffers_streams_through_them),
		IN_SCRATCH(the_first_error_in_layer_order_is_told_every_time),
		IN_SCRATCH(after_an_error_a_large_file_is_not_read_to_its_end),
		IN_SCRATCH(a_writer_can_end_before_it_was_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
