/* SPDX-License-Identifier: Apache-2.0 */
/* The lists at work: what is forbidden kills, what is not listed is not done and is counted. */
#include "jail/jail.h"
#include "jail/seccomp.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROLE_COUNT = ROLE_HASHER + 1, BEHIND_THE_LIST = 42 };

/* Status of a child that seals itself and then does it. */
static int try(enum role role, void (*act)(long argument), long argument)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct oakum_error err;
		uint32_t walls = 0;
		alarm(20);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			jail_seal(role, &walls, &err) < 0 || walls != OAKUM_WALL_SECCOMP)
			_exit(1);
		act(argument);
		_exit(BEHIND_THE_LIST);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void call(long number)
{
	syscall(number, 0, 0, 0, 0, 0, 0);
}

static void what_is_forbidden_kills_every_role(void **state)
{
	static const long forbidden[] = { SYS_execve, SYS_execveat, SYS_socket, SYS_ptrace,
		SYS_mount, SYS_bpf, SYS_io_uring_setup, SYS_keyctl, SYS_clone, SYS_clone3,
		SYS_unshare, SYS_setns };

	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++) {
		for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
			/* There the C library is to think that it does not exist. */
			if (role == ROLE_DECOMPRESSOR && forbidden[i] == SYS_clone3)
				continue;
			int status = try((enum role)role, call, forbidden[i]);
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("role %d, call %ld: %x", role, forbidden[i], status);
		}
	}
}

static void map_executable(long unused)
{
	(void)unused;
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void protect_executable(long unused)
{
	static char page[8192];

	(void)unused;
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void map_plain(long unused)
{
	(void)unused;
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		MAP_FAILED)
		_exit(1);
}

static void memory_can_be_had_but_not_executed(void **state)
{
	static const enum role roles[] = { ROLE_DECOMPRESSOR, ROLE_UNPACKER };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int status = try(roles[i], map_plain, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BEHIND_THE_LIST);
		status = try(roles[i], map_executable, 0);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		status = try(roles[i], protect_executable, 0);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
}

static void call_what_is_not_listed(long number)
{
	uint32_t count;
	uint32_t first;

	for (int i = 0; i < 3; i++) {
		if (syscall(number) != -1 || errno != ENOSYS)
			_exit(1);
	}
	jail_denied_calls(&count, &first);
	if (count != 3 || first != (uint32_t)number)
		_exit(2);
}

static void what_is_not_listed_is_not_done_and_is_counted(void **state)
{
	static const long unlisted[] = { SYS_getppid, SYS_chroot, SYS_sethostname,
		SYS_open_by_handle_at };

	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++) {
		for (size_t i = 0; i < sizeof(unlisted) / sizeof(unlisted[0]); i++) {
			int status = try((enum role)role, call_what_is_not_listed, unlisted[i]);
			if (!WIFEXITED(status) || WEXITSTATUS(status) != BEHIND_THE_LIST)
				fail_msg("role %d, call %ld: %x", role, unlisted[i], status);
		}
	}
}

static bool is_listed(const int *calls, long number)
{
	for (; *calls >= 0; calls++) {
		if (*calls == number)
			return true;
	}
	return false;
}

static void whoever_only_reads_has_no_call_that_changes_anything(void **state)
{
	static const int *const readers[] = { seccomp_packer_calls, seccomp_verifier_calls };
	static const long changes[] = { SYS_pwrite64, SYS_pwritev, SYS_mkdirat, SYS_mknodat,
		SYS_symlinkat, SYS_linkat, SYS_unlinkat, SYS_renameat2, SYS_truncate, SYS_ftruncate,
		SYS_fallocate, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat,
		SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr,
		SYS_fremovexattr, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_ioctl };

	(void)state;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++) {
			if (is_listed(readers[i], changes[j]))
				fail_msg("list %zu has call %ld", i, changes[j]);
		}
	}
}

/* As of a terminal, which is open for both ways. */
static void read_what_is_to_be_written_to(long number)
{
	char found[8];
	uint32_t count;
	uint32_t first;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (syscall(number, fd, found, sizeof(found), 0L) != -1 || errno != ENOSYS)
			_exit(1);
	}
	jail_denied_calls(&count, &first);
	if (count != 2 || first != (uint32_t)number)
		_exit(2);
}

static void nobody_reads_what_is_to_be_written_to(void **state)
{
	static const long ways[] = { SYS_read, SYS_pread64 };

	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++) {
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			int status = try((enum role)role, read_what_is_to_be_written_to, ways[i]);
			if (!WIFEXITED(status) || WEXITSTATUS(status) != BEHIND_THE_LIST)
				fail_msg("role %d, call %ld: %x", role, ways[i], status);
		}
	}
}

static void map_a_file(long fd)
{
	if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, (int)fd, 0) != MAP_FAILED || errno != ENOSYS)
		_exit(1);
}

static void nobody_maps_a_file(void **state)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	for (int role = 0; role < ROLE_COUNT; role++) {
		int status = try((enum role)role, map_a_file, fd);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != BEHIND_THE_LIST)
			fail_msg("role %d: %x", role, status);
	}
	close(fd);
}

static void allocate_after_narrowing(long unused)
{
	struct oakum_error err;

	(void)unused;
	if (jail_narrow(&err) < 0 ||
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		_exit(1);
}

static void once_the_codec_is_known_there_is_no_more_memory(void **state)
{
	int status = try(ROLE_DECOMPRESSOR, allocate_after_narrowing, 0);

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BEHIND_THE_LIST);
}

/* As those of xz: they end with the process. */
static void *wait_for_ever(void *argument)
{
	while (poll(NULL, 0, -1) <= 0)
		continue;
	return argument;
}

/* Also what a filter cannot look into. */
static void start_thread(long is_after_narrowing)
{
	pthread_t thread;
	struct oakum_error err;
	uint32_t count;
	uint32_t first;

	if (is_after_narrowing != 0 && jail_narrow_to_threads(&err) < 0)
		_exit(1);
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		_exit(2);
	if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
		_exit(3);
	jail_denied_calls(&count, &first);
	if (count != 0)
		_exit(4);
}

static void fork_in_decompressor(long flags)
{
	syscall(SYS_clone, flags, 0, 0, 0, 0);
}

static void a_decompressor_may_start_threads_but_no_process_until_it_knows_the_codec(void **state)
{
	int status = try(ROLE_DECOMPRESSOR, start_thread, 0);

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BEHIND_THE_LIST);
	status = try(ROLE_DECOMPRESSOR, start_thread, 1);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	status = try(ROLE_DECOMPRESSOR, fork_in_decompressor, SIGCHLD);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	status = try(ROLE_DECOMPRESSOR, fork_in_decompressor, CLONE_VM | CLONE_VFORK | SIGCHLD);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_forbidden_kills_every_role),
		cmocka_unit_test(memory_can_be_had_but_not_executed),
		cmocka_unit_test(what_is_not_listed_is_not_done_and_is_counted),
		cmocka_unit_test(
			a_decompressor_may_start_threads_but_no_process_until_it_knows_the_codec),
		cmocka_unit_test(whoever_only_reads_has_no_call_that_changes_anything),
		cmocka_unit_test(nobody_reads_what_is_to_be_written_to),
		cmocka_unit_test(nobody_maps_a_file),
		cmocka_unit_test(once_the_codec_is_known_there_is_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
