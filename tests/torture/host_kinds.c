/* SPDX-License-Identifier: Apache-2.0 */
#include "torture/host_kinds.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <oakum/oakum.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

atomic_ulong host_taken;
atomic_ulong host_orphans_made;
atomic_ulong host_orphans_reaped;

enum { PAUSE_US = 50 };

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
	_exit(3);
}

/* --- disturbers: reapers that know nothing of us --- */

static void wait_for_all(const atomic_bool *is_over, int flags)
{
	while (!atomic_load(is_over)) {
		if (wait4(-1, NULL, flags, NULL) > 0)
			atomic_fetch_add(&host_taken, 1);
		else
			usleep(PAUSE_US);
	}
}

static void wait4_all(const atomic_bool *is_over)
{
	wait_for_all(is_over, 0);
}

static void wait4_wall(const atomic_bool *is_over)
{
	wait_for_all(is_over, __WALL);
}

static void peek_and_collect(const atomic_bool *is_over)
{
	while (!atomic_load(is_over)) {
		siginfo_t info = { 0 };
		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 &&
			waitpid(info.si_pid, NULL, WNOHANG) > 0)
			atomic_fetch_add(&host_taken, 1);
		else
			usleep(PAUSE_US);
	}
}

static void take_in_handler(int signal_number)
{
	int saved_errno = errno;

	(void)signal_number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		atomic_fetch_add(&host_taken, 1);
	errno = saved_errno;
}

static void handle_sigchld(void (*handler)(int))
{
	const struct sigaction action = { .sa_handler = handler };

	require(sigaction(SIGCHLD, &action, NULL) == 0, "sigaction");
}

static void handle_and_wait(void)
{
	handle_sigchld(take_in_handler);
}

/* --- disturbers: reapers that work with us --- */

static void count_orphan(pid_t pid, int wait_status, void *user)
{
	(void)pid;
	(void)wait_status;
	(void)user;
	atomic_fetch_add(&host_orphans_reaped, 1);
}

static void reap_with_us(const atomic_bool *is_over)
{
	while (!atomic_load(is_over)) {
		if (oakum_reaper_reap(count_orphan, NULL) == 0)
			usleep(PAUSE_US);
	}
	(void)oakum_reaper_reap(count_orphan, NULL);
}

static void reap_in_handler(int signal_number)
{
	(void)signal_number;
	(void)oakum_reaper_reap(count_orphan, NULL);
}

static void handle_and_reap(void)
{
	handle_sigchld(reap_in_handler);
}

static void deliver_to_us(const atomic_bool *is_over)
{
	while (!atomic_load(is_over)) {
		int status;
		oakum_reaper_lock();
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0)
			atomic_fetch_add(
				&host_taken, (unsigned long)oakum_reaper_deliver(pid, status));
		oakum_reaper_unlock();
		if (pid <= 0)
			usleep(PAUSE_US);
	}
}

/* The lock of go-reap: whoever starts children reads, the reaper writes. */
static pthread_rwlock_t reaper_lock = PTHREAD_RWLOCK_INITIALIZER;

static void acquire(void *user)
{
	pthread_rwlock_rdlock(user);
}

static void release(void *user)
{
	pthread_rwlock_unlock(user);
}

static void lend_lock(void)
{
	static const struct oakum_lock_ops ops = { acquire, release };

	oakum_reaper_set_lock(&ops, &reaper_lock);
}

static void reap_under_own_lock(const atomic_bool *is_over)
{
	while (!atomic_load(is_over)) {
		pthread_rwlock_wrlock(&reaper_lock);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			atomic_fetch_add(&host_taken, 1);
		pthread_rwlock_unlock(&reaper_lock);
		usleep(PAUSE_US);
	}
}

/* Until we have no children; two seconds where another disturber goes on making some. */
static void wait_for_reaper(void)
{
	siginfo_t info;

	for (int tries = 0; tries < 200; tries++) {
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
			return;
		usleep(10000);
	}
}

static void make_orphan(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (fork() == 0)
			usleep(1000);
		_exit(0);
	}
	if (pid > 0)
		atomic_fetch_add(&host_orphans_made, 2);
}

/*
 * Children of a child that is gone: they come to us, if we are PID 1 or a subreaper. They hold
 * a pipe, whose end tells that the last of them is gone.
 */
