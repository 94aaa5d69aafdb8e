/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: started, looked at, cancelled and waited for, one and many, from one thread and from
 * others. */
#include "support/clock.h"
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct member small[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	END,
};

static const struct member large[] = {
	big_file("large", 8 << 20),
	END,
};

/* A layer that comes from a pipe, so that it can stand still. */
struct piped {
	int read_fd;
	int write_fd;
	struct scratch scratch;
	struct oakum_job *job;
	struct oakum_error err;
};

static void start_piped(struct piped *piped, const struct oakum_unpack_options *options)
{
	int fds[2];

	*piped = (struct piped){ .job = NULL };
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	piped->read_fd = fds[0];
	piped->write_fd = fds[1];
	scratch_make(&piped->scratch);
	assert_int_equal(oakum_unpack_start(piped->read_fd, piped->scratch.rootfs_fd, options,
				 &piped->job, &piped->err),
		0);
	assert_non_null(piped->job);
}

static int end_piped(struct piped *piped)
{
	int r = oakum_job_wait(&piped->job, NULL, &piped->err);

	assert_null(piped->job);
	assert_true(scratch_outside_is_untouched(&piped->scratch));
	scratch_remove(&piped->scratch);
	close(piped->read_fd);
	if (piped->write_fd >= 0)
		close(piped->write_fd);
	return r;
}

