/* SPDX-License-Identifier: Apache-2.0 */
/* What a rootfs answers comes up with its entry and with what to do, whichever call it was. */
#include "base/cleanup.h"
#include "support/deny_call.h"
#include "support/scratch.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct member layer[] = {
	directory("d"),
	file("d/file", "content"),
	symlink_to("d/symlink", "file"),
	END,
};

/* The kernel's answer to a call, and the line that a user gets. */
struct answer {
	long call;
	int code;
	const char *line; /* its beginning */
	const char *hint; /* in it */
};

static const struct answer answers[] = {
	{ SYS_mkdirat, EDQUOT, "write: d: mkdirat: Disk quota exceeded (", "quota(1)" },
	{ SYS_mkdirat, ENOSPC, "write: d: mkdirat: No space left on device (", "df -i" },
	{ SYS_mkdirat, EROFS, "write: d: mkdirat: Read-only file system (", "read-write" },
	{ SYS_mkdirat, EACCES, "write: d: mkdirat: Permission denied (", "SELinux" },
	{ SYS_mkdirat, EMLINK, "write: d: mkdirat: Input/output error (Too many links; ", "65000" },
	{ SYS_mkdirat, EOVERFLOW, "write: d: mkdirat: Input/output error (Value too large",
		"no id" },
	{ SYS_mkdirat, ENAMETOOLONG, "write: d: mkdirat: Input/output error (File name", "255" },
	{ SYS_mkdirat, EINVAL, "write: d: mkdirat: Invalid argument (", "no such name" },
	{ SYS_pwrite64, EDQUOT, "write: d/file: write: Disk quota exceeded (", "quota(1)" },
	{ SYS_pwrite64, EFBIG, "write: d/file: write: File too large (", "ulimit -f" },
	{ SYS_pwrite64, EIO, "write: d/file: write: Input/output error (", "dmesg" },
	{ SYS_pwrite64, ESTALE, "write: d/file: write: Input/output error (Stale file", "anew" },
	{ SYS_pwrite64, ENOTCONN, "write: d/file: write: Input/output error (Trans", "anew" },
	{ SYS_pwrite64, EUCLEAN, "write: d/file: write: Input/output error (Struct", "fsck" },
	{ SYS_pwrite64, ENODEV, "write: d/file: write: Input/output error (No such", "dmesg" },
	{ SYS_symlinkat, EPERM, "write: d/symlink: symlinkat: Operation not permitted (",
		"lsattr" },
	{ SYS_symlinkat, EOPNOTSUPP, "write: d/symlink: symlinkat: Operation not supported (",
		"cannot do it" },
};

/* In a fork, whose kernel answers so: the line, and how long it is. */
static void unpack_denied(const struct answer *answer, int line_fd, int rootfs_fd, int layer_fd)
{
	struct oakum_error err;
	char line[4096] = "success";

	deny_call(answer->call, answer->code);
	if (oakum_unpack(layer_fd, rootfs_fd, OAKUM_UNPACK_OPTIONS(.threads = 1), NULL, &err) < 0)
		oakum_error_format(&err, line, sizeof(line));
	(void)!write(line_fd, line, strlen(line) + 1);
	_exit(0);
}

static void line_of(const struct answer *answer, char *line, size_t line_bytes)
{
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;
	int ends[2];

	scratch_make(&scratch);
	int layer_fd = memory_file(tar.bytes, tar.length);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		unpack_denied(answer, ends[1], scratch.rootfs_fd, layer_fd);
	close(ends[1]);
	assert_true(read(ends[0], line, line_bytes) > 0);
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(layer_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void every_answer_of_the_kernel_comes_with_what_to_do(void **state)
{
	char line[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		line_of(&answers[i], line, sizeof(line));
		if (strncmp(line, answers[i].line, strlen(answers[i].line)) != 0 ||
			strstr(line, answers[i].hint) == NULL)
			fail_msg("found: %s\nwanted: %s... %s", line, answers[i].line,
				answers[i].hint);
	}
}

/* First an entry that is left out: once it is read the rootfs is held open, and still empty. */
static void a_rootfs_that_is_removed_meanwhile_is_said_to_be_gone(void **state)
{
	static const struct member two[] = { file("out", ""), file("in", "content"), END };
	static const char *const out[] = { "out", NULL };
	struct tarball tar = tarball_of(two);
	struct oakum_progress progress = OAKUM_PROGRESS_INIT;
	struct oakum_job *job;
	struct oakum_error err;
	struct scratch scratch;
	int ends[2];
	char path[300];
	char line[4096];

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(oakum_unpack_start(ends[0], scratch.rootfs_fd,
				 OAKUM_UNPACK_OPTIONS(.exclude = out), &job, &err),
		0);
	assert_int_equal(write(ends[1], tar.bytes, 512), 512);
	while (progress.entries == 0)
		assert_int_equal(oakum_job_progress(job, &progress), 0);
	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(
		write(ends[1], tar.bytes + 512, tar.length - 512), (ssize_t)tar.length - 512);
	close(ends[1]);
	assert_int_equal(oakum_job_wait(&job, NULL, &err), -EIO);
	oakum_error_format(&err, line, sizeof(line));
	assert_non_null(strstr(line, "write: in: openat: "));
	assert_non_null(strstr(line, "the rootfs is gone"));
	close(ends[0]);
	assert_int_equal(mkdir(path, 0755), 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void a_limit_on_the_size_of_files_is_named(void **state)
{
	static const struct member large[] = { big_file("dir/large", 6 << 20), END };
	const struct rlimit small = { 4 << 20, RLIM_INFINITY };
	struct tarball tar = tarball_of(large);
	struct rlimit before;
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	int layer_fd = memory_file(tar.bytes, tar.length);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_string_equal(err.entry, "dir/large");
	assert_non_null(strstr(err.detail, "ulimit -f"));
	close(layer_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_of_the_kernel_comes_with_what_to_do),
		cmocka_unit_test(a_rootfs_that_is_removed_meanwhile_is_said_to_be_gone),
		cmocka_unit_test(a_limit_on_the_size_of_files_is_named),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