static void make_orphans(const atomic_bool *is_over)
{
	char unread;
	int fds[2];

	require(pipe2(fds, O_CLOEXEC) == 0, "pipe2");
	while (!atomic_load(is_over)) {
		make_orphan();
		usleep(2000);
	}
	close(fds[1]);
	(void)!read(fds[0], &unread, 1);
	close(fds[0]);
	wait_for_reaper();
}

/* --- disturbers: descriptors and deaths --- */

/* What was open at the time of a fork stays open in its child, whatever we close. */
static void fork_without_end(const atomic_bool *is_over)
{
	while (!atomic_load(is_over)) {
		pid_t pid = fork();
		if (pid == 0) {
			usleep(20000);
			_exit(0);
		}
		usleep(500);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

static pid_t parent_of(pid_t pid, char comm[32])
{
	char path[64];
	char text[512] = "";
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	char *after = strrchr(text, ')');
	if (got <= 0 || after == NULL || sscanf(text, "%*d (%31[^)]", comm) != 1 ||
		sscanf(after + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static bool is_ours(pid_t pid)
{
	char comm[32] = "";
	pid_t parent = parent_of(pid, comm);

	return strncmp(comm, "memfd:oakum", 11) == 0 &&
	       (parent == getpid() || parent_of(parent, comm) == getpid());
}

/* Pids go up: one that has just been given out is not far below the newest. */
static void kill_helpers(const atomic_bool *is_over)
{
	unsigned int random = 7;

	while (!atomic_load(is_over)) {
		pid_t newest = fork();
		if (newest == 0)
			_exit(0);
		waitpid(newest, NULL, 0);
		for (pid_t pid = newest; pid > newest - 40 && pid > 1; pid--) {
			random = random * 1103515245 + 12345;
			if ((random >> 16) % 3 == 0 && is_ours(pid))
				(void)kill(pid, SIGKILL);
		}
		usleep((random >> 16) % 3000);
	}
}

/* As daemons and sandboxes do; the numbers then belong to something else. */
static void close_what_is_not_known(void)
{
	static _Thread_local int taken[8];

	for (int i = 0; i < 8; i++) {
		if (taken[i] > 0)
			close(taken[i]);
	}
	(void)close_range(64, ~0U, 0);
	for (int i = 0; i < 8; i++)
		taken[i] = fcntl(2, F_DUPFD_CLOEXEC, 64);
}

/* Up to what the machine lets a process have, but for a few hundred. */
static void open_thousands(void)
{
	struct rlimit limit;

	require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	for (rlim_t i = 300; i < limit.rlim_max && i < 20300; i++)
		require(fcntl(2, F_DUPFD_CLOEXEC, 10) >= 0, "dup");
}

/* --- what a host is --- */

static void ignore_sigchld(void)
{
	handle_sigchld(SIG_IGN);
}

static void want_no_zombies(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };

	require(sigaction(SIGCHLD, &action, NULL) == 0, "sigaction");
}

static void become_subreaper(void)
{
	require(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "PR_SET_CHILD_SUBREAPER");
}

/* Then there is no pid namespace for the helper, as in a container. */
static void drop_sys_admin(void)
{
	uint64_t effective;
	uint64_t permitted;

	require(sys_capget(&effective, &permitted) == 0 &&
			sys_capset(effective & ~(UINT64_C(1) << CAP_SYS_ADMIN)) == 0,
		"capset");
}

static void become_subreaper_in_container(void)
{
	become_subreaper();
	drop_sys_admin();
}

static void lose_proc(void)
{
	require(umount2("/proc", MNT_DETACH) == 0, "umount /proc");
}

static void set_memfd_noexec(const char *value)
{
	int fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY | O_CLOEXEC);

	require(fd >= 0 && write(fd, value, 1) == 1, "vm.memfd_noexec");
	close(fd);
}

static void forbid_executable_memfds_by_default(void)
{
	set_memfd_noexec("1");
}

static void copy_file(const char *from, const char *to)
{
	char bytes[64 << 10];
	int from_fd = open(from, O_RDONLY | O_CLOEXEC);
	int to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t got;

	require(from_fd >= 0 && to_fd >= 0, to);
	while ((got = read(from_fd, bytes, sizeof(bytes))) > 0)
		require(write(to_fd, bytes, (size_t)got) == got, "write");
	close(from_fd);
	close(to_fd);
}

/* Then only an installed helper is left: one is put where this build looks for it. */
static void forbid_executable_memfds(void)
{
	char path[sizeof(OAKUM_LIBEXEC_DIR)] = OAKUM_LIBEXEC_DIR;
	char *second = strchr(path + 1, '/');
	char *next = strchr(second + 1, '/');

	if (next != NULL)
		*next = '\0';
	require(mount("none", path, "tmpfs", 0, "mode=755") == 0, path);
	while (next != NULL) {
		*next = '/';
		next = strchr(next + 1, '/');
		if (next != NULL)
			*next = '\0';
		require(mkdir(path, 0755) == 0, path);
	}
	copy_file(OAKUM_HELPER, OAKUM_LIBEXEC_DIR "/oakum-helper");
	set_memfd_noexec("2");
}

#define HOST(its_name, its_callers, ...)                              \
	{                                                             \
		.name = its_name, .callers = its_callers, __VA_ARGS__ \
	}

const struct host_kind host_kinds[] = {
	HOST("nothing special", 1),
	HOST("nothing special", 8),
	HOST("two threads in wait4(-1)", 1, .takes = true, .disturbers = { wait4_all, wait4_all }),
	HOST("two threads in wait4(-1)", 8, .takes = true, .disturbers = { wait4_all, wait4_all }),
	HOST("waitpid(-1) in a handler", 1, .takes = true, .enter = handle_and_wait),
	HOST("waitpid(-1) in a handler", 8, .takes = true, .enter = handle_and_wait),
	HOST("two threads in wait4(__WALL)", 8, .takes = true,
		.disturbers = { wait4_wall, wait4_wall }),
	HOST("waitid(WNOWAIT), then waitpid", 8, .takes = true,
		.disturbers = { peek_and_collect, peek_and_collect }),
	HOST("SIGCHLD ignored", 1, .enter = ignore_sigchld),
	HOST("SIGCHLD ignored", 8, .enter = ignore_sigchld),
	HOST("SA_NOCLDWAIT", 8, .enter = want_no_zombies),
	HOST("subreaper, wait4(-1), orphans", 8, .takes = true, .enter = become_subreaper,
		.disturbers = { wait4_all, make_orphans }),
	HOST("PID 1, oakum_reaper_reap", 8, .counts_orphans = true, .is_pid_one = true,
		.disturbers = { reap_with_us, make_orphans }),
	HOST("PID 1, wait4(-1)", 8, .takes = true, .is_pid_one = true,
		.disturbers = { wait4_all, make_orphans }),
	HOST("oakum_reaper_reap in a handler", 8, .enter = handle_and_reap),
	HOST("own loop that delivers", 8, .takes = true, .disturbers = { deliver_to_us }),
	HOST("own lock round its reaper", 8, .enter = lend_lock,
		.disturbers = { reap_under_own_lock }),
	HOST("forks without end", 1, .disturbers = { fork_without_end }),
	HOST("forks without end, container", 8, .enter = drop_sys_admin,
		.disturbers = { fork_without_end }),
	HOST("closes what it does not know", 1, .before_run = close_what_is_not_known),
	HOST("up to 20,000 descriptors", 8, .enter = open_thousands),
	HOST("no /proc", 8, .is_pid_one = true, .enter = lose_proc),
	HOST("vm.memfd_noexec=1", 8, .is_pid_one = true,
		.enter = forbid_executable_memfds_by_default),
	HOST("vm.memfd_noexec=2", 8, .is_pid_one = true, .enter = forbid_executable_memfds),
	HOST("a container's capabilities", 8, .enter = drop_sys_admin),
	HOST("helpers are killed", 8, .kills = true, .disturbers = { kill_helpers }),
	HOST("helpers are killed, subreaper", 8, .kills = true,
		.enter = become_subreaper_in_container, .disturbers = { kill_helpers }),
	HOST("all of it, container", 8, .kills = true, .enter = become_subreaper_in_container,
		.disturbers = { kill_helpers, wait4_wall, fork_without_end, make_orphans }),
};

const unsigned int host_kinds_count = sizeof(host_kinds) / sizeof(host_kinds[0]);
