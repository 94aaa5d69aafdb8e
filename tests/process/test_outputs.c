/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs whose result goes to a descriptor of the caller's: decompressing and listing. */
#include "support/clock.h"
#include "support/host_state.h"
#include "support/pack.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <oakum/oakum.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef int start_fn(int layer_fd, int output_fd, const struct oakum_unpack_options *options,
	struct oakum_job **job, struct oakum_error *err);

/* Both, and how many processes each has. */
static const struct kind {
	start_fn *start;
	int processes;
	const char *last; /* as messages call it */
} kinds[] = {
	{ oakum_decompress_start, 2, "decompressor" },
	{ oakum_list_start, 3, "lister" },
};

#define EACH_KIND                                        \
	const struct kind *kind = kinds;                 \
	kind < kinds + sizeof(kinds) / sizeof(kinds[0]); \
	kind++

static const struct member small[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	symlink_to("etc/motd", "/run/motd"),
	END,
};

static const char small_listed[] = "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 etc\n"
				   "-rw-r--r-- 0/0               4 1970-01-01 00:00:00 etc/passwd\n"
				   "lrw-r--r-- 0/0               0 1970-01-01 00:00:00 etc/motd "
				   "-> /run/motd\n";

static int layer_of(const struct member *members)
{
	struct tarball tar = tarball_of(members);
	struct packed packed = pack_gzip(tar.bytes, tar.length);
	int fd = memory_file(packed.bytes, packed.length);

	free(packed.bytes);
	tarball_free(&tar);
	return fd;
}

/* Empty files, so many that what is written of them fills any pipe. */
static int layer_of_many(size_t count)
{
	struct tarball tar = { 0 };

	for (size_t i = 0; i < count; i++)
		tarball_add(&tar, &(const struct member)file("a name of usual length", ""));
	tarball_add(&tar, &(const struct member)END);
	int fd = memory_file(tar.bytes, tar.length);
	tarball_free(&tar);
	return fd;
}

static int run(start_fn *start, int layer_fd, int output_fd,
	const struct oakum_unpack_options *options, struct oakum_error *err)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_job *job = NULL;
	int r = start(layer_fd, output_fd, options, &job, err);

	if (r == 0)
		r = oakum_job_wait(&job, &stats, err);
	assert_null(job);
	assert_int_equal(stats.denied_calls, 0);
	assert_int_equal(host_count_descendants(), 0);
	return r;
}

static void the_result_is_in_the_descriptor_and_the_numbers_in_the_statistics(void **state)
{
	struct tarball tar = tarball_of(small);
	char found[16384], engine[64];

	(void)state;
	for (EACH_KIND) {
		const bool is_list = kind->start == oakum_list_start;
		struct oakum_stats stats = OAKUM_STATS_INIT;
		struct oakum_job *job = NULL;
		struct oakum_error err;
		int layer_fd = layer_of(small);
		int output_fd = memory_file("", 0);
		assert_int_equal(kind->start(layer_fd, output_fd, NULL, &job, &err), 0);
		assert_int_equal(oakum_job_wait(&job, &stats, &err), 0);
		ssize_t length = pread(output_fd, found, sizeof(found), 0);
		if (is_list)
			assert_int_equal(length, strlen(small_listed));
		else
			assert_int_equal(length, tar.length);
		assert_memory_equal(found, is_list ? small_listed : tar.bytes, (size_t)length);
		assert_int_equal(stats.stream_bytes, tar.length);
		assert_int_equal(stats.compression, OAKUM_COMPRESSION_GZIP);
		/* The one that is said to have been built in is the one that ran. */
		snprintf(engine, sizeof(engine), "gzip: %s", oakum_engine_name(stats.engine));
		assert_non_null(strstr(oakum_features(), engine));
		assert_int_equal(stats.entries, is_list ? 3 : 0);
		assert_int_equal(stats.content_bytes, is_list ? 4 : 0);
		close(output_fd);
		close(layer_fd);
	}
	tarball_free(&tar);
}

