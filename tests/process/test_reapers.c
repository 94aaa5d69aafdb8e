/* SPDX-License-Identifier: Apache-2.0 */
/* The library inside hosts that take every exit status there is. */
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/tarball.h"

#include <errno.h>
#include <oakum/oakum.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUNS = 500, THIEVES = 2 };

static const struct member good[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	symlink_to("etc/link", "passwd"),
	END,
};

static const struct member bad[] = {
	directory("etc"),
	file("etc/../../secret", "gotcha"),
	END,
};

static atomic_bool is_over;
static atomic_uint stolen;

/* What a reaper in PID 1 does, and whoever forgot that others have children too. */
static void *steal_statuses(void *unused)
{
	(void)unused;
	while (!atomic_load(&is_over)) {
		if (wait4(-1, NULL, 0, NULL) > 0)
			atomic_fetch_add(&stolen, 1);
		else
			usleep(50);
	}
	return NULL;
}

static void unpack_good(struct scratch *scratch, const struct tarball *layer)
{
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	int layer_fd = memory_file(layer->bytes, layer->length);

	if (oakum_unpack(layer_fd, scratch->rootfs_fd, NULL, &stats, &err) != 0)
		fail_msg("a good layer failed: %s: %s", err.op, err.detail);
	assert_int_equal(stats.entries, 3);
	assert_int_equal(stats.denied_calls, 0);
	assert_true(scratch_file_is(scratch, "etc/passwd", "root"));
	assert_true(scratch_has(scratch, "etc/link"));
	close(layer_fd);
}

static void unpack_bad(struct scratch *scratch, const struct tarball *layer)
{
	struct oakum_error err = { 0 };
	int layer_fd = memory_file(layer->bytes, layer->length);

	assert_int_equal(oakum_unpack(layer_fd, scratch->rootfs_fd, NULL, NULL, &err), -EBADMSG);
	assert_string_equal(err.entry, "etc/../../secret");
	assert_true(scratch_has(scratch, "etc"));
	close(layer_fd);
}

static void unpack_many(unsigned int runs)
{
	struct tarball good_layer = tarball_of(good);
	struct tarball bad_layer = tarball_of(bad);
	struct scratch scratch;

	scratch_make(&scratch);
	for (unsigned int run = 0; run < runs; run++) {
		scratch_renew(&scratch);
		if (run % 2 == 0)
			unpack_good(&scratch, &good_layer);
		else
			unpack_bad(&scratch, &bad_layer);
	}
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	tarball_free(&good_layer);
	tarball_free(&bad_layer);
}

static void two_threads_that_wait_for_everything_change_no_result(void **state)
{
	pthread_t thieves[THIEVES];
	struct host_state before;
	struct host_state after;

	(void)state;
	unpack_many(2);
	host_state_take(&before);
	for (int i = 0; i < THIEVES; i++)
		assert_int_equal(pthread_create(&thieves[i], NULL, steal_statuses, NULL), 0);
	unpack_many(RUNS);
	atomic_store(&is_over, true);
	for (int i = 0; i < THIEVES; i++)
		pthread_join(thieves[i], NULL);
	host_state_take(&after);
	assert_true(host_state_is_the_same(&before, &after));
	/* The test is of no worth if they got nothing. */
	assert_true(atomic_load(&stolen) > 0);
}

static void ignored_and_unwaited_children_change_no_result(void **state)
{
	static const struct sigaction hosts[] = {
		{ .sa_handler = SIG_IGN },
		{ .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct sigaction before;
		assert_int_equal(sigaction(SIGCHLD, &hosts[i], &before), 0);
		unpack_many(20);
		assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
		assert_int_equal(host_count_descendants(), 0);
	}
}

static void *unpack_some(void *unused)
{
	(void)unused;
	unpack_many(20);
	return NULL;
}

static void many_threads_unpack_at_once(void **state)
{
	pthread_t threads[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, unpack_some, NULL), 0);
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(host_count_descendants(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(two_threads_that_wait_for_everything_change_no_result),
		host_test(ignored_and_unwaited_children_change_no_result),
		host_test(many_threads_unpack_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
