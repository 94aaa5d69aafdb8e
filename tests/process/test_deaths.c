/* SPDX-License-Identifier: Apache-2.0 */
/* Any of the three processes dies, at any time, of any signal; or the caller does. */
#include "support/clock.h"
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct member layer[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	big_file("large", 1 << 20),
	END,
};

/* One victim, one signal, in the middle of a layer that then ends too early. */
static void strike(struct scratch *scratch, const struct tarball *tar, int victim, int number)
{
	static const char *const who[] = { "monitor", "decompressor", "unpacker" };
	/* To the first process of a pid namespace the kernel delivers nothing but SIGKILL. */
	bool is_immune = victim == 0 && number != SIGKILL;
	struct slow_unpack slow;
	pid_t pids[3];
	char by[32];

	slow_unpack_start(&slow, scratch, NULL);
	slow_unpack_wait_for_walls(pids);
	assert_int_equal(slow_unpack_write(&slow, tar->bytes, 2000), 2000);
	assert_int_equal(kill(pids[victim], number), 0);
	double start = seconds_now();
	int r = slow_unpack_end(&slow);
	assert_true(seconds_now() - start < 8);
	assert_int_equal(r, is_immune ? -EBADMSG : -EIO);
	assert_int_equal(slow.err.stage, is_immune ? OAKUM_STAGE_READ : OAKUM_STAGE_REAP);
	snprintf(by, sizeof(by), "signal %d", number);
	if (!is_immune && (strstr(slow.err.detail, who[victim]) == NULL ||
				  strstr(slow.err.detail, by) == NULL))
		fail_msg("%s, %s: \"%s\"", who[victim], by, slow.err.detail);
	assert_int_equal(host_count_descendants(), 0);
}

