/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes over descriptors of every temper. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int pipe_fds[2];

static int open_pipe(void **state)
{
	(void)state;
	return pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK);
}

static int close_pipe(void **state)
{
	(void)state;
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return 0;
}

static void *write_slowly(void *text)
{
	for (const char *byte = text; *byte != '\0'; byte++) {
		usleep(1000);
		if (write(pipe_fds[1], byte, 1) != 1)
			abort();
	}
	return NULL;
}

static void *read_slowly(void *total)
{
	char buffer[4096];
	size_t *sum = total;

	while (*sum < 1 << 20) {
		ssize_t got = fd_read(pipe_fds[0], buffer, sizeof(buffer));
		if (got <= 0)
			abort();
		*sum += (size_t)got;
	}
	return NULL;
}

static void a_read_waits_on_a_descriptor_that_does_not_block(void **state)
{
	char buffer[8] = "";
	char text[] = "slowly";
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, text), 0);
	assert_int_equal(fd_read_full(pipe_fds[0], buffer, 6), 6);
	assert_string_equal(buffer, "slowly");
	pthread_join(thread, NULL);
}

static void a_write_waits_on_a_pipe_that_is_full(void **state)
{
	char *bytes = calloc(1, 1 << 20);
	size_t total = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &total), 0);
	assert_int_equal(fd_write_all(pipe_fds[1], bytes, 1 << 20), 0);
	pthread_join(thread, NULL);
	assert_int_equal(total, 1 << 20);
	free(bytes);
}

static void a_short_input_gives_what_there_is(void **state)
{
	char buffer[8];

	(void)state;
	assert_int_equal(write(pipe_fds[1], "abc", 3), 3);
	close(pipe_fds[1]);
	assert_int_equal(fd_read_full(pipe_fds[0], buffer, 8), 3);
	pipe_fds[1] = dup(pipe_fds[0]);
}

static void a_broken_pipe_is_an_error_and_not_a_death(void **state)
{
	struct sigaction before;
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)state;
	sigaction(SIGPIPE, &ignore, &before);
	close(pipe_fds[0]);
	assert_int_equal(fd_write_all(pipe_fds[1], "x", 1), -EPIPE);
	sigaction(SIGPIPE, &before, NULL);
	pipe_fds[0] = dup(pipe_fds[1]);
}

static void reading_all_has_a_ceiling(void **state)
{
	char *text;
	size_t length;

	(void)state;
	assert_int_equal(write(pipe_fds[1], "0123456789", 10), 10);
	close(pipe_fds[1]);
	assert_int_equal(fd_read_all(pipe_fds[0], 9, &text, &length), -EFBIG);
	pipe_fds[1] = dup(pipe_fds[0]);
}

static void reading_all_gives_all_with_an_end(void **state)
{
	char *text;
	size_t length;

	(void)state;
	assert_int_equal(write(pipe_fds[1], "0123456789", 10), 10);
	close(pipe_fds[1]);
	assert_int_equal(fd_read_all(pipe_fds[0], 10, &text, &length), 0);
	assert_int_equal(length, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	pipe_fds[1] = dup(pipe_fds[0]);
}

static void our_pipes_are_out_of_the_way_and_close_on_exec(void **state)
{
	struct pipe_pair pair;

	(void)state;
	assert_int_equal(fd_pipe(&pair, FD_PIPE_BYTES), 0);
	assert_true(pair.read_fd >= FD_HIGH && pair.write_fd >= FD_HIGH);
	assert_int_equal(fcntl(pair.read_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(pair.write_fd, F_GETFD), FD_CLOEXEC);
	close(pair.read_fd);
	close(pair.write_fd);
}

static void only_what_is_kept_stays_open(void **state)
{
	const int keep[] = { 1, 2, 40 };

	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int high = fcntl(1, F_DUPFD, 900);
		dup2(1, 40);
		dup2(1, 41);
		_exit(fd_keep_only(keep, 3) != 0 || fcntl(0, F_GETFD) >= 0 ||
			fcntl(1, F_GETFD) < 0 || fcntl(40, F_GETFD) < 0 ||
			fcntl(41, F_GETFD) >= 0 || fcntl(high, F_GETFD) >= 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define with_pipe(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)
	const struct CMUnitTest tests[] = {
		with_pipe(a_read_waits_on_a_descriptor_that_does_not_block),
		with_pipe(a_write_waits_on_a_pipe_that_is_full),
		with_pipe(a_short_input_gives_what_there_is),
		with_pipe(a_broken_pipe_is_an_error_and_not_a_death),
		with_pipe(reading_all_has_a_ceiling),
		with_pipe(reading_all_gives_all_with_an_end),
		cmocka_unit_test(our_pipes_are_out_of_the_way_and_close_on_exec),
		cmocka_unit_test(only_what_is_kept_stays_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