static bool has_ended(const struct oakum_job *job, int timeout_ms)
{
	struct pollfd fd = { .fd = oakum_job_pollfd(job), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static void write_all(int fd, const struct tarball *tar, size_t from, size_t to)
{
	while (from < to) {
		ssize_t put = write(fd, tar->bytes + from, to - from);
		assert_true(put > 0);
		from += (size_t)put;
	}
}

static void a_job_runs_beside_its_caller_and_says_when_it_has_ended(void **state)
{
	struct tarball tar = tarball_of(small);
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct piped piped;

	(void)state;
	start_piped(&piped, NULL);
	assert_false(has_ended(piped.job, 50));
	write_all(piped.write_fd, &tar, 0, tar.length);
	close(piped.write_fd);
	piped.write_fd = -1;
	assert_true(has_ended(piped.job, 10000));
	/* Waiting can wait. */
	usleep(20000);
	assert_true(has_ended(piped.job, 0));
	assert_int_equal(oakum_job_wait(&piped.job, &stats, &piped.err), 0);
	assert_null(piped.job);
	assert_int_equal(stats.entries, 2);
	assert_true(scratch_file_is(&piped.scratch, "etc/passwd", "root"));
	scratch_remove(&piped.scratch);
	close(piped.read_fd);
	tarball_free(&tar);
}

static void a_job_leaves_the_host_as_it_was(void **state)
{
	struct tarball tar = tarball_of(small);
	struct host_state before;
	struct host_state after;
	struct piped piped;

	(void)state;
	for (int run = 0; run < 3; run++) { /* the first makes what is kept */
		if (run == 1)
			host_state_take(&before);
		start_piped(&piped, OAKUM_UNPACK_OPTIONS(.timeout_ms = 60000));
		write_all(piped.write_fd, &tar, 0, run == 2 ? 512 : tar.length);
		close(piped.write_fd);
		piped.write_fd = -1;
		assert_int_equal(end_piped(&piped), run == 2 ? -EBADMSG : 0);
	}
	host_state_take(&after);
	assert_true(host_state_is_the_same(&before, &after));
	tarball_free(&tar);
}

static void what_cannot_be_started_leaves_nothing(void **state)
{
	struct oakum_job *job = NULL;
	struct oakum_error err;
	struct host_state before;
	struct host_state after;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	int file_fd = memory_file("x", 1);
	host_state_take(&before);
	assert_int_equal(oakum_unpack_start(-1, scratch.rootfs_fd, NULL, &job, &err), -EINVAL);
	assert_int_equal(oakum_unpack_start(file_fd, file_fd, NULL, &job, &err), -EINVAL);
	assert_int_equal(oakum_unpack_start(file_fd, scratch.rootfs_fd,
				 OAKUM_UNPACK_OPTIONS(.drain = 99), &job, &err),
		-EINVAL);
	assert_non_null(strstr(err.detail, "drain"));
	assert_null(job);
	assert_int_equal(oakum_job_wait(&job, NULL, &err), -EINVAL);
	host_state_take(&after);
	assert_true(host_state_is_the_same(&before, &after));
	close(file_fd);
	scratch_remove(&scratch);
}

/* --- progress --- */

static struct oakum_progress progress_of(struct oakum_job *job)
{
	struct oakum_progress progress = OAKUM_PROGRESS_INIT;

	assert_int_equal(oakum_job_progress(job, &progress), 0);
	return progress;
}

static void progress_is_in_bytes_and_entries_and_goes_one_way(void **state)
{
	static const struct member layer[] = {
		file("first", "x"),
		big_file("large", 4 << 20),
		file("last", "y"),
		END,
	};
	struct tarball tar = tarball_of(layer);
	const size_t half = 2 << 20;
	struct oakum_progress progress;
	struct piped piped;

	(void)state;
	start_piped(&piped, NULL);
	progress = progress_of(piped.job);
	assert_int_equal(progress.layer_total_bytes, 0); /* nobody knows, of a pipe */
	write_all(piped.write_fd, &tar, 0, half);
	for (int tries = 0; tries < 1000 && progress.layer_bytes < half; tries++) {
		usleep(2000);
		struct oakum_progress next = progress_of(piped.job);
		assert_true(next.layer_bytes >= progress.layer_bytes);
		assert_true(next.content_bytes >= progress.content_bytes);
		progress = next;
	}
	assert_int_equal(progress.layer_bytes, half);
	usleep(50000);
	progress = progress_of(piped.job);
	assert_true(progress.stream_bytes > half / 2 && progress.stream_bytes <= half);
	assert_int_equal(progress.entries, 2);
	assert_true(progress.content_bytes > half / 2 && progress.content_bytes < half);
	assert_true(progress.elapsed_ms >= 50);
	write_all(piped.write_fd, &tar, half, tar.length);
	close(piped.write_fd);
	piped.write_fd = -1;
	assert_true(has_ended(piped.job, 10000));
	progress = progress_of(piped.job);
	assert_int_equal(progress.layer_bytes, tar.length);
	assert_int_equal(progress.entries, 3);
	assert_int_equal(progress.content_bytes, (4 << 20) + 2);
	assert_int_equal(end_piped(&piped), 0);
	tarball_free(&tar);
}

static void progress_of_a_file_knows_its_end(void **state)
{
	struct tarball tar = tarball_of(small);
	struct oakum_job *job;
	struct oakum_error err;
	struct scratch scratch;
	struct {
		size_t size;
		uint64_t layer_bytes;
		uint64_t unwritten;
	} older = { .size = offsetof(struct oakum_progress, layer_total_bytes), .unwritten = 7 };

	(void)state;
	scratch_make(&scratch);
	int layer_fd = memory_file(tar.bytes, tar.length);
	assert_int_equal(oakum_unpack_start(layer_fd, scratch.rootfs_fd, NULL, &job, &err), 0);
	assert_int_equal(progress_of(job).layer_total_bytes, tar.length);
	assert_true(has_ended(job, 10000));
	/* A caller that was built with a shorter struct gets what fits. */
	assert_int_equal(oakum_job_progress(job, (struct oakum_progress *)&older), 0);
	assert_int_equal(older.layer_bytes, tar.length);
	assert_int_equal(older.unwritten, 7);
	older.size = 0;
	assert_int_equal(oakum_job_progress(job, (struct oakum_progress *)&older), -EINVAL);
	assert_int_equal(oakum_job_wait(&job, NULL, &err), 0);
	close(layer_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* --- cancel --- */

static void *cancel_soon(void *argument)
{
	usleep(100000);
	oakum_job_cancel(argument);
	return NULL;
}

static void another_thread_cancels_while_one_waits(void **state)
{
	struct piped piped;
	pthread_t thread;

	(void)state;
	start_piped(&piped, NULL);
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, piped.job), 0);
	assert_int_equal(end_piped(&piped), -ECANCELED);
	pthread_join(thread, NULL);
	assert_int_equal(piped.err.stage, OAKUM_STAGE_REAP);
	assert_non_null(strstr(piped.err.detail, "cancelled"));
	assert_int_equal(host_count_descendants(), 0);
}

static void a_job_that_had_its_result_is_not_cancelled_any_more(void **state)
{
	struct tarball tar = tarball_of(small);
	struct piped piped;

	(void)state;
	start_piped(&piped, NULL);
	write_all(piped.write_fd, &tar, 0, tar.length);
	close(piped.write_fd);
	piped.write_fd = -1;
	assert_true(has_ended(piped.job, 10000));
	oakum_job_cancel(piped.job);
	assert_int_equal(end_piped(&piped), 0);
	tarball_free(&tar);
}

/* A source that goes on for ever, of which all is to be drained. */
static void *write_without_end(void *argument)
{
	static const char bytes[4096];
	const int *fd = argument;

	while (write(*fd, bytes, sizeof(bytes)) > 0)
		continue;
	return NULL;
}

static void cancelling_ends_the_draining_too(void **state)
{
	static const struct member refused[] = { file("../evil", "x"), END };
	struct tarball tar = tarball_of(refused);
	struct piped piped;
	pthread_t writer;
	pthread_t canceller;

	(void)state;
	start_piped(&piped, OAKUM_UNPACK_OPTIONS(.drain = OAKUM_DRAIN_FULL));
	write_all(piped.write_fd, &tar, 0, tar.length);
	assert_int_equal(pthread_create(&writer, NULL, write_without_end, &piped.write_fd), 0);
	assert_true(has_ended(piped.job, 10000));
	assert_int_equal(pthread_create(&canceller, NULL, cancel_soon, piped.job), 0);
	double start = seconds_now();
	assert_int_equal(oakum_job_wait(&piped.job, NULL, &piped.err), -EBADMSG);
	double took = seconds_now() - start;
	pthread_join(canceller, NULL);
	assert_true(took > 0.05 && took < 5);
	assert_string_equal(piped.err.entry, "../evil");
	assert_int_equal(piped.err.source_left, 1);
	assert_true(piped.err.drained_bytes > 0);
	close(piped.read_fd); /* ends the writer */
	pthread_join(writer, NULL);
	close(piped.write_fd);
	scratch_remove(&piped.scratch);
	tarball_free(&tar);
}

static int compare_doubles(const void *left, const void *right)
{
	double difference = *(const double *)left - *(const double *)right;

	return (difference > 0) - (difference < 0);
}

/* In the middle of a large write, of a stall, of the start: whatever the children are doing. */
static void from_cancel_to_return_takes_no_time_to_speak_of(void **state)
{
	enum { RUNS = 40 };
	struct tarball tar = tarball_of(large);
	double times[RUNS];

	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct piped piped;
		start_piped(&piped, NULL);
		assert_true(fcntl(piped.write_fd, F_SETFL, O_NONBLOCK) == 0);
		for (size_t done = 0; run % 4 != 0 && done < tar.length / (size_t)(run % 4);) {
			ssize_t put = write(piped.write_fd, tar.bytes + done, tar.length - done);
			done += put > 0 ? (size_t)put : 0;
		}
		usleep((useconds_t)(run * 100));
		double start = seconds_now();
		oakum_job_cancel(piped.job);
		int r = oakum_job_wait(&piped.job, NULL, &piped.err);
		times[run] = seconds_now() - start;
		assert_true(r == -ECANCELED || r == 0);
		assert_int_equal(host_count_descendants(), 0);
		scratch_remove(&piped.scratch);
		close(piped.read_fd);
		close(piped.write_fd);
	}
	qsort(times, RUNS, sizeof(times[0]), compare_doubles);
	print_message("from cancel to return: median %.2f ms, worst %.2f ms\n",
		times[RUNS / 2] * 1e3, times[RUNS - 1] * 1e3);
	/* The promise is 50 ms as a median; a machine that is busy has ten times that. */
	assert_true(times[RUNS / 2] < 0.5);
	tarball_free(&tar);
}

/* --- the deadline, and many at once --- */

static void the_deadline_wakes_whoever_polls(void **state)
{
	struct piped piped;

	(void)state;
	start_piped(&piped, OAKUM_UNPACK_OPTIONS(.timeout_ms = 200));
	assert_false(has_ended(piped.job, 50));
	assert_true(has_ended(piped.job, 10000));
	assert_int_equal(end_piped(&piped), -ETIMEDOUT);
	assert_int_equal(host_count_descendants(), 0);
}

static void a_time_past_all_time_is_none(void **state)
{
	const uint64_t times[] = { UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX - 1000000000000 };
	struct tarball tar = tarball_of(small);

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct piped piped;
		start_piped(&piped, OAKUM_UNPACK_OPTIONS(.timeout_ms = times[i]));
		write_all(piped.write_fd, &tar, 0, tar.length);
		close(piped.write_fd);
		piped.write_fd = -1;
		assert_true(has_ended(piped.job, 10000));
		assert_int_equal(end_piped(&piped), 0);
	}
	tarball_free(&tar);
}

