/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/sys.h"
#include "jail/jail.h"
#include "monitor/judge.h"
#include "wire/heirs.h"
#include "wire/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the second child may live on when the first has ended with no success. */
enum { GRACE_MS = 5000 };

struct child {
	enum report_role role;
	int pidfd;     /* -1 once it was waited for */
	int report_fd; /* ours; -1 once it is read out */
	struct outcome outcome;
};

struct run {
	struct child decompressor;
	struct child unpacker;
};

/* What is handed to a child, as which descriptor; -1 ends the list. */
struct handed {
	int from_fd;
	int as_fd;
};

/*
 * As the init of a pid namespace we need not hand our children on: the kernel ends them with
 * us. Else they wait until the caller has them.
 */
static bool has_heirs(pid_t monitor_pid)
{
	return monitor_pid != 1;
}

/* All of from_fd are >= FD_HIGH: no dup2 can hit one that is still needed. */
static int place_descriptors(const struct handed *handed)
{
	for (; handed->from_fd >= 0; handed++) {
		if (dup2(handed->from_fd, handed->as_fd) < 0)
			return -errno;
	}
	return 0;
}

/*
 * PDEATHSIG after the fork and then a look for the parent: if it died in
 * between, the signal never comes. In a pid namespace of our own the kernel
 * kills us with the monitor, and its pid reads 0 there or 1.
 */
static void die_with(pid_t monitor_pid)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != monitor_pid)
		_exit(1);
}

static int start_child(const struct handed *handed, role_life *life, const void *context,
	struct child *child, struct oakum_error *err)
{
	pid_t monitor_pid = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return fail(err, errno, "fork", NULL);
	if (pid == 0) {
		die_with(monitor_pid);
		if (place_descriptors(handed) < 0 ||
			(has_heirs(monitor_pid) && !heirs_wait(FD_REPORT)))
			_exit(1);
		life(context);
		_exit(1);
	}
	/* Our own child, and nobody else waits here: its pid cannot have been used again. */
	child->pidfd = sys_pidfd_open(pid, 0);
	if (child->pidfd < 0)
		return fail(err, errno, "pidfd_open", NULL);
	return 0;
}

/* Whatever happens to us from here on, the caller knows whom to wait for. */
static int hand_on(const struct run *run, struct oakum_error *err)
{
	const int pidfds[HEIRS_COUNT] = { run->decompressor.pidfd, run->unpacker.pidfd };

	if (!has_heirs(getpid()))
		return 0;
	int r = heirs_send(FD_REPORT, pidfds);
	if (r < 0)
		return fail(err, -r, "send pidfds", NULL);
	heirs_let_go(run->decompressor.report_fd);
	heirs_let_go(run->unpacker.report_fd);
	return 0;
}

struct report_pair {
	int ours_fd;
	int theirs_fd;
};

static int open_report_pair(struct report_pair *pair, struct oakum_error *err)
{
	int low[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) < 0)
		return fail(err, errno, "socketpair", NULL);
	pair->ours_fd = fd_duplicate_high(low[0]);
	pair->theirs_fd = fd_duplicate_high(low[1]);
	close(low[0]);
	close(low[1]);
	if (pair->ours_fd < 0 || pair->theirs_fd < 0)
		return fail(err, EMFILE, "dup", NULL);
	return 0;
}

/*
 * The pipe between the two is made here, so that no thread of the caller can
 * have leaked an end of it; each end has exactly one owner after the forks.
 */
static int start_both(const struct monitor *monitor, struct run *run, struct oakum_error *err)
{
	struct pipe_pair stream;
	struct report_pair decompressor;
	struct report_pair unpacker;
	int r = fd_pipe(&stream, FD_PIPE_BYTES);

	if (r < 0)
		return fail(err, -r, "pipe2", NULL);
	r = open_report_pair(&decompressor, err);
	if (r == 0)
		r = open_report_pair(&unpacker, err);
	if (r < 0)
		return r;
	const struct handed to_decompressor[] = {
		{ stream.write_fd, FD_OUTPUT },
		{ decompressor.theirs_fd, FD_REPORT },
		{ -1, -1 },
	};
	const struct handed to_unpacker[] = {
		{ stream.read_fd, FD_INPUT },
		{ unpacker.theirs_fd, FD_REPORT },
		{ -1, -1 },
	};
	run->decompressor.report_fd = decompressor.ours_fd;
	run->unpacker.report_fd = unpacker.ours_fd;
	r = start_child(
		to_decompressor, monitor->decompressor, monitor->context, &run->decompressor, err);
	if (r == 0)
		r = start_child(
			to_unpacker, monitor->unpacker, monitor->context, &run->unpacker, err);
	return r == 0 ? hand_on(run, err) : r;
}