static void every_signal_to_every_process_ends_in_an_error_that_names_it(void **state)
{
	static const int signals[] = {
		SIGKILL,
		SIGTERM,
		SIGHUP,
#ifndef OAKUM_SANITIZED /* a sanitizer catches these */
		SIGSEGV,
		SIGABRT,
		SIGILL,
#endif
	};
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		for (int victim = 0; victim < 3; victim++) {
			strike(&scratch, &tar, victim, signals[i]);
			scratch_renew(&scratch);
		}
	}
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void kills_at_random_times_never_hang_and_never_lie(void **state)
{
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;
	unsigned int failed = 0;

	(void)state;
	srandom(7);
	scratch_make(&scratch);
	for (int run = 0; run < 60; run++) {
		struct slow_unpack slow;
		pid_t pids[3];
		scratch_renew(&scratch);
		slow_unpack_start(&slow, &scratch, NULL);
		assert_int_equal(slow_unpack_write(&slow, tar.bytes, 4096), 4096);
		usleep((useconds_t)(random() % 4000));
		int found = host_find_helpers(pids, 3);
		if (found > 0)
			(void)kill(pids[random() % found], SIGKILL);
		size_t put = slow_unpack_write(&slow, tar.bytes + 4096, tar.length - 4096);
		int r = slow_unpack_end(&slow);
		failed += r < 0;
		if (r == 0) {
			assert_int_equal(put, tar.length - 4096);
			assert_true(scratch_file_is(&scratch, "etc/passwd", "root"));
		}
		assert_int_equal(host_count_descendants(), 0);
	}
	assert_true(failed > 0);
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static bool are_gone(const pid_t pids[3])
{
	for (int tries = 0; tries < 500; tries++) {
		int alive = 0;
		for (int i = 0; i < 3; i++)
			alive += kill(pids[i], 0) == 0;
		if (alive == 0)
			return true;
		usleep(10000);
	}
	return false;
}

/* The source stays open, and stalls: nothing but the caller's death can end its processes. */
static void when_the_caller_dies_nothing_of_ours_lives_on(void **state)
{
	struct scratch scratch;
	pid_t pids[3];
	int source[2];
	int status;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(pipe2(source, O_CLOEXEC), 0);
	pid_t caller = fork();
	assert_true(caller >= 0);
	if (caller == 0) {
		struct oakum_error err;
		(void)oakum_unpack(source[0], scratch.rootfs_fd, NULL, NULL, &err);
		_exit(0);
	}
	slow_unpack_wait_for_walls(pids);
	assert_int_equal(kill(caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, &status, 0), caller);
	assert_true(are_gone(pids));
	close(source[0]);
	close(source[1]);
	scratch_remove(&scratch);
}

/* At any moment; and whoever tries again at once need not know of the first. */
static void after_a_caller_was_killed_the_next_run_succeeds(void **state)
{
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;
	int killed = 0;

	(void)state;
	srandom(11);
	scratch_make(&scratch);
	for (int run = 0; run < 60; run++) {
		struct oakum_error err = { 0 };
		int layer_fd = memory_file(tar.bytes, tar.length);
		int its_fd = memory_file(tar.bytes, tar.length); /* an offset is shared */
		int status;
		pid_t caller = fork();
		if (caller == 0)
			_exit(oakum_unpack(its_fd, scratch.rootfs_fd, NULL, NULL, &err) < 0);
		usleep((useconds_t)(random() % 6000));
		kill(caller, SIGKILL);
		assert_int_equal(waitpid(caller, &status, 0), caller);
		killed += WIFSIGNALED(status);
		if (oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err) != 0)
			fail_msg("%s: %s: %s", err.entry, err.op, err.detail);
		assert_true(scratch_file_is(&scratch, "etc/passwd", "root"));
		close(layer_fd);
		close(its_fd);
	}
	assert_true(killed > 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* It cannot be told by its pipe: the other is waiting for a source that says nothing. */
static void when_one_dies_a_stalled_source_keeps_nobody_alive(void **state)
{
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[3];

	(void)state;
	scratch_make(&scratch);
	for (int victim = 0; victim < 3; victim++) {
		slow_unpack_start(&slow, &scratch, NULL);
		slow_unpack_wait_for_walls(pids);
		assert_int_equal(kill(pids[victim], SIGKILL), 0);
		double start = seconds_now();
		pthread_join(slow.thread, NULL);
		assert_true(seconds_now() - start < 8);
		assert_int_equal(slow.result, -EIO);
		assert_non_null(strstr(slow.err.detail, "signal 9"));
		assert_int_equal(host_count_descendants(), 0);
		close(slow.write_fd);
		close(slow.read_fd);
	}
	scratch_remove(&scratch);
}

static void a_source_that_stalls_ends_at_the_deadline(void **state)
{
	struct scratch scratch;
	struct slow_unpack slow;

	(void)state;
	scratch_make(&scratch);
	double start = seconds_now();
	slow_unpack_start(&slow, &scratch, OAKUM_UNPACK_OPTIONS(.timeout_ms = 300));
	usleep(1000000);
	assert_int_equal(slow_unpack_end(&slow), -ETIMEDOUT);
	assert_true(seconds_now() - start < 5);
	assert_int_equal(host_count_descendants(), 0);
	scratch_remove(&scratch);
}

/* Stopped is neither dead nor alive: only the deadline tells, and SIGKILL reaches it all the same.
 */
static void a_process_that_is_stopped_ends_at_the_deadline(void **state)
{
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[3];

	(void)state;
	scratch_make(&scratch);
	for (int victim = 0; victim < 3; victim++) {
		slow_unpack_start(&slow, &scratch, OAKUM_UNPACK_OPTIONS(.timeout_ms = 1500));
		slow_unpack_wait_for_walls(pids);
		assert_int_equal(kill(pids[victim], SIGSTOP), 0);
		assert_int_equal(slow_unpack_end(&slow), -ETIMEDOUT);
		assert_int_equal(host_count_descendants(), 0);
	}
	scratch_remove(&scratch);
}

static void a_rootfs_that_is_removed_meanwhile_is_an_error_and_made_nowhere_else(void **state)
{
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[3];
	char path[512];

	(void)state;
	scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	slow_unpack_start(&slow, &scratch, NULL);
	slow_unpack_wait_for_walls(pids);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	assert_true(slow_unpack_end(&slow) < 0);
	assert_int_equal(slow.err.stage, OAKUM_STAGE_WRITE);
	assert_string_equal(slow.err.entry, "etc");
	assert_int_equal(rmdir(path), 0); /* so nothing is in the new one */
	assert_int_equal(mkdir(path, 0755), 0);
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* Writes more than any pipe holds, to a reader that has failed: it must be able to end. */
static void what_a_failed_call_leaves_in_a_pipe_is_drained(void **state)
{
	static const struct member refused[] = { file("../evil", "x"), END };
	static char rest[4 << 20];
	struct tarball tar = tarball_of(refused);
	struct scratch scratch;
	struct slow_unpack slow;

	(void)state;
	scratch_make(&scratch);
	slow_unpack_start(&slow, &scratch, OAKUM_UNPACK_OPTIONS(.drain_ms = 30000));
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	assert_int_equal(slow_unpack_write(&slow, rest, sizeof(rest)), sizeof(rest));
	assert_int_equal(slow_unpack_end(&slow), -EBADMSG);
	assert_string_equal(slow.err.entry, "../evil");
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* Its source says nothing more, and does not end: the decompressor would wait for it for ever. */
static void a_layer_that_is_refused_is_not_waited_for(void **state)
{
	static const struct member refused[] = { file("../evil", "x"), END };
	struct tarball tar = tarball_of(refused);
	struct scratch scratch;
	struct slow_unpack slow;
	struct timespec end;

	(void)state;
	scratch_make(&scratch);
	slow_unpack_start(&slow, &scratch, NULL);
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	assert_int_equal(pthread_timedjoin_np(slow.thread, NULL, &end), 0);
	assert_int_equal(slow.result, -EBADMSG);
	assert_string_equal(slow.err.entry, "../evil");
	close(slow.write_fd);
	close(slow.read_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(every_signal_to_every_process_ends_in_an_error_that_names_it),
		host_test(kills_at_random_times_never_hang_and_never_lie),
		host_test(when_the_caller_dies_nothing_of_ours_lives_on),
		host_test(after_a_caller_was_killed_the_next_run_succeeds),
		host_test(when_one_dies_a_stalled_source_keeps_nobody_alive),
		host_test(a_source_that_stalls_ends_at_the_deadline),
		host_test(a_process_that_is_stopped_ends_at_the_deadline),
		host_test(a_rootfs_that_is_removed_meanwhile_is_an_error_and_made_nowhere_else),
		host_test(what_a_failed_call_leaves_in_a_pipe_is_drained),
		host_test(a_layer_that_is_refused_is_not_waited_for),
	};

	(void)signal(
		SIGPIPE, SIG_IGN); /* for the tests' own pipes; no call of ours writes to one */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