/* --- hosts that take things from themselves --- */

static void *unpack_from_pipe(void *argument)
{
	struct piped *piped = argument;

	(void)oakum_unpack(piped->read_fd, piped->scratch.rootfs_fd, NULL, NULL, &piped->err);
	pthread_testcancel();
	return NULL;
}

/* Then there would be a lock that nobody gives back, and processes that nobody waits for. */
static void a_thread_that_is_cancelled_ends_after_the_call(void **state)
{
	struct tarball tar = tarball_of(small);
	struct piped piped = { .job = NULL };
	pthread_t thread;
	int fds[2];
	void *ended;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	piped.read_fd = fds[0];
	scratch_make(&piped.scratch);
	assert_int_equal(pthread_create(&thread, NULL, unpack_from_pipe, &piped), 0);
	usleep(100000);
	assert_int_equal(pthread_cancel(thread), 0);
	usleep(100000);
	write_all(fds[1], &tar, 0, tar.length);
	close(fds[1]);
	assert_int_equal(pthread_join(thread, &ended), 0);
	assert_ptr_equal(ended, PTHREAD_CANCELED);
	assert_true(scratch_file_is(&piped.scratch, "etc/passwd", "root"));
	assert_int_equal(oakum_reaper_deliver(1, 0), 0); /* the lock is free */
	close(fds[0]);
	scratch_remove(&piped.scratch);
	tarball_free(&tar);
}

