/* SPDX-License-Identifier: Apache-2.0 */
/* From outside: does every thread of every confined process carry its walls, and no descriptor too
 * many? */
#include "support/deny_call.h"
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP */
static const uint64_t unpacker_capabilities = UINT64_C(0x8800001b);

/* DAC_READ_SEARCH */
static const uint64_t packer_capabilities = UINT64_C(4);

static void read_text(const char *path, char *text, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	ssize_t got = read(fd, text, bytes - 1);
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

static void check_thread(const char *status, uint64_t capabilities)
{
	assert_true(field(status, "CapEff:\t", 16) == capabilities);
	assert_true(field(status, "CapPrm:\t", 16) == capabilities);
	assert_true(field(status, "CapInh:\t", 16) == 0);
	assert_true(field(status, "CapAmb:\t", 16) == 0);
	assert_int_equal(field(status, "NoNewPrivs:\t", 10), 1);
#ifndef OAKUM_SANITIZED
	assert_int_equal(field(status, "Seccomp:\t", 10), 2);
#endif
}

static int check_all_threads(pid_t pid, uint64_t capabilities)
{
	char path[64];
	char status[4096];
	struct dirent *name;
	int threads = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	while ((name = readdir(directory)) != NULL) {
		char of_thread[128];
		if (!isdigit((unsigned char)name->d_name[0]))
			continue;
		snprintf(of_thread, sizeof(of_thread), "%s/%.20s/status", path, name->d_name);
		read_text(of_thread, status, sizeof(status));
		check_thread(status, capabilities);
		threads++;
	}
	closedir(directory);
	return threads;
}

/* "0 1 2 5 7" and so on: which descriptors are open, and that no directory of the host is. */
static void check_descriptors(pid_t pid, const char *expected, const char *root)
{
	char path[64];
	char found[256] = "";
	size_t length = 0;

	for (int fd = 0; fd < 1024; fd++) {
		char target[512] = "";
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			continue;
		bool is_known =
			strncmp(target, "pipe:", 5) == 0 || strncmp(target, "socket:", 7) == 0 ||
			strncmp(target, "anon_inode:", 11) == 0 ||
			strcmp(target, "/dev/null") == 0 || strncmp(target, "/memfd:", 7) == 0;
		if (!is_known && strcmp(target, root) != 0)
			fail_msg("descriptor %d is %s", fd, target);
		if (fd < 64)
			length +=
				(size_t)snprintf(found + length, sizeof(found) - length, "%d ", fd);
	}
#ifndef OAKUM_SANITIZED
	assert_string_equal(found, expected);
#else
	(void)expected;
#endif
}

/* The three, told apart by what they hold: the monitor came first, the unpacker has rights. */
static void look_at_processes(const pid_t pids[3], int *unpacker_threads)
{
	bool seen_unpacker = false;

	for (int i = 0; i < 3; i++) {
		char path[64];
		char status[4096];
		snprintf(path, sizeof(path), "/proc/%d/status", pids[i]);
		read_text(path, status, sizeof(status));
		if (field(status, "CapEff:\t", 16) == 0) {
			check_all_threads(pids[i], 0);
			/* 3 and 7 of the monitor are pidfds of the other two */
			check_descriptors(pids[i], i == 0 ? "2 3 5 6 7 " : "0 1 2 5 8 ", "");
		} else {
			seen_unpacker = true;
			*unpacker_threads = check_all_threads(pids[i], unpacker_capabilities);
			/* 3 is the new root, which has no path; 4 is the same, locked */
			check_descriptors(pids[i], "0 1 2 3 4 5 9 ", "/");
		}
	}
	assert_true(seen_unpacker);
}

static void every_thread_of_every_process_carries_its_walls(void **state)
{
	static const struct member layer[] = { file("etc/passwd", "root"), END };
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[3];
	int threads = 0;

	(void)state;
	scratch_make(&scratch);
	slow_unpack_start(&slow, &scratch, OAKUM_UNPACK_OPTIONS(.threads = 3));
	slow_unpack_wait_for_walls(pids);
	look_at_processes(pids, &threads);
#ifndef OAKUM_SANITIZED
	assert_int_equal(threads, 3);
#endif
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	assert_int_equal(slow_unpack_end(&slow), 0);
	assert_true(scratch_file_is(&scratch, "etc/passwd", "root"));
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* Two ends of pipes, the text, the report, and credits of the rings: one has no ring before it. */
static void hashers_have_no_right_and_nothing_open(void **state)
{
	static const struct member layer[] = { file("etc/passwd", "root"), END };
	struct tarball tar = tarball_of(layer);
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[5]; /* monitor, hasher, decompressor, hasher, unpacker */

	(void)state;
	scratch_make(&scratch);
	slow_unpack_start(&slow, &scratch,
		OAKUM_UNPACK_OPTIONS(.digests = OAKUM_DIGESTS_LAYER | OAKUM_DIGESTS_DIFF_ID));
	slow_wait_for_walls(pids, 5);
	for (int i = 1; i <= 3; i += 2) {
		assert_int_equal(check_all_threads(pids[i], 0), 1);
		check_descriptors(pids[i], i == 1 ? "0 1 2 5 8 " : "0 1 2 5 8 9 ", "");
	}
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	assert_int_equal(slow_unpack_end(&slow), 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void the_level_and_its_walls_are_in_the_result(void **state)
{
	static const struct member layer[] = { file("a", "b"), END };
	struct tarball tar = tarball_of(layer);
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	int layer_fd = memory_file(tar.bytes, tar.length);
	assert_int_equal(oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, &stats, &err), 0);
#ifndef OAKUM_SANITIZED
	assert_int_equal(stats.level, OAKUM_LEVEL_DETACHED);
	assert_int_equal(stats.walls, OAKUM_WALL_ROOT | OAKUM_WALL_DETACHED |
					      OAKUM_WALL_CAPABILITIES | OAKUM_WALL_LANDLOCK |
					      OAKUM_WALL_SECCOMP | OAKUM_WALL_PID_NAMESPACE);
	assert_int_equal(stats.denied_calls, 0);
#else
	/* A build for sanitizers has no seccomp, and whoever asks for a level does not get it. */
	assert_int_equal(stats.level, 0);
	lseek(layer_fd, 0, SEEK_SET);
	assert_int_equal(oakum_unpack(layer_fd, scratch.rootfs_fd,
				 OAKUM_UNPACK_OPTIONS(.min_level = OAKUM_LEVEL_CHROOT), NULL, &err),
		-EPERM);
#endif
	close(layer_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* It reads, and that is all: what it packs may be anybody's. */
static void a_packer_may_read_below_its_root_alone(void **state)
{
	struct oakum_job *job = NULL;
	struct oakum_error err;
	struct scratch scratch;
	char path[300];
	char status[4096];
	pid_t pids[3];
	int pipe_fds[2];

	(void)state;
	scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/rootfs/large", scratch.path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(truncate(path, 8 << 20), 0);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(oakum_pack_start(scratch.rootfs_fd, pipe_fds[1], NULL, &job, &err), 0);
	struct pollfd is_written = { .fd = pipe_fds[0], .events = POLLIN };
	assert_int_equal(poll(&is_written, 1, 10000), 1);
	assert_int_equal(host_find_helpers(pids, 3), 2);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/status", pids[i]);
		read_text(path, status, sizeof(status));
		if (field(status, "CapEff:\t", 16) == 0)
			continue;
		assert_int_equal(check_all_threads(pids[i], packer_capabilities), 1);
		snprintf(path, sizeof(path), "/proc/%d/root/proc", pids[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	oakum_job_cancel(job);
	assert_int_equal(oakum_job_wait(&job, NULL, &err), -ECANCELED);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	scratch_remove(&scratch);
}

#ifndef OAKUM_SANITIZED
/* The level that is reached, in a process of its own whose kernel lacks something. */
static int level_without(long number, int code, long other_number)
{
	static const struct member layer[] = { directory("d"), file("d/a", "b"), END };
	struct tarball tar = tarball_of(layer);
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct scratch scratch;
	int status;

	scratch_make(&scratch);
	pid_t pid = fork();
	if (pid == 0) {
		int layer_fd = memory_file(tar.bytes, tar.length);
		deny_call(number, code);
		if (other_number != 0)
			deny_call(other_number, EPERM);
		if (oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, &stats, &err) < 0)
			_exit(98);
		_exit((int)stats.level);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 98)
		assert_true(scratch_file_is(&scratch, "d/a", "b"));
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	tarball_free(&tar);
	return WEXITSTATUS(status);
}
#endif

/* Before Linux 5.12; and in a container that may not mount. */
static void an_older_kernel_has_the_next_level(void **state)
{
	(void)state;
#ifdef OAKUM_SANITIZED
	skip();
#else
	assert_int_equal(level_without(SYS_mount_setattr, ENOSYS, 0), OAKUM_LEVEL_PIVOTED);
	assert_int_equal(level_without(SYS_open_tree, ENOSYS, 0), OAKUM_LEVEL_CHROOT);
	assert_int_equal(level_without(SYS_open_tree, EPERM, 0), OAKUM_LEVEL_CHROOT);
	assert_int_equal(level_without(SYS_mount_setattr, ENOSYS, SYS_unshare), OAKUM_LEVEL_CHROOT);
	/* In the middle of it is no place to fall back from. */
	assert_int_equal(level_without(SYS_mount_setattr, ENOSYS, SYS_pivot_root), 98);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_of_every_process_carries_its_walls),
		cmocka_unit_test(a_packer_may_read_below_its_root_alone),
		cmocka_unit_test(hashers_have_no_right_and_nothing_open),
		cmocka_unit_test(the_level_and_its_walls_are_in_the_result),
		cmocka_unit_test(an_older_kernel_has_the_next_level),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
