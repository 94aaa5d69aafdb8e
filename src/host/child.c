/* SPDX-License-Identifier: Apache-2.0 */
#include "host/child.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/sys.h"
#include "host/helper_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifdef OAKUM_SANITIZED
/* The thread sanitizer takes every clone(2) for a fork, and forgets the threads of the memory that
 * is shared. */
extern int __clone(int (*run)(void *), void *stack, int flags, void *argument, ...);
#define clone __clone
#endif

enum {
	STACK_BYTES = 64 << 10,
	FD_AFTER_LAST = 8, /* the monitor is handed 0 to 7: monitor/monitor.h says which is what */
	FD_AFTER_TEXT = 3, /* a tool is handed 0 to 2 */
};

/*
 * Everything that the child needs, each >= FD_HIGH: dup2 onto 0 to 7 must not
 * hit a descriptor that is still to be placed, and hosts may have 0 to 2 closed.
 */
struct launch {
	int place_fd[FD_AFTER_LAST];
	int after_last; /* of those that are handed over */
	char *const *argv;
	int exec_fd;
	int failed_errno; /* written by the child, which shares our memory until its exec */
	const char *failed_op;
};

static void launch_init(struct launch *launch)
{
	*launch = (struct launch){ .exec_fd = -1, .after_last = FD_AFTER_LAST };
	for (size_t i = 0; i < FD_AFTER_LAST; i++)
		launch->place_fd[i] = -1;
}

static void close_launch(struct launch *launch)
{
	for (size_t i = 0; i < FD_AFTER_LAST; i++)
		close_fd(&launch->place_fd[i]);
	close_fd(&launch->exec_fd);
}
#define cleanup_launch __attribute__((cleanup(close_launch)))

static int duplicate_into(struct launch *launch, int slot, int fd, struct oakum_error *err)
{
	int high = fd_duplicate_high(fd);

	if (high < 0)
		return fail(err, -high, "dup", NULL);
	close_fd(&launch->place_fd[slot]);
	launch->place_fd[slot] = high;
	return 0;
}

/* For the child's output and text: nothing that it writes there is ever read. */
static int open_null(struct launch *launch, struct oakum_error *err)
{
	cleanup_fd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0) /* no /dev: an empty file that is gone with the child does as well */
		null_fd = fd_memory_file("oakum-null");
	if (null_fd < 0)
		return fail(err, -null_fd, "open /dev/null", NULL);
	int r = duplicate_into(launch, 1, null_fd, err);
	if (r < 0)
		return r;
#ifdef OAKUM_SANITIZED
	/* A sanitizer's last words are what such a build is for. */
	return duplicate_into(launch, 2, fcntl(STDERR_FILENO, F_GETFD) < 0 ? null_fd : 2, err);
#else
	return duplicate_into(launch, 2, null_fd, err);
#endif
}

/*
 * A file in memory: no write to it can block on a child that is dead, and it ends where it
 * ends. A pipe would not, as long as a fork of another thread of the host holds its
 * writing end.
 */
static int open_request(
	const struct child_spec *spec, struct launch *launch, struct oakum_error *err)
{
	cleanup_fd int memory_fd = fd_memory_file("oakum-request");

	if (memory_fd < 0)
		return fail(err, -memory_fd, "memfd_create", NULL);
	int r = fd_write_memory(memory_fd, spec->request, spec->request_bytes);
	if (r < 0)
		return fail(err, -r, "write options", NULL);
	if (fcntl(memory_fd, F_ADD_SEALS,
		    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
		lseek(memory_fd, 0, SEEK_SET) < 0)
		return fail(err, errno, "seal options", NULL);
	return duplicate_into(launch, 3, memory_fd, err);
}

static int open_channels(struct launch *launch, struct child *child, struct oakum_error *err)
{
	int low[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) < 0)
		return fail(err, errno, "socketpair", NULL);
	cleanup_fd int ours_fd = low[0];
	cleanup_fd int theirs_fd = low[1];
	child->report_fd = fd_duplicate_high(ours_fd);
	if (child->report_fd < 0)
		return fail(err, -child->report_fd, "dup", NULL);
	/* A host at its limit must have room for the pidfds that come, or it loses sight of them.
	 */
	for (int i = 0; i < HEIRS_MAX; i++) {
		child->reserved_fds[i] = fd_duplicate_high(ours_fd);
		if (child->reserved_fds[i] < 0)
			return fail(err, -child->reserved_fds[i], "dup", NULL);
	}
	int r = duplicate_into(launch, 5, theirs_fd, err);
	if (r < 0)
		return r;
	/* By it the monitor learns of our death, in a pid namespace too. */
	cleanup_fd int self_fd = sys_pidfd_open(getpid(), 0);
	if (self_fd < 0)
		return fail(err, errno, "pidfd_open", NULL);
	return duplicate_into(launch, 6, self_fd, err);
}

