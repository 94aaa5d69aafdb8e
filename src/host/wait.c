/* SPDX-License-Identifier: Apache-2.0 */
#include "host/wait.h"

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum {
	/* The unpacker has the same deadline and knows the entry: so long may its answer take. */
	ANSWER_MS = 500,
	/* The children of a killed monitor die with it; if one hangs in the kernel, this long is
	   waited. */
	LAST_DEATH_MS = 10000,
	POLL_FAILED_MS = 5, /* then it is looked again, without poll(2) */
};

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
		if (ready <= 0 && deadline_left(deadline) == 0)
			return 0;
		if (ready < 0 && errno != EINTR) {
			const struct timespec pause = { .tv_nsec = POLL_FAILED_MS * 1000000L };
			(void)nanosleep(&pause, NULL);
			return 1;
		}
	}
}

int64_t wait_answer_deadline(int64_t deadline)
{
	return deadline < 0 || deadline > INT64_MAX - ANSWER_MS ? -1 : deadline + ANSWER_MS;
}

static void wait_for_death(const struct child *child)
{
	while (!child_is_dead(child))
		(void)poll_either(child->entry.pidfd, -1, -1);
}

/* For a message only: success and failure never hang on it. */
static void tell_death(enum status_source source, int status, struct oakum_error *err)
{
	if (source == STATUS_UNKNOWN)
		fail_because(err, EIO, "wait", NULL,
			"the monitor died without a record; its status went to another reaper");
	else if (WIFEXITED(status))
		fail_because(err, EIO, "wait", NULL, "the monitor exited with %d and no record",
			WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGKILL)
		fail_because(err, EIO, "wait", NULL,
			"the monitor was killed by signal 9 before it had a result: out of memory, "
			"or by hand");
	else
		fail_because(err, EIO, "wait", NULL,
			"the monitor was killed by signal %d before it had a result",
			WTERMSIG(status));
}

/*
 * Without a pid namespace the monitor's children die by PDEATHSIG, a moment after it; and if we
 * are a subreaper, or PID 1, they are then ours to reap. Nobody else's can be hit: a pidfd
 * is of one process for ever.
 */
static void wait_for_heirs(struct child *child)
{
	int64_t deadline = deadline_from_now(LAST_DEATH_MS);

	if (child->has_pid_namespace)
		return;
	/* Killed before it could name them; or a host that had no descriptor left for one. */
	if (!child->has_all_heirs)
		reaper_collect_group(&child->entry, LAST_DEATH_MS);
	for (int i = 0; i < HEIRS_MAX; i++) {
		if (child->heir_pidfds[i] < 0)
			continue;
		poll_either(child->heir_pidfds[i], -1, deadline);
		reaper_collect_heir(child->heir_pidfds[i]);
	}
}

static void kill_all(const struct child *child)
{
	(void)sys_pidfd_send_signal(child->entry.pidfd, SIGKILL);
}

/* What has been heard of the monitor. */
struct hearing {
	bool has_heirs;
	bool has_record;
	bool is_over; /* it has lied, or closed its end: nothing it says is listened to */
};

/* Takes all that lies in the socket, without waiting. */
static void listen(struct child *child, struct report *record, struct hearing *hearing)
{
	child_release_reserve(child);
	while (!hearing->has_record && !hearing->is_over) {
		bool ended;
		if (!hearing->has_heirs &&
			heirs_take(child->report_fd, child->heir_pidfds, &child->has_all_heirs)) {
			hearing->has_heirs = true;
			continue;
		}
		int r = report_receive(child->report_fd, REPORT_FROM_MONITOR, record, &ended);
		hearing->has_record = r == 1;
		hearing->is_over = r < 0 || ended;
		if (r == 0)
			return;
	}
}

/*
 * Never the end of the report socket alone: a fork of another thread may hold
 * its other end. Never the exit status either. A record first, then the death.
 */
int wait_for_record(struct child *child, const struct wait_terms *terms, struct report *record,
	struct oakum_error *err)
{
	const int64_t deadline = wait_answer_deadline(terms->deadline);
	struct hearing hearing = { 0 };
	bool timed_out = false;
	int status;

	while (!timed_out && !child_is_dead(child)) {
		bool listens = !hearing.has_record && !hearing.is_over;
		timed_out = poll_either(listens ? child->report_fd : -1, child->entry.pidfd,
				    deadline) == 0;
		listen(child, record, &hearing);
	}
	if (timed_out)
		kill_all(child);
	wait_for_death(child);
	listen(child, record, &hearing);
	wait_for_heirs(child);
	enum status_source source =
		reaper_collect(&child->entry, hearing.has_record ? NULL : &status);
	if (hearing.has_record)
		return 0;
	if (terms->was_cancelled != NULL && atomic_load(terms->was_cancelled))
		fail_because(err, ECANCELED, "wait", NULL,
			"it was cancelled by the caller; what was written stays");
	else if (timed_out)
		fail_because(err, ETIMEDOUT, "wait", NULL,
			"more time than the limit timeout allows, and no answer; --timeout=S "
			"raises it");
	else
		tell_death(source, status, err);
	err->stage = OAKUM_STAGE_REAP;
	return -err->code;
}

bool wait_for_word(const struct child *child, int64_t deadline)
{
	return poll_either(child->report_fd, child->entry.pidfd, deadline) != 0;
}

int wait_for_tool(const char *path, char *const argv[], int64_t deadline, struct oakum_error *err)
{
	struct child tool;
	int status;
	int r = child_start_tool(path, argv, &tool, err);

	if (r < 0)
		return r;
	while (r == 0 && !child_is_dead(&tool)) {
		if (poll_either(tool.entry.pidfd, -1, deadline) != 0)
			continue;
		kill_all(&tool);
		r = fail_because(
			err, ETIMEDOUT, "map ids", NULL, "%s did not end, and was killed", path);
	}
	wait_for_death(&tool);
	enum status_source source = reaper_collect(&tool.entry, &status);
	child_close(&tool);
	if (r < 0 || source == STATUS_UNKNOWN || status == 0)
		return r;
	return fail_because(err, EPERM, "map ids", NULL,
		"%s failed: it has to be set-uid root, and /etc/subuid and /etc/subgid have to "
		"give "
		"the ids to the caller",
		path);
}
