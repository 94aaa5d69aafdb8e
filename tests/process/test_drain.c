/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a source whose layer was refused: every policy on every kind of source. */
#include "base/deadline.h"
#include "host/drain.h"
#include "host/wait.h"
#include "support/clock.h"
#include "support/connection.h"
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- sources --- */

typedef void open_fn(int *read_fd, int *write_fd);

static void open_pipe(int *read_fd, int *write_fd)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*read_fd = fds[0];
	*write_fd = fds[1];
}

static void open_unix_socket(int *read_fd, int *write_fd)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*read_fd = fds[0];
	*write_fd = fds[1];
}

static const struct {
	const char *name;
	open_fn *open;
} kinds[] = {
	{ "pipe", open_pipe },
	{ "unix socket", open_unix_socket },
	{ "TCP socket", connection_open },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct source {
	int read_fd;
	int write_fd;
	size_t bytes;	 /* that it has; SIZE_MAX: no end */
	bool stays_open; /* and stalls after them */
	pthread_t thread;
	size_t written;
};

/* Writes until nobody reads, as xz(1) does. */
static void *feed(void *argument)
{
	static const char bytes[64 << 10];
	struct source *source = argument;

	while (source->written < source->bytes) {
		size_t left = source->bytes - source->written;
		ssize_t put =
			write(source->write_fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
		if (put <= 0)
			break;
		source->written += (size_t)put;
	}
	if (!source->stays_open)
		close(source->write_fd);
	return NULL;
}

static void start_source(struct source *source, open_fn *open)
{
	open(&source->read_fd, &source->write_fd);
	assert_int_equal(pthread_create(&source->thread, NULL, feed, source), 0);
}

static void end_source(struct source *source)
{
	close(source->read_fd);
	pthread_join(source->thread, NULL);
	if (source->stays_open)
		close(source->write_fd);
}

static struct drain drain_of(const struct oakum_unpack_options *options)
{
	struct drain drain;
	struct oakum_error err;

	assert_int_equal(drain_init(&drain, options, &err), 0);
	return drain;
}

/* --- policies --- */

static void a_source_that_ends_is_drained_to_its_end(void **state)
{
	const struct drain policies[] = {
		drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_BOUNDED)),
		drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL)),
	};

	(void)state;
	for (size_t i = 0; i < KINDS * 2; i++) {
		struct source source = { .bytes = 20 << 20 };
		struct oakum_error err = { 0 };
		start_source(&source, kinds[i / 2].open);
		drain_input(source.read_fd, &policies[i % 2], &err);
		if (err.drained_bytes != source.bytes || err.source_left != 0)
			fail_msg("%s: %zu bytes", kinds[i / 2].name, (size_t)err.drained_bytes);
		end_source(&source);
		assert_int_equal(source.written, source.bytes);
	}
}

static void none_reads_nothing(void **state)
{
	const struct drain none = drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_NONE));

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct source source = { .bytes = 1000 };
		struct oakum_error err = { 0 };
		char bytes[2000];
		start_source(&source, kinds[i].open);
		pthread_join(source.thread, NULL);
		drain_input(source.read_fd, &none, &err);
		assert_int_equal(err.drained_bytes, 0);
		assert_int_equal(err.source_left, 1);
		assert_int_equal(read(source.read_fd, bytes, sizeof(bytes)), 1000);
		close(source.read_fd);
	}
}

static void a_source_without_end_is_read_up_to_the_bound(void **state)
{
	enum { BOUND = 3000000 };
	const struct drain bounded = drain_of(OAKUM_UNPACK_OPTIONS(.max_drain_bytes = BOUND));

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct source source = { .bytes = SIZE_MAX };
		struct oakum_error err = { 0 };
		start_source(&source, kinds[i].open);
		drain_input(source.read_fd, &bounded, &err);
		assert_int_equal(err.drained_bytes, BOUND); /* to the byte */
		assert_int_equal(err.source_left, 1);
		end_source(&source);
	}
}

static void a_source_that_stalls_is_waited_for_as_long_as_is_said(void **state)
{
	struct drain policies[] = {
		drain_of(OAKUM_UNPACK_OPTIONS(.drain_ms = 200)),
		drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL)),
	};

	(void)state;
	for (size_t i = 0; i < KINDS * 2; i++) {
		struct source source = { .bytes = 1000, .stays_open = true };
		struct oakum_error err = { 0 };
		start_source(&source, kinds[i / 2].open);
		policies[1].deadline = deadline_from_now(200);
		double start = seconds_now();
		drain_input(source.read_fd, &policies[i % 2], &err);
		double took = seconds_now() - start;
		assert_true(took > 0.15 && took < 5);
		assert_int_equal(err.drained_bytes, 1000);
		assert_int_equal(err.source_left, 1);
		end_source(&source);
	}
}

static void a_signal_to_cancel_ends_it(void **state)
{
	struct drain full = drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL));
	struct source source = { .bytes = 1000, .stays_open = true };
	struct oakum_error err = { 0 };

	(void)state;
	full.cancel_fd = eventfd(1, EFD_CLOEXEC);
	start_source(&source, open_pipe);
	drain_input(source.read_fd, &full, &err);
	assert_int_equal(err.source_left, 1);
	end_source(&source);
	close(full.cancel_fd);
}