static int compare_fds(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

/* Ours from here on: no layer, no rootfs, no pipe, and nothing to be gained by breaking in. */
static int confine(const struct run *run, struct oakum_error *err)
{
	int keep[] = {
		FD_TEXT,
		FD_REPORT,
		FD_CALLER,
		run->decompressor.report_fd,
		run->unpacker.report_fd,
		run->decompressor.pidfd,
		run->unpacker.pidfd,
	};
	struct jail jail = {
		.role = ROLE_MONITOR,
		.keep_fds = keep,
		.keep_count = sizeof(keep) / sizeof(keep[0]),
		.rootfs_fd = -1,
	};
	struct jail_result result;
	int r;

	qsort(keep, jail.keep_count, sizeof(keep[0]), compare_fds);
	r = jail_enter(&jail, &result, err);
	if (r == 0)
		r = jail_seal(ROLE_MONITOR, &result.walls, err);
	return r;
}

static void kill_child(struct child *child)
{
	if (child->pidfd < 0)
		return;
	if (sys_pidfd_send_signal(child->pidfd, SIGKILL) == 0)
		child->outcome.killed_by_us = true;
}

/* Reads what there is; a packet that is not a report counts against its sender. */
static void take_report(struct child *child)
{
	bool ended;
	int r;

	if (child->report_fd < 0)
		return;
	r = report_receive(child->report_fd, child->role, &child->outcome.report, &ended);
	if (r == 1)
		child->outcome.kind = OUTCOME_REPORTED;
	if (r < 0)
		child->outcome.kind = OUTCOME_LIED;
	if (r != 0 || ended)
		close_fd(&child->report_fd);
}

/* The last report may be in the socket when the process is gone: first look there. */
static void take_death(struct child *child)
{
	siginfo_t info = { 0 };

	take_report(child);
	if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	child->outcome.wait_status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0)
								: W_EXITCODE(0, info.si_status);
	close_fd(&child->pidfd);
	close_fd(&child->report_fd);
}

static bool has_failed(const struct child *child)
{
	switch (child->outcome.kind) {
	case OUTCOME_REPORTED:
		return child->outcome.report.result < 0;
	case OUTCOME_LIED:
		return true;
	case OUTCOME_SILENT:
		return child->pidfd < 0;
	}
	__builtin_unreachable();
}

/*
 * The other then ends by itself, and has something to add: "cut off" is a consequence,
 * and when the decompressor has failed or died the unpacker knows what it was reading.
 */
static bool is_half_the_story(const struct child *child)
{
	const struct outcome *outcome = &child->outcome;

	if (outcome->kind == OUTCOME_LIED)
		return false;
	return child->role == REPORT_FROM_DECOMPRESSOR ||
	       (outcome->kind == OUTCOME_REPORTED && outcome->report.ended_early == 1);
}

static void stop_other(const struct child *failed, struct child *other)
{
	if (has_failed(failed) && !is_half_the_story(failed))
		kill_child(other);
}

/* What poll(2) has said of the descriptors, in the order of wait_for_both(). */
static void take_events(struct run *run, const struct pollfd *fds)
{
	if (fds[0].revents != 0)
		take_report(&run->decompressor);
	if (fds[1].revents != 0)
		take_report(&run->unpacker);
	if (fds[2].revents != 0)
		take_death(&run->decompressor);
	if (fds[3].revents != 0)
		take_death(&run->unpacker);
	if (fds[4].revents != 0 || fds[5].revents != 0)
		_exit(1); /* nobody is left to report to; our children die with us */
}

/* Until both are gone. Once one has ended without success the other has GRACE_MS. */
static void wait_for_both(struct run *run)
{
	while (run->decompressor.pidfd >= 0 || run->unpacker.pidfd >= 0) {
		struct pollfd fds[] = {
			{ .fd = run->decompressor.report_fd, .events = POLLIN },
			{ .fd = run->unpacker.report_fd, .events = POLLIN },
			{ .fd = run->decompressor.pidfd, .events = POLLIN },
			{ .fd = run->unpacker.pidfd, .events = POLLIN },
			{ .fd = FD_CALLER, .events = POLLIN },
			/* Closed by all: the caller is another program now. */
			{ .fd = FD_REPORT, .events = 0 },
		};
		bool failed = has_failed(&run->decompressor) || has_failed(&run->unpacker);
		int ready = poll(fds, sizeof(fds) / sizeof(fds[0]), failed ? GRACE_MS : -1);
		if (ready < 0 && errno == EINTR)
			continue;
		take_events(run, fds);
		if (ready <= 0) {
			kill_child(&run->decompressor);
			kill_child(&run->unpacker);
		}
		stop_other(&run->decompressor, &run->unpacker);
		stop_other(&run->unpacker, &run->decompressor);
	}
}

int monitor_run(const struct monitor *monitor)
{
	struct run run = {
		.decompressor = { REPORT_FROM_DECOMPRESSOR, .pidfd = -1, .report_fd = -1 },
		.unpacker = { REPORT_FROM_UNPACKER, .pidfd = -1, .report_fd = -1 },
	};
	struct report record;
	struct oakum_error err = { 0 };
	int r = start_both(monitor, &run, &err);

	if (r == 0)
		r = confine(&run, &err);
	if (r < 0) {
		kill_child(&run.decompressor);
		kill_child(&run.unpacker);
	}
	wait_for_both(&run);
	report_init(&record, REPORT_FROM_MONITOR);
	if (r < 0) {
		staged(r, OAKUM_STAGE_SETUP, &err);
		record.result = r;
		record.error = err;
	} else {
		judge(&run.decompressor.outcome, &run.unpacker.outcome, &record);
	}
	return report_send(FD_REPORT, &record);
}