/* In a child, which a signal would end: 0, or what went wrong. */
static int status_of_child(int (*body)(struct piped *piped))
{
	struct piped piped;
	int status;

	start_piped(&piped, OAKUM_UNPACK_OPTIONS(.timeout_ms = 1));
	(void)end_piped(&piped);
	start_piped(&piped, NULL);
	close(piped.write_fd);
	piped.write_fd = -1;
	assert_int_equal(end_piped(&piped), 0);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		_exit(body(&piped));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int without_descriptors(struct piped *piped)
{
	const struct rlimit none = { 0, 0 };

	start_piped(piped, OAKUM_UNPACK_OPTIONS(.timeout_ms = 500));
	if (setrlimit(RLIMIT_NOFILE, &none) < 0)
		return 2;
	return oakum_job_wait(&piped->job, NULL, &piped->err) == -ETIMEDOUT ? 0 : 1;
}

static int without_file_size(struct piped *piped)
{
	const struct rlimit none = { 0, 0 };
	struct scratch scratch;

	scratch_make(&scratch);
	oakum_trim();
	int layer_fd = open("/dev/null", O_RDONLY);
	if (setrlimit(RLIMIT_FSIZE, &none) < 0)
		return 2;
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &piped->err);
	int started =
		oakum_unpack_start(layer_fd, scratch.rootfs_fd, NULL, &piped->job, &piped->err);
	scratch_remove(&scratch);
	return r == -EFBIG && started == -EFBIG ? 0 : 1;
}

static void limits_of_the_host_are_errors_and_neither_deaths_nor_hangs(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(without_descriptors), 0);
	assert_int_equal(status_of_child(without_file_size), 0);
}

enum { MANY = 64 };

struct many {
	struct oakum_job *jobs[MANY];
	struct scratch scratches[MANY];
	int layer_fds[MANY];
	int epoll_fd;
};

/* Every fourth must fail, so that a result in the wrong place is seen. */
static bool must_fail(int i)
{
	return i % 4 == 3;
}

static void start_many(struct many *many, const struct tarball *tar)
{
	many->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < MANY; i++) {
		struct oakum_error err;
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
		scratch_make(&many->scratches[i]);
		many->layer_fds[i] = memory_file(tar->bytes, must_fail(i) ? 1000 : tar->length);
		assert_int_equal(oakum_unpack_start(many->layer_fds[i],
					 many->scratches[i].rootfs_fd, NULL, &many->jobs[i], &err),
			0);
		assert_int_equal(epoll_ctl(many->epoll_fd, EPOLL_CTL_ADD,
					 oakum_job_pollfd(many->jobs[i]), &event),
			0);
	}
}

