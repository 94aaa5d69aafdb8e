/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library against a helper that is missing, dies, hangs or lies. The test
 * program is the helper: started as "oakum-monitor" it does what the layer says.
 */
#include "base/error.h"
#include "base/fd.h"
#include "host/helper_file.h"
#include "support/clock.h"
#include "support/host_state.h"
#include "support/scratch.h"
#include "wire/report.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { REPORT_FD = 5 };

static void send_good(void)
{
	struct report report;

	report_init(&report, REPORT_FROM_MONITOR);
	report_send(REPORT_FD, &report);
}

static void send_failure(int code)
{
	struct report report;

	report_init(&report, REPORT_FROM_MONITOR);
	report.result = fail_because(&report.error, code, "test", "a/name", "as asked");
	report_send(REPORT_FD, &report);
}

static void send_wrong_magic(void)
{
	struct report report;

	report_init(&report, REPORT_FROM_MONITOR);
	report.magic++;
	report_send(REPORT_FD, &report);
}

/* Tells by the first word of the layer what to be. */
static int be_helper(void)
{
	char what[32] = "";

	alarm(30);
	if (pread(0, what, sizeof(what) - 1, 0) <= 0)
		return 99;
	if (strcmp(what, "crash") == 0)
		__builtin_trap(); /* the init of a pid namespace cannot kill itself */
	if (strcmp(what, "good, then exit 3") == 0) {
		send_good();
		return 3;
	}
	if (strcmp(what, "good, then crash") == 0) {
		send_good();
		__builtin_trap();
	}
	if (strcmp(what, "failure, then exit 0") == 0)
		send_failure(ENOSPC);
	if (strcmp(what, "strange errno") == 0)
		send_failure(EXDEV);
	if (strcmp(what, "short packet") == 0)
		return write(REPORT_FD, what, 8) != 8;
	if (strcmp(what, "wrong magic") == 0)
		send_wrong_magic();
	if (strcmp(what, "hang") == 0)
		pause();
	if (strcmp(what, "close all and hang") == 0) {
		fd_keep_only(NULL, 0);
		pause();
	}
	return 0; /* "exit 0" and all that have done their part */
}

static int (*open_helper)(struct oakum_error *err);

int __wrap_helper_file_open(struct oakum_error *err);

int __wrap_helper_file_open(struct oakum_error *err)
{
	return open_helper(err);
}

static int open_this_program(struct oakum_error *err)
{
	(void)err;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int high = fd_duplicate_high(fd);
	close(fd);
	return high;
}

static int open_nothing(struct oakum_error *err)
{
	return fail_because(err, ENOENT, "open helper", NULL, "it is not there");
}

static int open_garbage(struct oakum_error *err)
{
	(void)err;
	int fd = memory_file("no program", 10);
	int high = fd_duplicate_high(fd);
	close(fd);
	return high;
}

struct row {
	const char *layer;
	uint64_t timeout_ms;
	int result;
	const char *says; /* in the error line */
};

static const struct row rows[] = {
	{ "exit 0", 0, -EIO, "exited with 0 and no record" },
	{ "crash", 0, -EIO, "killed by signal" },
	{ "good, then exit 3", 0, 0, "" },
	{ "good, then crash", 0, 0, "" },
	{ "failure, then exit 0", 0, -ENOSPC, "a/name: test" },
	{ "strange errno", 0, -EIO, "cross-device" },
	{ "short packet", 0, -EIO, "no record" },
	{ "wrong magic", 0, -EIO, "no record" },
	{ "hang", 200, -ETIMEDOUT, "more time than the limit timeout allows" },
	{ "close all and hang", 200, -ETIMEDOUT, "more time than the limit timeout allows" },
};

/* One call with everything around it looked at. */
static void unpack_and_check(
	const char *layer, const struct oakum_unpack_options *options, int result, const char *says)
{
	struct host_state before;
	struct host_state after;
	struct scratch scratch;
	struct oakum_error err = { 0 };
	char line[4096] = "";

	scratch_make(&scratch);
	int layer_fd = memory_file(layer, strlen(layer));
	host_state_take(&before);
	double start = seconds_now();
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, options, NULL, &err);
	double took = seconds_now() - start;
	host_state_take(&after);
	if (r < 0)
		oakum_error_format(&err, line, sizeof(line));
	if (r != result || strcasestr(line, says) == NULL)
		fail_msg("\"%s\": %d, \"%s\" instead of %d, \"%s\"", layer, r, line, result, says);
	assert_true(host_state_is_the_same(&before, &after));
	assert_true(took < 10);
	close(layer_fd);
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
}

static void only_a_record_is_believed(void **state)
{
	(void)state;
	open_helper = open_this_program;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		unpack_and_check(rows[i].layer,
			OAKUM_UNPACK_OPTIONS(.timeout_ms = rows[i].timeout_ms), rows[i].result,
			rows[i].says);
}

static void a_megabyte_of_options_to_a_child_that_dies_at_once_does_not_hang(void **state)
{
	enum { COUNT = 16384, EACH = 64 };
	static char text[COUNT][EACH];
	static const char *excludes[COUNT + 1];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(text[i], EACH, "usr/share/doc/a-directory-with-a-long-name/%zu", i);
		excludes[i] = text[i];
	}
	open_helper = open_this_program;
	unpack_and_check("exit 0", OAKUM_UNPACK_OPTIONS(.exclude = excludes), -EIO,
		"exited with 0 and no record");
}

static void a_missing_helper_is_an_error_that_says_so(void **state)
{
	(void)state;
	open_helper = open_nothing;
	unpack_and_check("x", NULL, -EIO, "it is not there");
}

static void a_helper_that_cannot_be_executed_is_known_at_once(void **state)
{
	(void)state;
	open_helper = open_garbage;
	unpack_and_check("x", NULL, -EIO, "execveat");
}

static void an_ignored_sigchld_changes_nothing(void **state)
{
	struct sigaction before;
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	open_helper = open_this_program;
	assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
	unpack_and_check("good, then exit 3", NULL, 0, "");
	unpack_and_check("failure, then exit 0", NULL, -ENOSPC, "a/name");
	unpack_and_check("exit 0", NULL, -EIO, " record");
	assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
	(void)state;
}

static void descriptors_of_no_use_are_refused_before_anything_starts(void **state)
{
	struct scratch scratch;
	struct oakum_error err;
	int file_fd;

	(void)state;
	open_helper = open_this_program;
	scratch_make(&scratch);
	file_fd = memory_file("exit 0", 6);
	assert_int_equal(oakum_unpack(-1, scratch.rootfs_fd, NULL, NULL, &err), -EINVAL);
	assert_int_equal(oakum_unpack(file_fd, -1, NULL, NULL, &err), -EINVAL);
	assert_int_equal(oakum_unpack(file_fd, file_fd, NULL, NULL, &err), -EINVAL);
	assert_int_equal(
		oakum_unpack(scratch.rootfs_fd, scratch.rootfs_fd, NULL, NULL, &err), -EINVAL);
	close(file_fd);
	scratch_remove(&scratch);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		host_test(only_a_record_is_believed),
		host_test(a_megabyte_of_options_to_a_child_that_dies_at_once_does_not_hang),
		host_test(a_missing_helper_is_an_error_that_says_so),
		host_test(a_helper_that_cannot_be_executed_is_known_at_once),
		host_test(an_ignored_sigchld_changes_nothing),
		host_test(descriptors_of_no_use_are_refused_before_anything_starts),
	};

	if (argc > 0 && strcmp(argv[0], "oakum-monitor") == 0)
		return be_helper();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
