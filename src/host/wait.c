/* SPDX-License-Identifier: Apache-2.0 */
#include "host/wait.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* The children of a killed monitor die with it; if one hangs in the kernel, this long is waited. */
enum { LAST_DEATH_MS = 10000 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_from_now(uint64_t timeout_ms)
{
	int64_t now = now_ms();

	if (timeout_ms == 0 || timeout_ms > (uint64_t)(INT64_MAX - now))
		return -1;
	return now + (int64_t)timeout_ms;
}

int deadline_left(int64_t deadline)
{
	int64_t left;

	if (deadline < 0)
		return -1;
	left = deadline - now_ms();
	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Sleeps until one of the two is readable; 1 if so, 0 when the deadline has come. */
static int poll_either(int first_fd, int second_fd, int64_t deadline)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = first_fd, .events = POLLIN },
			{ .fd = second_fd, .events = POLLIN },
		};
		int ready = poll(fds, 2, deadline_left(deadline));
		if (ready > 0)
			return 1;
		if (ready == 0 && deadline_left(deadline) == 0)
			return 0;
	}
}

/*
 * How it ended, for a message only: a foreign reaper or an ignored SIGCHLD may
 * have taken the status, and nothing depends on it.
 */
static void collect(const struct child *child, struct oakum_error *err)
{
	siginfo_t info = { 0 };
	int r = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | __WALL);

	if (err == NULL)
		return;
	if (r < 0)
		fail_because(err, EIO, "wait", NULL,
			"the monitor died without a record; its status went to another reaper");
	else if (info.si_code == CLD_EXITED)
		fail_because(err, EIO, "wait", NULL, "the monitor exited with %d and no record",
			info.si_status);
	else
		fail_because(err, EIO, "wait", NULL,
			"the monitor was killed by signal %d before it had a result",
			info.si_status);
}

/* Without a pid namespace the others die by PDEATHSIG, a moment after the monitor. */
static void wait_for_last(const struct child *child)
{
	if (!child->has_pid_namespace)
		poll_either(child->liveness_fd, -1, deadline_from_now(LAST_DEATH_MS));
}

static void kill_all(const struct child *child)
{
	(void)sys_pidfd_send_signal(child->pidfd, SIGKILL);
}

/*
 * Never the end of the report socket alone: a fork of another thread may hold
 * its other end. Never the exit status either. A record first, then the death.
 */
int wait_for_record(
	struct child *child, int64_t deadline, struct report *record, struct oakum_error *err)
{
	bool have_record = false;
	bool timed_out = false;
	bool lied = false;

	while (!child_is_dead(child)) {
		bool ended;
		int report_fd = have_record || lied ? -1 : child->report_fd;
		if (poll_either(report_fd, child->pidfd, deadline) == 0) {
			timed_out = true;
			break;
		}
		int r = report_receive(child->report_fd, REPORT_FROM_MONITOR, record, &ended);
		have_record |= r == 1;
		lied |= r < 0 || ended;
	}
	if (timed_out)
		kill_all(child);
	poll_either(child->pidfd, -1, -1);
	if (!have_record && !lied) {
		bool ended;
		int r = report_receive(child->report_fd, REPORT_FROM_MONITOR, record, &ended);
		have_record = r == 1;
	}
	collect(child, have_record || timed_out ? NULL : err);
	wait_for_last(child);
	if (have_record)
		return 0;
	if (timed_out)
		fail_because(err, ETIMEDOUT, "wait", NULL,
			"the time given is over, and everything was stopped");
	err->stage = OAKUM_STAGE_REAP;
	return -err->code;
}

bool wait_for_word(const struct child *child, int64_t deadline)
{
	return poll_either(child->report_fd, child->pidfd, deadline) != 0;
}

int wait_for_tool(const char *path, char *const argv[], int64_t deadline, struct oakum_error *err)
{
	siginfo_t info = { 0 };
	struct child tool;
	int r = child_start_tool(path, argv, &tool, err);

	if (r < 0)
		return r;
	if (poll_either(tool.pidfd, -1, deadline) == 0) {
		kill_all(&tool);
		r = fail_because(
			err, ETIMEDOUT, "map ids", NULL, "%s did not end, and was killed", path);
	}
	poll_either(tool.pidfd, -1, -1);
	int waited = waitid(P_PIDFD, (id_t)tool.pidfd, &info, WEXITED | __WALL);
	child_close(&tool);
	if (r < 0 || waited < 0 || (info.si_code == CLD_EXITED && info.si_status == 0))
		return r;
	return fail_because(err, EPERM, "map ids", NULL,
		"%s failed: it has to be set-uid root, and /etc/subuid and /etc/subgid have to "
		"give "
		"the ids to the caller",
		path);
}