static int prepare(const struct child_spec *spec, struct launch *launch, struct child *child,
	struct oakum_error *err)
{
	int r = helper_file_open(err);

	if (r < 0)
		return r;
	launch->exec_fd = r;
	r = open_null(launch, err);
	if (r == 0)
		r = duplicate_into(
			launch, 0, spec->layer_fd < 0 ? launch->place_fd[1] : spec->layer_fd, err);
	if (r == 0 && spec->rootfs_fd >= 0)
		r = duplicate_into(launch, 4, spec->rootfs_fd, err);
	if (r == 0)
		r = open_request(spec, launch, err);
	if (r == 0)
		r = open_channels(launch, child, err);
	if (r == 0 && spec->output_fd >= 0)
		r = duplicate_into(launch, 1, spec->output_fd, err);
	if (r == 0 && spec->progress_fd >= 0)
		r = duplicate_into(launch, 7, spec->progress_fd, err);
	return r;
}

/* A descriptor that is not handed over is closed: the number may be one of the host's. */
__attribute__((no_sanitize_thread)) static int place(const struct launch *launch, int slot)
{
	int fd = launch->place_fd[slot];

	if (fd >= 0)
		return sys_dup3(fd, slot, 0);
	(void)sys_close(slot);
	return 0;
}

static int give_up(struct launch *launch, const char *op)
{
	launch->failed_errno = errno;
	launch->failed_op = op;
	_exit(127);
}

/*
 * Runs in the child, in our memory and on a stack of its own, with all signals
 * blocked, while the thread that started it stands still: plain system calls
 * only, and none that a sanitizer would note down in memory that is not the
 * child's alone. What it inherits is reset, for an ignored SIGCHLD would lose the
 * monitor its own children's statuses, and a blocked signal is blocked for good.
 */