static void what_cannot_be_written_to_is_refused_before_anything_is_started(void **state)
{
	struct oakum_error err;
	int layer_fd = layer_of(small);
	int no_output_fds[] = { open("/dev/null", O_RDONLY | O_CLOEXEC),
		open("/dev/null", O_PATH | O_CLOEXEC), open("/", O_RDONLY | O_CLOEXEC), -1 };

	(void)state;
	for (EACH_KIND) {
		for (size_t i = 0; i < sizeof(no_output_fds) / sizeof(no_output_fds[0]); i++) {
			assert_int_equal(
				run(kind->start, layer_fd, no_output_fds[i], NULL, &err), -EINVAL);
			assert_int_equal(err.stage, OAKUM_STAGE_SETUP);
			assert_non_null(strstr(err.detail, "cannot be written to"));
		}
		assert_int_equal(run(kind->start, -1, 1, NULL, &err), -EINVAL);
	}
	assert_int_equal(lseek(layer_fd, 0, SEEK_CUR), 0);
	for (size_t i = 0; i < 3; i++)
		close(no_output_fds[i]);
	close(layer_fd);
}

static void a_listing_that_is_not_known_is_refused(void **state)
{
	struct oakum_error err;
	int layer_fd = layer_of(small);
	int output_fd = memory_file("", 0);

	(void)state;
	assert_int_equal(run(oakum_list_start, layer_fd, output_fd,
				 OAKUM_UNPACK_OPTIONS(.listing = 4), &err),
		-EINVAL);
	assert_non_null(strstr(err.detail, "listing"));
	close(output_fd);
	close(layer_fd);
}

static void a_reader_that_has_gone_is_an_error_of_writing_and_no_signal(void **state)
{
	struct oakum_error err;
	int fds[2];

	(void)state;
	for (EACH_KIND) {
		int layer_fd = layer_of_many(5000);
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		close(fds[0]);
		assert_int_equal(run(kind->start, layer_fd, fds[1], NULL, &err), -EPIPE);
		assert_string_equal(err.op, "write");
		close(fds[1]);
		close(layer_fd);
	}
}

static void an_output_that_is_full_is_an_error_of_writing(void **state)
{
	struct oakum_error err;
	int full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	for (EACH_KIND) {
		int layer_fd = layer_of(small);
		assert_int_equal(run(kind->start, layer_fd, full_fd, NULL, &err), -ENOSPC);
		assert_string_equal(err.op, "write");
		close(layer_fd);
	}
	close(full_fd);
}

/* --- a layer that stands still --- */

struct standing {
	int layer_fds[2];
	int output_fd;
	struct oakum_job *job;
	struct oakum_error err;
	pid_t pids[3]; /* the monitor's, then in the order of the chain */
};

/* Its layer is not drained, for it has no end. */
static void stand(const struct kind *kind, uint64_t timeout_ms, struct standing *standing)
{
	struct tarball tar = tarball_of(small);

	*standing = (struct standing){ .output_fd = memory_file("", 0) };
	assert_int_equal(pipe2(standing->layer_fds, O_CLOEXEC), 0);
	assert_int_equal(
		kind->start(standing->layer_fds[0], standing->output_fd,
			OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_NONE, .timeout_ms = timeout_ms),
			&standing->job, &standing->err),
		0);
	if (timeout_ms == 0)
		slow_wait_for_walls(standing->pids, kind->processes);
	assert_int_equal(write(standing->layer_fds[1], tar.bytes, 1000), 1000);
	tarball_free(&tar);
}

static int end(struct standing *standing)
{
	int r = oakum_job_wait(&standing->job, NULL, &standing->err);

	assert_int_equal(host_count_descendants(), 0);
	close(standing->layer_fds[0]);
	close(standing->layer_fds[1]);
	close(standing->output_fd);
	return r;
}

static void whoever_cancels_ends_it_at_once(void **state)
{
	struct standing standing;

	(void)state;
	for (EACH_KIND) {
		stand(kind, 0, &standing);
		double start = seconds_now();
		oakum_job_cancel(standing.job);
		assert_int_equal(end(&standing), -ECANCELED);
		assert_true(seconds_now() - start < 5);
	}
}

