/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helpers of containers/storage as processes: what their parent sees of them, and what
 * they have left of what their parent can do. What they unpack: tests/conformance/storage.
 */
#include "support/scratch.h"
#include "support/tarball.h"
#include "wire/request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	LONG_OPTIONS = 1 << 20, /* far past what a pipe holds */
	LARGE_FILE = 3 << 20,	/* and past what is written at once */
	STREAM_ROOM = 4 << 20,
	TOO_LONG_MS = 20000,
};

/* The unpacker's six and CAP_SYS_ADMIN; of the packer CAP_DAC_READ_SEARCH. */
static const uint64_t of_unpacker = UINT64_C(0x8800001b) | UINT64_C(1) << 21;
static const uint64_t of_packer = 1 << 2;

static const struct member layer[] = {
	directory("d"),
	file("d/f", "content"),
	END,
};

/* A helper that runs, and the parent's ends of its pipes. */
struct child {
	pid_t pid;
	int stream_fd;	/* its fd 0 */
	int options_fd; /* its fd 3 */
	int said_fd;	/* its fds 1 and 2 */
};

static struct scratch scratch;
static char rootfs[512];

static int set_up(void **state)
{
	(void)state;
	scratch_make(&scratch);
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", scratch.path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static void become(const int *stream, const int *options, const int *said, char *const *arguments)
{
	if (dup2(stream[0], 0) < 0 || dup2(said[1], 1) < 0 || dup2(said[1], 2) < 0 ||
		dup2(options[0], 3) < 0)
		_exit(126);
	for (int fd = 4; fd < 100; fd++)
		close(fd);
	execv(OAKUM_HELPER, arguments);
	_exit(127);
}

/* flags: of its pipes. */
static struct child start_with(char *const *arguments, int flags)
{
	struct child child;
	int stream[2];
	int options[2];
	int said[2];

	/* Past the numbers that the helper is given. */
	assert_int_equal(pipe2(stream, flags | O_CLOEXEC), 0);
	assert_int_equal(pipe2(options, flags | O_CLOEXEC), 0);
	assert_int_equal(pipe2(said, flags | O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0)
		become(stream, options, said, arguments);
	close(stream[0]);
	close(options[0]);
	close(said[1]);
	child.stream_fd = stream[1];
	child.options_fd = options[1];
	child.said_fd = said[0];
	return child;
}

static struct child start(char *const *arguments)
{
	return start_with(arguments, 0);
}

static void give(int *fd, const void *bytes, size_t length)
{
	const char *from = bytes;

	while (length > 0) {
		ssize_t put = write(*fd, from, length);
		if (put < 0)
			fail_msg("the child does not read what it is given: %s", strerror(errno));
		from += put;
		length -= (size_t)put;
	}
	close(*fd);
	*fd = -1;
}

/* What it says until it ends; its exit status. */
static int collect(struct child *child, char *said, size_t room)
{
	size_t length = 0;
	int status;

	if (child->stream_fd >= 0)
		close(child->stream_fd);
	if (child->options_fd >= 0)
		close(child->options_fd);
	for (;;) {
		struct pollfd wait = { .fd = child->said_fd, .events = POLLIN };
		assert_int_equal(poll(&wait, 1, TOO_LONG_MS), 1);
		ssize_t got = read(child->said_fd, said + length, room - 1 - length);
		assert_true(got >= 0);
		if (got == 0)
			break;
		length += (size_t)got;
	}
	said[length] = '\0';
	close(child->said_fd);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* --- what its parent sees --- */

static void it_answers_to_its_name_with_or_without_a_path_and_to_a_command(void **state)
{
	static const char *const names[] = { "storage-untar", "/usr/libexec/oakum/storage-untar",
		NULL };
	struct tarball tar = tarball_of(layer);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char name[64];
		char command[] = "storage-untar";
		char said[1024];
		snprintf(name, sizeof(name), "%s", names[i] == NULL ? "oakum-helper" : names[i]);
		char *const by_name[] = { name, "/", rootfs, NULL };
		char *const by_command[] = { name, command, "/", rootfs, NULL };
		struct child child = start(names[i] == NULL ? by_command : by_name);
		give(&child.options_fd, "{}", 2);
		give(&child.stream_fd, tar.bytes, tar.length);
		assert_int_equal(collect(&child, said, sizeof(said)), 0);
		assert_string_equal(said, "");
		assert_true(scratch_file_is(&scratch, "d/f", "content"));
		scratch_renew(&scratch);
	}
	tarball_free(&tar);
}

/* A parent in Go waits for ever for a child that leaves while the options are written. */
static void whatever_is_wrong_the_options_are_read_to_their_end(void **state)
{
	char absent[600];
	char *options = malloc(LONG_OPTIONS);
	char said[1024];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(absent, sizeof(absent), "%s/absent", rootfs);
	assert_non_null(options);
	memset(options, ' ', LONG_OPTIONS);
	static const struct {
		const char *start;
		bool has_root;
		bool has_flag;
		int status;
	} rows[] = {
		{ "{}", false, false, 1 },
		{ "no json", true, false, 1 },
		{ "{}", true, true, 2 },
		{ "", true, false, 1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *const arguments[] = { "storage-untar", rows[i].has_flag ? "-x" : "/",
			rows[i].has_root ? rootfs : absent, NULL };
		struct child child = start(arguments);
		memset(options, ' ', 16);
		memcpy(options, rows[i].start, strlen(rows[i].start));
		usleep(20000); /* time to fail before they are there */
		give(&child.options_fd, options, LONG_OPTIONS);
		assert_int_equal(collect(&child, said, sizeof(said)), rows[i].status);
		assert_true(strlen(said) > 0);
	}
	free(options);
}

/* Tens of megabytes are taken; of more than is taken not a byte is left unread either. */
static void options_that_are_too_long_are_read_to_their_end_too(void **state)
{
	static const struct {
		size_t length;
		int status;
	} rows[] = { { REQUEST_MAX_BYTES, 0 }, { REQUEST_MAX_BYTES + LONG_OPTIONS, 1 } };
	char *const arguments[] = { "storage-untar", "/", rootfs, NULL };
	char said[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *options = malloc(rows[i].length);
		assert_non_null(options);
		memset(options, ' ', rows[i].length);
		memcpy(options, "{}", 2);
		struct child child = start(arguments);
		give(&child.options_fd, options, rows[i].length);
		assert_int_equal(collect(&child, said, sizeof(said)), rows[i].status);
		free(options);
	}
	assert_string_equal(said, "read options: more than 64 MiB");
}

/* What newer parents pass as the root, where they have passed none. */
static void a_root_that_was_not_passed_is_an_error(void **state)
{
	char *const arguments[] = { "storage-untar", "/", "/proc/self/fd/4", NULL };
	struct child child = start(arguments);
	char said[1024];

	(void)state;
	give(&child.options_fd, "{}", 2);
	assert_int_equal(collect(&child, said, sizeof(said)), 1);
	assert_string_equal(said, "open /proc/self/fd/4: bad file descriptor");
}

/* Go's own descriptors are such, and what is not there yet is no error. */
static void it_waits_for_what_comes_late_on_descriptors_that_do_not_block(void **state)
{
	struct tarball tar = tarball_of(layer);
	char *const arguments[] = { "storage-untar", "/", rootfs, NULL };
	struct child child = start_with(arguments, O_NONBLOCK);
	char said[1024];

	(void)state;
	usleep(20000);
	assert_int_equal(write(child.options_fd, "{", 1), 1);
	usleep(20000);
	give(&child.options_fd, "}", 1);
	usleep(20000);
	assert_int_equal(write(child.stream_fd, tar.bytes, 700), 700);
	usleep(20000);
	give(&child.stream_fd, tar.bytes + 700, tar.length - 700);
	assert_int_equal(collect(&child, said, sizeof(said)), 0);
	assert_true(scratch_file_is(&scratch, "d/f", "content"));
	tarball_free(&tar);
}

/* The parent puts it into a text of its own. */
static void a_failure_is_one_text_without_a_newline(void **state)
{
	char *const arguments[] = { "storage-untar", "/", rootfs, NULL };
	char rubbish[1024];
	char said[1024];

	(void)state;
	memset(rubbish, 'x', sizeof(rubbish));
	struct child child = start(arguments);
	give(&child.options_fd, "{}", 2);
	give(&child.stream_fd, rubbish, sizeof(rubbish));
	assert_int_equal(collect(&child, said, sizeof(said)), 1);
	assert_memory_equal(said, "archive/tar: invalid tar header", 31);
	assert_null(strchr(said, '\n'));
}

/* After success all of it is read, and after a failure nothing more: that is the parent's. */
static void what_follows_the_archive_is_read_on_success_alone(void **state)
{
	struct tarball tar = tarball_of(layer);
	char *rest = calloc(1, LONG_OPTIONS);
	char *const arguments[] = { "storage-untar", "/", rootfs, NULL };
	char said[1024];

	(void)state;
	assert_non_null(rest);
	memset(rest, 'x', LONG_OPTIONS);
	struct child child = start(arguments);
	give(&child.options_fd, "{}", 2);
	assert_int_equal(write(child.stream_fd, tar.bytes, tar.length), (ssize_t)tar.length);
	give(&child.stream_fd, rest, LONG_OPTIONS);
	assert_int_equal(collect(&child, said, sizeof(said)), 0);

	child = start(arguments);
	give(&child.options_fd, "{}", 2);
	assert_int_equal(write(child.stream_fd, rest, 1024), 1024);
	/* With the stream still open it ends. */
	char ended[1024];
	struct pollfd wait = { .fd = child.said_fd, .events = POLLIN };
	assert_int_equal(poll(&wait, 1, TOO_LONG_MS), 1);
	assert_int_equal(collect(&child, ended, sizeof(ended)), 1);
	tarball_free(&tar);
	free(rest);
}

static void apply_layer_says_how_long_the_layer_is(void **state)
{
	struct tarball tar = tarball_of(layer);
	char *const arguments[] = { "storage-applyLayer", rootfs, NULL };
	char said[1024];

	(void)state;
	setenv("OPT", "{}", 1);
	struct child child = start(arguments);
	give(&child.stream_fd, tar.bytes, tar.length);
	assert_int_equal(collect(&child, said, sizeof(said)), 0);
	assert_string_equal(said, "{\"layerSize\":7}\n");
	unsetenv("OPT");
	child = start(arguments);
	give(&child.stream_fd, tar.bytes, tar.length);
	assert_int_equal(collect(&child, said, sizeof(said)), 1);
	tarball_free(&tar);
}

static void assert_attribute(const char *path, const char *name, const char *expected)
{
	char whole[600];
	char value[128];

	snprintf(whole, sizeof(whole), "%s/%s", rootfs, path);
	ssize_t length = lgetxattr(whole, name, value, sizeof(value) - 1);
	assert_true(length >= 0);
	value[length] = '\0';
	assert_string_equal(value, expected);
}

/* In the form of the newest version; Debian's, which is the oracle elsewhere, has an older one. */
static void a_forced_mode_is_told_by_an_attribute_of_every_file(void **state)
{
	static const char options[] =
		"{\"ForceMask\":448,\"InUserNS\":true,"
		"\"UIDMaps\":[{\"container_id\":0,\"host_id\":1000,\"size\":10}],"
		"\"GIDMaps\":[{\"container_id\":0,\"host_id\":2000,\"size\":10}]}";
	static const char name[] = "user.containers.override_stat";
	const struct member members[] = {
		directory("./", .mode = 01777, .uid = 7, .gid = 8),
		directory("d", .mode = 02711, .uid = 5, .gid = 6),
		file("d/f", "content", .mode = 04755, .uid = 1),
		character_device("d/tty", 5, 0, .mode = 0620, .gid = 5),
		END,
	};
	struct tarball tar = tarball_of(members);
	char *const arguments[] = { "storage-untar", "/", rootfs, NULL };
	struct child child = start(arguments);
	char said[1024];

	(void)state;
	give(&child.options_fd, options, strlen(options));
	give(&child.stream_fd, tar.bytes, tar.length);
	assert_int_equal(collect(&child, said, sizeof(said)), 0);
	assert_string_equal(said, "");
	assert_attribute("", name, "7:8:0777:dir");
	assert_attribute("d", name, "1005:2006:2711:dir");
	assert_attribute("d/f", name, "1001:2000:4755:file");
	assert_attribute("d/tty", name, "1000:2005:0620:char-5-0");
	assert_true(scratch_file_is(&scratch, "d/tty", ""));
	tarball_free(&tar);
}

/* --- what it has left --- */

static void read_text(pid_t pid, const char *name, char *text, size_t room)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t got = read(fd, text, room - 1);
	assert_true(got >= 0);
	text[got] = '\0';
	close(fd);
}

static uint64_t field(const char *status, const char *name, int base)
{
	const char *at = strstr(status, name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, base);
}

static int count_fds(pid_t pid)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *fds = opendir(path);
	assert_non_null(fds);
	for (const struct dirent *entry; (entry = readdir(fds)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(fds);
	return count;
}

/* Soon, and for good: it waits for somebody by then. */
static void assert_fds(pid_t pid, int expected)
{
	for (int i = 0; i < 2500 && count_fds(pid) != expected; i++)
		usleep(2000);
	usleep(2000);
	assert_int_equal(count_fds(pid), expected);
}

/* Once it waits for something it has these capabilities alone, and every other wall stands. */
static void assert_walled(pid_t pid, uint64_t capabilities)
{
#ifndef OAKUM_SANITIZED
	const uint64_t filter = 2;
#else
	const uint64_t filter = 0;
#endif
	bool is_walled = false;
	char status[4096];

	for (int i = 0; i < 2500 && !is_walled; i++) {
		usleep(2000);
		read_text(pid, "status", status, sizeof(status));
		is_walled = field(status, "CapEff:\t", 16) == capabilities &&
			    field(status, "NoNewPrivs:\t", 10) == 1 &&
			    field(status, "Seccomp:\t", 10) == filter;
	}
	assert_true(is_walled);
	assert_true(field(status, "CapPrm:\t", 16) == capabilities);
	assert_true(field(status, "CapInh:\t", 16) == 0);
}

/* Before the first byte of the stream there is nothing but walls. */
static void before_the_first_byte_every_wall_stands(void **state)
{
	char *const untar[] = { "storage-untar", "/", rootfs, NULL };
	char *const layers[] = { "storage-applyLayer", rootfs, NULL };
	char *const *const rows[] = { untar, layers };
	char said[1024];

	(void)state;
	setenv("OPT", "{}", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child = start(rows[i]);
		give(&child.options_fd, "{}", 2);
		assert_walled(child.pid, of_unpacker);
		/* Its three streams and the root, no options, nothing of the parent's. */
		assert_fds(child.pid, 4);
		assert_int_equal(collect(&child, said, sizeof(said)), 0);
	}
	unsetenv("OPT");
}

/* It is stopped by a stream that nobody reads, half way through a file. */
static void storage_tar_packs_behind_walls(void **state)
{
	char *const arguments[] = { "storage-tar", "/", rootfs, NULL };
	char path[600];
	char *said = malloc(STREAM_ROOM);

	(void)state;
	assert_non_null(said);
	snprintf(path, sizeof(path), "%s/f", rootfs);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, LARGE_FILE), 0);
	close(fd);
	struct child child = start(arguments);
	give(&child.stream_fd, "{}", 2);
	assert_walled(child.pid, of_packer);
	/* Its three streams and the root; the start, the directory and the file that it is at. */
	assert_fds(child.pid, 7);
	assert_int_equal(collect(&child, said, STREAM_ROOM), 0);
	assert_string_equal(said, "f");
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_answers_to_its_name_with_or_without_a_path_and_to_a_command, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			whatever_is_wrong_the_options_are_read_to_their_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			options_that_are_too_long_are_read_to_their_end_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_root_that_was_not_passed_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_waits_for_what_comes_late_on_descriptors_that_do_not_block, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_failure_is_one_text_without_a_newline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_follows_the_archive_is_read_on_success_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			apply_layer_says_how_long_the_layer_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_forced_mode_is_told_by_an_attribute_of_every_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			before_the_first_byte_every_wall_stands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(storage_tar_packs_behind_walls, set_up, tear_down),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