__attribute__((no_sanitize_thread)) static int run_child(void *argument)
{
	struct launch *launch = argument;
	char *const envp[] = { NULL };

	(void)setsid(); /* Ctrl-C is for the caller */
	for (int number = 1; number < _NSIG; number++)
		(void)sys_reset_action(number); /* KILL and STOP say no */
	for (int slot = 0; slot < launch->after_last; slot++) {
		if (place(launch, slot) < 0)
			return give_up(launch, "dup3");
	}
	if (sys_close_range((unsigned int)launch->after_last, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return give_up(launch, "close_range");
	if (sys_unblock_signals() < 0)
		return give_up(launch, "sigprocmask");
	sys_execveat(launch->exec_fd, "", launch->argv, envp, AT_EMPTY_PATH);
	return give_up(launch, "execveat");
}

/*
 * CLONE_VM and CLONE_VFORK: no page table is copied (136 ms in a host of 4 GiB)
 * and a failed exec is known at once. CLONE_PIDFD: the handle is there before
 * anybody can reap. CLONE_NEWPID, where the caller may: with the monitor as the
 * namespace's init the kernel leaves no process of ours behind.
 */
static int clone_child(struct launch *launch, void *stack, struct child *child)
{
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
	const bool is_tool = launch->after_last == FD_AFTER_TEXT;
	void *top = (char *)stack + STACK_BYTES;
	int pidfd = -1;
	pid_t pid = clone(run_child, top, flags | (is_tool ? 0 : CLONE_NEWPID), launch, &pidfd);

	child->has_pid_namespace = pid >= 0 && !is_tool;
	if (pid < 0 && !is_tool &&
		(errno == EPERM || errno == EINVAL || errno == ENOSPC || errno == EUSERS))
		pid = clone(run_child, top, flags, launch, &pidfd);
	if (pid < 0)
		return -errno;
	child->entry.pid = pid;
	child->entry.pidfd = pidfd;
	return 0;
}

static int clone_quietly(struct launch *launch, struct child *child, struct oakum_error *err)
{
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return fail(err, errno, "mmap", NULL);
	/* Neither a handler nor a cancellation may run while memory is shared: the lock sees to
	 * both. A tool runs while the monitor does, under the host's lock of that one. */
	reaper_start_begin(&child->entry, launch->after_last != FD_AFTER_TEXT);
	int r = clone_child(launch, stack, child);
	reaper_start_end(&child->entry, r == 0);
	munmap(stack, STACK_BYTES);
	if (r < 0)
		return fail(err, -r, "clone", NULL);
	return 0;
}

/* The exec did not come about: the child has exited; its status may be anybody's. */
static int collect_failed(const struct launch *launch, struct child *child, struct oakum_error *err)
{
	struct pollfd until_dead = { .fd = child->entry.pidfd, .events = POLLIN };

	while (!child_is_dead(child))
		(void)poll(&until_dead, 1, -1);
	(void)reaper_collect(&child->entry, NULL);
	return fail_because(err, launch->failed_errno, launch->failed_op, NULL,
		"%s could not be started", launch->argv[0]);
}

static int start(struct launch *launch, struct child *child, struct oakum_error *err)
{
	int r = clone_quietly(launch, child, err);

	return r == 0 && launch->failed_errno != 0 ? collect_failed(launch, child, err) : r;
}

void child_init(struct child *child)
{
	*child = (struct child){ .entry.pidfd = -1, .report_fd = -1 };
	for (int i = 0; i < HEIRS_MAX; i++)
		child->heir_pidfds[i] = child->reserved_fds[i] = -1;
}

int child_start(const struct child_spec *spec, struct child *child, struct oakum_error *err)
{
	static char name[] = "oakum-monitor";
	char *const argv[] = { name, NULL };
	cleanup_launch struct launch launch;
	int r;

	launch_init(&launch);
	launch.argv = argv;
	child_init(child);
	r = prepare(spec, &launch, child, err);
	if (r == 0)
		r = start(&launch, child, err);
	if (r < 0)
		child_close(child);
	return r;
}

int child_start_tool(
	const char *path, char *const argv[], struct child *child, struct oakum_error *err)
{
	cleanup_launch struct launch launch;
	int r;

	launch_init(&launch);
	launch.after_last = FD_AFTER_TEXT;
	launch.argv = argv;
	child_init(child);
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return fail_because(err, errno, "open", NULL,
			"%s: it is part of the package uidmap, and needed to map ids", path);
	launch.exec_fd = fd_duplicate_high(fd);
	if (launch.exec_fd < 0)
		return fail(err, -launch.exec_fd, "dup", NULL);
	r = open_null(&launch, err);
	if (r == 0)
		r = duplicate_into(&launch, 0, launch.place_fd[1], err);
	if (r == 0)
		r = start(&launch, child, err);
	if (r < 0)
		child_close(child);
	return r;
}

bool child_is_dead(const struct child *child)
{
	return reaper_is_dead(&child->entry);
}

void child_release_reserve(struct child *child)
{
	for (int i = 0; i < HEIRS_MAX; i++)
		close_fd(&child->reserved_fds[i]);
}

void child_close(struct child *child)
{
	close_fd(&child->entry.pidfd);
	close_fd(&child->report_fd);
	child_release_reserve(child);
	for (int i = 0; i < HEIRS_MAX; i++)
		close_fd(&child->heir_pidfds[i]);
}