static void a_deadline_ends_it_where_the_layer_stands_still(void **state)
{
	struct standing standing;

	(void)state;
	for (EACH_KIND) {
		stand(kind, 300, &standing);
		struct pollfd until = { oakum_job_pollfd(standing.job), POLLIN, 0 };
		assert_int_equal(poll(&until, 1, 10000), 1);
		assert_int_equal(end(&standing), -ETIMEDOUT);
	}
}

static void a_deadline_ends_it_where_nobody_reads(void **state)
{
	struct oakum_error err;
	int fds[2];

	(void)state;
	for (EACH_KIND) {
		int layer_fd = layer_of_many(20000);
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		double start = seconds_now();
		assert_int_equal(run(kind->start, layer_fd, fds[1],
					 OAKUM_UNPACK_OPTIONS(.timeout_ms = 200), &err),
			-ETIMEDOUT);
		assert_true(seconds_now() - start < 5);
		close(fds[0]);
		close(fds[1]);
		close(layer_fd);
	}
}

static void each_that_is_killed_is_named(void **state)
{
	struct standing standing;

	(void)state;
	for (EACH_KIND) {
		for (int victim = 0; victim < kind->processes; victim++) {
			const char *who = victim == 0			  ? "monitor"
					  : victim + 1 == kind->processes ? kind->last
									  : "decompressor";
			stand(kind, 0, &standing);
			assert_int_equal(kill(standing.pids[victim], SIGKILL), 0);
			assert_int_equal(end(&standing), -EIO);
			assert_int_equal(standing.err.stage, OAKUM_STAGE_REAP);
			assert_non_null(strstr(standing.err.detail, who));
		}
	}
}

/* --- the lister's walls --- */

static void assert_status_has(pid_t pid, const char *line)
{
	char path[64];
	char text[8192] = "";

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	if (strstr(text, line) == NULL)
		fail_msg("no %s in %s", line, text);
}

static void the_lister_has_no_right_and_no_file(void **state)
{
	static const char *const fds[] = { "0", "1", "2", "5", "9" };
	struct standing standing;
	char path[64];
	size_t count = 0;

	(void)state;
	stand(&kinds[1], 0, &standing);
	const pid_t pid = standing.pids[2];
	assert_status_has(pid, "CapPrm:\t0000000000000000");
	assert_status_has(pid, "CapEff:\t0000000000000000");
	assert_status_has(pid, "NoNewPrivs:\t1");
#ifndef OAKUM_SANITIZED
	assert_status_has(pid, "Seccomp:\t2");
#endif
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		assert_true(count < sizeof(fds) / sizeof(fds[0]));
		assert_string_equal(entry->d_name, fds[count++]);
	}
	closedir(directory);
	assert_int_equal(count, sizeof(fds) / sizeof(fds[0]));
	oakum_job_cancel(standing.job);
	assert_int_equal(end(&standing), -ECANCELED);
}

/* --- descriptors of every kind --- */