/* A reset, as of a registry that went away: an end like any other, at once. */
static void a_source_that_fails_ends_it(void **state)
{
	const struct drain full = drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL));
	struct oakum_error err = { 0 };
	int read_fd;
	int write_fd;

	(void)state;
	connection_open(&read_fd, &write_fd);
	connection_will_reset(write_fd);
	close(write_fd);
	drain_input(read_fd, &full, &err);
	assert_int_equal(err.drained_bytes, 0);
	assert_int_equal(err.source_left, 1);
	close(read_fd);
}

/* Between the look and the read: who would block there might wait for ever. */
static void *read_away(void *argument)
{
	char bytes[4096];
	const int *fd = argument;

	while (read(*fd, bytes, sizeof(bytes)) > 0)
		continue;
	return NULL;
}

static void another_reader_of_the_same_source_does_no_harm(void **state)
{
	const struct drain full = drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL));

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct source source = { .bytes = 4 << 20 };
		struct oakum_error err = { 0 };
		pthread_t rival;
		start_source(&source, kinds[i].open);
		assert_int_equal(pthread_create(&rival, NULL, read_away, &source.read_fd), 0);
		drain_input(source.read_fd, &full, &err);
		assert_int_equal(err.source_left, 0);
		pthread_join(rival, NULL);
		end_source(&source);
	}
}

static void a_file_is_left_where_it_is(void **state)
{
	const struct drain full = drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL));
	struct oakum_error err = { 0 };
	int fd = memory_file("0123456789", 10);

	(void)state;
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	drain_input(fd, &full, &err);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	assert_int_equal(err.drained_bytes, 0);
	assert_int_equal(err.source_left, 0);
	close(fd);
}

/* --- through the whole call --- */

static int unpack_refused(
	struct source *source, const struct oakum_unpack_options *options, struct oakum_error *err)
{
	static const struct member refused[] = { file("../evil", "x"), END };
	struct tarball tar = tarball_of(refused);
	struct scratch scratch;

	memset(err, 0, sizeof(*err));
	scratch_make(&scratch);
	open_pipe(&source->read_fd, &source->write_fd);
	assert_int_equal(write(source->write_fd, tar.bytes, tar.length), (ssize_t)tar.length);
	assert_int_equal(pthread_create(&source->thread, NULL, feed, source), 0);
	int r = oakum_unpack(source->read_fd, scratch.rootfs_fd, options, NULL, err);
	end_source(source);
	scratch_remove(&scratch);
	tarball_free(&tar);
	return r;
}

static void the_first_error_stands_whatever_the_draining_met(void **state)
{
	struct source with_end = { .bytes = 8 << 20 };
	struct source without_end = { .bytes = SIZE_MAX };
	struct source undrained = { .bytes = 8 << 20 };
	struct oakum_error err;

	(void)state;
	assert_int_equal(unpack_refused(&with_end, NULL, &err), -EBADMSG);
	assert_string_equal(err.entry, "../evil");
	assert_int_equal(err.source_left, 0);
	assert_int_equal(with_end.written, with_end.bytes); /* its writer got rid of all */
	assert_int_equal(unpack_refused(&without_end,
				 OAKUM_UNPACK_OPTIONS(.max_drain_bytes = 1 << 20), &err),
		-EBADMSG);
	assert_string_equal(err.entry, "../evil");
	assert_int_equal(err.source_left, 1);
	assert_int_equal(err.drained_bytes, 1 << 20);
	assert_int_equal(
		unpack_refused(&undrained, OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_NONE), &err),
		-EBADMSG);
	assert_int_equal(err.drained_bytes, 0);
	assert_true(undrained.written < undrained.bytes);
}

/* Figures for docs/PERFORMANCE.md; no speed is asked for. */
static void the_cost_of_draining_is_told(void **state)
{
	const struct drain full = drain_of(OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL));

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct source source = { .bytes = 256 << 20 };
		struct oakum_error err = { 0 };
		struct timespec before;
		struct timespec after;
		double start = seconds_now();
		start_source(&source, kinds[i].open);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
		drain_input(source.read_fd, &full, &err);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
		double cpu = (double)(after.tv_sec - before.tv_sec) +
			     (double)(after.tv_nsec - before.tv_nsec) / 1e9;
		print_message("%s: %.1f GiB/s, %.3f s of CPU for a GiB\n", kinds[i].name,
			0.25 / (seconds_now() - start), cpu * 4);
		assert_int_equal(err.drained_bytes, source.bytes);
		end_source(&source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(a_source_that_ends_is_drained_to_its_end),
		host_test(none_reads_nothing),
		host_test(a_source_without_end_is_read_up_to_the_bound),
		host_test(a_source_that_stalls_is_waited_for_as_long_as_is_said),
		host_test(a_signal_to_cancel_ends_it),
		host_test(a_source_that_fails_ends_it),
		host_test(another_reader_of_the_same_source_does_no_harm),
		host_test(a_file_is_left_where_it_is),
		host_test(the_first_error_stands_whatever_the_draining_met),
		host_test(the_cost_of_draining_is_told),
	};

	(void)signal(
		SIGPIPE, SIG_IGN); /* for the tests' own pipes; no call of ours writes to one */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
