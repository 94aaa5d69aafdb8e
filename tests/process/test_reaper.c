/* SPDX-License-Identifier: Apache-2.0 */
/* The reaper that a host is given: orphans are the host's, ours are ours, and the lock holds. */
#include "host/child.h"
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <oakum/oakum.h>
#include <poll.h>
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

static const struct member small[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	END,
};

/* --- who ended, and how --- */

struct orphans {
	int count;
	pid_t pids[8];
	int statuses[8];
};

static void note_orphan(pid_t pid, int wait_status, void *user)
{
	struct orphans *orphans = user;

	if (orphans->count < 8) {
		orphans->pids[orphans->count] = pid;
		orphans->statuses[orphans->count] = wait_status;
	}
	orphans->count++;
}

static pid_t start_exiting(int status)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(status);
	assert_true(pid > 0);
	return pid;
}

/* It is dead, and nobody has waited for it. */
static void wait_for_zombie(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void orphans_come_with_pid_and_status_and_none_is_left(void **state)
{
	struct orphans orphans = { 0 };

	(void)state;
	assert_int_equal(oakum_reaper_reap(note_orphan, &orphans), 0);
	pid_t first = start_exiting(3);
	pid_t second = fork();
	if (second == 0) {
		pause();
		_exit(0);
	}
	kill(second, SIGTERM);
	wait_for_zombie(first);
	wait_for_zombie(second);
	assert_int_equal(oakum_reaper_reap(note_orphan, &orphans), 2);
	for (int i = 0; i < 2; i++) {
		assert_true(orphans.pids[i] == first || orphans.pids[i] == second);
		assert_int_equal(orphans.statuses[i],
			orphans.pids[i] == first ? W_EXITCODE(3, 0) : W_EXITCODE(0, SIGTERM));
	}
	assert_int_equal(oakum_reaper_reap(NULL, NULL), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void reaping_never_waits_for_the_living(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(oakum_reaper_reap(NULL, NULL), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- a process of ours, which whoever is first may take --- */

static void start_tool(struct child *child, const char *command)
{
	static char shell[] = "sh";
	static char option[] = "-c";
	char text[128];
	char *argv[] = { shell, option, text, NULL };
	struct oakum_error err;

	snprintf(text, sizeof(text), "%s", command);
	assert_int_equal(child_start_tool("/bin/sh", argv, child, &err), 0);
}

static void wait_for_death(const struct child *child)
{
	struct pollfd fd = { .fd = child->entry.pidfd, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
}

static void the_status_of_ours_is_handed_on_and_is_no_orphan(void **state)
{
	struct orphans orphans = { 0 };
	struct child child;
	int status;

	(void)state;
	start_tool(&child, "exit 7");
	wait_for_death(&child);
	pid_t orphan = start_exiting(0);
	wait_for_zombie(orphan);
	assert_int_equal(oakum_reaper_reap(note_orphan, &orphans), 1);
	assert_int_equal(orphans.pids[0], orphan);
	assert_int_equal(reaper_collect(&child.entry, &status), STATUS_DELEGATED);
	assert_int_equal(status, W_EXITCODE(7, 0));
	child_close(&child);
}

static void a_host_with_a_loop_of_its_own_delivers(void **state)
{
	struct child child;
	int status;

	(void)state;
	start_tool(&child, "kill -9 $$");
	wait_for_death(&child);
	oakum_reaper_lock();
	pid_t pid = waitpid(-1, &status, WNOHANG);
	assert_int_equal(pid, child.entry.pid);
	assert_int_equal(oakum_reaper_deliver(pid, status), 1);
	assert_int_equal(oakum_reaper_deliver(pid, status), 0); /* once */
	assert_int_equal(oakum_reaper_deliver(getpid(), 0), 0); /* not ours */
	oakum_reaper_unlock();
	status = 0;
	assert_int_equal(reaper_collect(&child.entry, &status), STATUS_DELEGATED);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(oakum_reaper_deliver(child.entry.pid, status), 0); /* over */
	child_close(&child);
}

static void where_nobody_was_faster_it_is_waited_for(void **state)
{
	struct child child;
	int status;

	(void)state;
	start_tool(&child, "exit 5");
	wait_for_death(&child);
	assert_int_equal(reaper_collect(&child.entry, &status), STATUS_WAITED);
	assert_int_equal(status, W_EXITCODE(5, 0));
	child_close(&child);
}

/* From Linux 6.15 on; before that it is unknown, and said to be. */
static void what_a_thief_took_the_kernel_remembers(void **state)
{
	struct child child;
	int status;

	(void)state;
	start_tool(&child, "exit 9");
	wait_for_death(&child);
	assert_int_equal(waitpid(-1, NULL, 0), child.entry.pid);
	enum status_source source = reaper_collect(&child.entry, &status);
	if (source == STATUS_KERNEL)
		assert_int_equal(status, W_EXITCODE(9, 0));
	else
		assert_int_equal(source, STATUS_UNKNOWN);
	print_message("a stolen status is %s here\n",
		source == STATUS_KERNEL ? "remembered by the kernel" : "unknown");
	child_close(&child);
}

/* --- the lock --- */

static atomic_bool has_started;

static void *start_in_thread(void *unused)
{
	struct child child;

	(void)unused;
	start_tool(&child, "exit 0");
	atomic_store(&has_started, true);
	wait_for_death(&child);
	(void)reaper_collect(&child.entry, NULL);
	child_close(&child);
	return NULL;
}

static void while_the_host_holds_the_lock_nothing_is_started(void **state)
{
	sigset_t before;
	sigset_t during;
	sigset_t after;
	pthread_t thread;

	(void)state;
	atomic_store(&has_started, false);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	oakum_reaper_lock();
	oakum_reaper_lock(); /* nested */
	pthread_sigmask(SIG_SETMASK, NULL, &during);
	assert_int_equal(sigismember(&during, SIGCHLD), 1);
	assert_int_equal(pthread_create(&thread, NULL, start_in_thread, NULL), 0);
	oakum_reaper_unlock();
	usleep(50000);
	assert_false(atomic_load(&has_started));
	oakum_reaper_unlock();
	pthread_join(thread, NULL);
	assert_true(atomic_load(&has_started));
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, 8);
}

static atomic_int held;
static atomic_int most_held;
static atomic_int acquired;

static void acquire(void *user)
{
	assert_ptr_equal(user, &held);
	int now = atomic_fetch_add(&held, 1) + 1;
	atomic_fetch_add(&acquired, 1);
	if (now > atomic_load(&most_held))
		atomic_store(&most_held, now);
}

static void release(void *user)
{
	assert_ptr_equal(user, &held);
	assert_true(atomic_fetch_sub(&held, 1) > 0);
}

static void the_hosts_own_lock_is_held_from_start_to_collect(void **state)
{
	static const struct oakum_lock_ops ops = { acquire, release };
	struct tarball tar = tarball_of(small);
	struct slow_unpack slow;
	struct scratch scratch;
	pid_t pids[3];

	(void)state;
	scratch_make(&scratch);
	oakum_reaper_set_lock(&ops, &held);
	slow_unpack_start(&slow, &scratch, NULL);
	slow_unpack_wait_for_walls(pids);
	assert_int_equal(atomic_load(&held), 1);
	oakum_reaper_set_lock(NULL, NULL); /* for what comes later */
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	assert_int_equal(slow_unpack_end(&slow), 0);
	assert_int_equal(atomic_load(&held), 0);
	assert_int_equal(atomic_load(&acquired), 1);
	scratch_renew(&scratch);
	slow_unpack_start(&slow, &scratch, NULL);
	assert_int_equal(slow_unpack_end(&slow), 0); /* the empty layer */
	assert_int_equal(atomic_load(&acquired), 1);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void a_start_that_fails_gives_the_hosts_lock_back(void **state)
{
	static const struct oakum_lock_ops ops = { acquire, release };
	static char name[] = "nothing";
	char *argv[] = { name, NULL };
	struct child child;
	struct oakum_error err;

	(void)state;
	oakum_reaper_set_lock(&ops, &held);
	assert_int_equal(child_start_tool("/dev/null", argv, &child, &err), -EACCES);
	assert_int_equal(atomic_load(&held), 0);
	oakum_reaper_set_lock(NULL, NULL);
}

/* --- fork(2) and handlers --- */

static atomic_bool is_over;

static void *lock_without_end(void *unused)
{
	(void)unused;
	while (!atomic_load(&is_over)) {
		oakum_reaper_lock();
		oakum_reaper_unlock();
	}
	return NULL;
}

static int unpack_once(void)
{
	struct tarball tar = tarball_of(small);
	struct oakum_error err = { 0 };
	struct scratch scratch;

	scratch_make(&scratch);
	int layer_fd = memory_file(tar.bytes, tar.length);
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err);
	close(layer_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
	return r;
}

/* At any moment: the lock that another thread held is nobody's in the child. */
static void the_child_of_a_fork_can_unpack_whoever_held_the_lock(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&thread, NULL, lock_without_end, NULL), 0);
	for (int i = 0; i < 30; i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			alarm(20);
			_exit(unpack_once() == 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
}

static void a_fork_under_the_lock_leaves_both_with_it(void **state)
{
	int status;

	(void)state;
	oakum_reaper_lock();
	pid_t pid = fork();
	oakum_reaper_unlock();
	if (pid == 0) {
		sigset_t mask;
		alarm(20);
		pthread_sigmask(SIG_SETMASK, NULL, &mask);
		_exit(sigismember(&mask, SIGCHLD) == 0 && unpack_once() == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(unpack_once(), 0);
}

/* What the parent had under way is not the child's: a pid means another process there. */
static void the_child_of_a_fork_has_an_empty_registry(void **state)
{
	struct child child;
	int status;

	(void)state;
	start_tool(&child, "sleep 1");
	pid_t pid = fork();
	if (pid == 0)
		_exit(oakum_reaper_deliver(child.entry.pid, 0));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	wait_for_death(&child);
	assert_int_equal(reaper_collect(&child.entry, &status), STATUS_WAITED);
	child_close(&child);
}

static void reap_in_handler(int signal_number)
{
	(void)signal_number;
	(void)oakum_reaper_reap(NULL, NULL);
}

/* The handler interrupts whoever it likes, also a thread that has just let the lock go. */
static void a_handler_reaps_while_threads_start_and_lock(void **state)
{
	const struct sigaction reap = { .sa_handler = reap_in_handler };
	struct sigaction before;
	pthread_t thread;

	(void)state;
	atomic_store(&is_over, false);
	assert_int_equal(sigaction(SIGCHLD, &reap, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, lock_without_end, NULL), 0);
	for (int i = 0; i < 30; i++) {
		(void)start_exiting(0);
		assert_int_equal(unpack_once(), 0);
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	assert_int_equal(host_count_descendants(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(orphans_come_with_pid_and_status_and_none_is_left),
		host_test(reaping_never_waits_for_the_living),
		host_test(the_status_of_ours_is_handed_on_and_is_no_orphan),
		host_test(a_host_with_a_loop_of_its_own_delivers),
		host_test(where_nobody_was_faster_it_is_waited_for),
		host_test(what_a_thief_took_the_kernel_remembers),
		host_test(while_the_host_holds_the_lock_nothing_is_started),
		host_test(the_hosts_own_lock_is_held_from_start_to_collect),
		host_test(a_start_that_fails_gives_the_hosts_lock_back),
		host_test(the_child_of_a_fork_can_unpack_whoever_held_the_lock),
		host_test(a_fork_under_the_lock_leaves_both_with_it),
		host_test(the_child_of_a_fork_has_an_empty_registry),
		host_test(a_handler_reaps_while_threads_start_and_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