static void make_ends(bool is_socket, int fds[2])
{
	if (is_socket)
		assert_int_equal(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	else
		assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

/* All that comes until the job is over, by a reader who takes his time. */
static size_t read_slowly(int fd, struct oakum_job *job)
{
	static char bytes[60000];
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { oakum_job_pollfd(job), POLLIN, 0 } };
	size_t sum = 0;

	for (;;) {
		assert_true(poll(fds, 2, 20000) > 0);
		ssize_t got = read(fd, bytes, sizeof(bytes));
		if (got > 0)
			sum += (size_t)got;
		else if (fds[1].revents != 0)
			return sum;
		usleep(200);
	}
}

static void an_output_that_does_not_block_is_waited_for(void **state)
{
	enum { COUNT = 4000 };
	struct oakum_error err;
	int fds[2];

	(void)state;
	for (int is_socket = 0; is_socket < 2; is_socket++) {
		for (EACH_KIND) {
			const size_t line_bytes = strlen("-rw-r--r-- 0/0               0 "
							 "1970-01-01 00:00:00 "
							 "a name of usual length\n");
			struct oakum_job *job = NULL;
			int layer_fd = layer_of_many(COUNT);
			make_ends(is_socket == 1, fds);
			assert_int_equal(kind->start(layer_fd, fds[1], NULL, &job, &err), 0);
			size_t sum = read_slowly(fds[0], job);
			assert_int_equal(oakum_job_wait(&job, NULL, &err), 0);
			assert_int_equal(sum, kind->start == oakum_list_start
						      ? COUNT * line_bytes
						      : (COUNT + 2) * TAR_BLOCK_BYTES);
			close(fds[0]);
			close(fds[1]);
			close(layer_fd);
		}
	}
}

static void a_layer_comes_from_a_pipe_or_socket_that_does_not_block(void **state)
{
	struct tarball tar = tarball_of(small);
	struct oakum_error err;
	int fds[2];

	(void)state;
	for (int is_socket = 0; is_socket < 2; is_socket++) {
		for (EACH_KIND) {
			struct oakum_job *job = NULL;
			int output_fd = memory_file("", 0);
			make_ends(is_socket == 1, fds);
			assert_int_equal(kind->start(fds[0], output_fd, NULL, &job, &err), 0);
			usleep(30000); /* it waits by now, or would have failed */
			assert_int_equal(write(fds[1], tar.bytes, tar.length), tar.length);
			close(fds[1]);
			assert_int_equal(oakum_job_wait(&job, NULL, &err), 0);
			assert_int_equal(lseek(output_fd, 0, SEEK_END),
				kind->start == oakum_list_start ? strlen(small_listed)
								: tar.length);
			close(fds[0]);
			close(output_fd);
		}
	}
	tarball_free(&tar);
}

/* --- memory --- */

/*
 * The most that a process of the job has had, in KiB. In a child, for it adds up; and what we
 * have counts too, for the helper begins in our memory.
 */
static long memory_for(size_t entries)
{
	long most = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	int layer_fd = layer_of_many(entries);
	malloc_trim(0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct oakum_error err;
		struct oakum_job *job;
		struct rusage usage;
		int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (oakum_list_start(layer_fd, null_fd, NULL, &job, &err) < 0 ||
			oakum_job_wait(&job, NULL, &err) < 0 ||
			getrusage(RUSAGE_CHILDREN, &usage) < 0)
			_exit(1);
		_exit(write(fds[1], &usage.ru_maxrss, sizeof(usage.ru_maxrss)) < 0);
	}
	assert_int_equal(read(fds[0], &most, sizeof(most)), sizeof(most));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	close(fds[1]);
	close(layer_fd);
	return most;
}

static void a_long_list_takes_no_more_memory_than_a_short_one(void **state)
{
	(void)state;
#ifdef OAKUM_SANITIZED /* which keep for a while what was freed */
	skip();
#endif
	long of_few = memory_for(10000); /* which fill the ring */
	long of_many = memory_for(60000);
	assert_true(of_few > 0);
	if (of_many > of_few + 512)
		fail_msg("%ld KiB for 10000 entries, %ld KiB for 60000", of_few, of_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(the_result_is_in_the_descriptor_and_the_numbers_in_the_statistics),
		host_test(what_cannot_be_written_to_is_refused_before_anything_is_started),
		host_test(a_listing_that_is_not_known_is_refused),
		host_test(a_reader_that_has_gone_is_an_error_of_writing_and_no_signal),
		host_test(an_output_that_is_full_is_an_error_of_writing),
		host_test(whoever_cancels_ends_it_at_once),
		host_test(a_deadline_ends_it_where_the_layer_stands_still),
		host_test(a_deadline_ends_it_where_nobody_reads),
		host_test(each_that_is_killed_is_named),
		host_test(the_lister_has_no_right_and_no_file),
		host_test(an_output_that_does_not_block_is_waited_for),
		host_test(a_layer_comes_from_a_pipe_or_socket_that_does_not_block),
		host_test(a_long_list_takes_no_more_memory_than_a_short_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