static void end_one_of_many(struct many *many, int i)
{
	struct oakum_error err = { 0 };

	assert_int_equal(oakum_job_wait(&many->jobs[i], NULL, &err), must_fail(i) ? -EBADMSG : 0);
	assert_int_equal(scratch_file_is(&many->scratches[i], "etc/passwd", "root"), !must_fail(i));
	scratch_remove(&many->scratches[i]);
	close(many->layer_fds[i]);
}

static void sixty_four_jobs_share_one_loop(void **state)
{
	static struct many many;
	struct tarball tar = tarball_of(small);
	int ended = 0;

	(void)state;
	start_many(&many, &tar);
	while (ended < MANY) {
		struct epoll_event events[8];
		int count = epoll_wait(many.epoll_fd, events, 8, 20000);
		assert_true(count > 0);
		for (int i = 0; i < count; i++) {
			end_one_of_many(&many, (int)events[i].data.u32);
			ended++;
		}
	}
	close(many.epoll_fd);
	tarball_free(&tar);
}

/* --- a large host --- */

static double median_of_starts(void)
{
	enum { RUNS = 31 };
	struct tarball tar = tarball_of(small);
	double times[RUNS];

	for (int run = 0; run < RUNS; run++) {
		struct oakum_job *job;
		struct oakum_error err;
		struct scratch scratch;
		scratch_make(&scratch);
		int layer_fd = memory_file(tar.bytes, tar.length);
		double start = seconds_now();
		assert_int_equal(
			oakum_unpack_start(layer_fd, scratch.rootfs_fd, NULL, &job, &err), 0);
		times[run] = seconds_now() - start;
		assert_int_equal(oakum_job_wait(&job, NULL, &err), 0);
		close(layer_fd);
		scratch_remove(&scratch);
	}
	tarball_free(&tar);
	qsort(times, RUNS, sizeof(times[0]), compare_doubles);
	return times[RUNS / 2];
}

/* A copy of the page tables alone would take 136 ms of 4 GiB. */
static void starting_costs_a_large_host_no_more_than_a_small_one(void **state)
{
#ifdef OAKUM_SANITIZED /* which watches each access to it */
	const size_t bytes = (size_t)64 << 20;
#else
	const size_t bytes = (size_t)1 << 30;
#endif
	double from_small = median_of_starts();

	(void)state;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(madvise(memory, bytes, MADV_NOHUGEPAGE), 0);
	for (size_t at = 0; at < bytes; at += 4096)
		memory[at] = 1;
	double from_large = median_of_starts();
	munmap(memory, bytes);
	print_message("start: %.2f ms from a small host, %.2f ms with %zu MiB resident\n",
		from_small * 1e3, from_large * 1e3, bytes >> 20);
	/* The promise is 1 ms; a fork(2) would have taken more than this. */
	assert_true(from_large - from_small < 0.015);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(a_job_runs_beside_its_caller_and_says_when_it_has_ended),
		host_test(a_job_leaves_the_host_as_it_was),
		host_test(what_cannot_be_started_leaves_nothing),
		host_test(progress_is_in_bytes_and_entries_and_goes_one_way),
		host_test(progress_of_a_file_knows_its_end),
		host_test(another_thread_cancels_while_one_waits),
		host_test(a_job_that_had_its_result_is_not_cancelled_any_more),
		host_test(cancelling_ends_the_draining_too),
		host_test(from_cancel_to_return_takes_no_time_to_speak_of),
		host_test(the_deadline_wakes_whoever_polls),
		host_test(a_time_past_all_time_is_none),
		host_test(a_thread_that_is_cancelled_ends_after_the_call),
		host_test(limits_of_the_host_are_errors_and_neither_deaths_nor_hangs),
		host_test(sixty_four_jobs_share_one_loop),
		host_test(starting_costs_a_large_host_no_more_than_a_small_one),
	};

	(void)signal(
		SIGPIPE, SIG_IGN); /* for the tests' own pipes; no call of ours writes to one */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
