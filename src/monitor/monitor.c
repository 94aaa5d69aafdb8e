/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/ring.h"
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

/* How long the others may live on when one has ended with no success. */
enum {
	GRACE_MS = 5000,
	READ_ON_MS = 1000, /* ... and the last is over: nothing is left to be learned but digests */
};

struct child {
	int pidfd;     /* -1 once it was waited for */
	int report_fd; /* ours; -1 once it is read out */
	struct outcome outcome;
};

/* In the order of the chain. */
struct run {
	struct child children[CHAIN_MAX];
	size_t count;
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

/* What a child is to do, and with what memory. */
struct life {
	role_life *role;
	const void *context;
	struct rings rings;
};

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

static int start_child(const struct handed *handed, const struct life *life, struct child *child,
	struct oakum_error *err)
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
		life->role(life->context, &life->rings);
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
	int pidfds[CHAIN_MAX];

	if (!has_heirs(getpid()))
		return 0;
	for (size_t i = 0; i < run->count; i++)
		pidfds[i] = run->children[i].pidfd;
	int r = heirs_send(FD_REPORT, pidfds, run->count);
	if (r < 0)
		return fail(err, -r, "send pidfds", NULL);
	for (size_t i = 0; i < run->count; i++)
		heirs_let_go(run->children[i].report_fd);
	return 0;
}

/* Between one of the chain and the next; what is not there is -1. */
struct channels {
	struct pipe_pair before; /* the last one's output */
	struct pipe_pair after;
	struct pipe_pair credits_before; /* for the last one */
	struct pipe_pair credits_after;	 /* from the next one */
	struct rings rings;
	int report_fd; /* the child's end */
};

static int open_report_pair(struct child *child, struct channels *channels, struct oakum_error *err)
{
	int low[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) < 0)
		return fail(err, errno, "socketpair", NULL);
	child->report_fd = fd_duplicate_high(low[0]);
	channels->report_fd = fd_duplicate_high(low[1]);
	close(low[0]);
	close(low[1]);
	if (child->report_fd < 0 || channels->report_fd < 0)
		return fail(err, EMFILE, "dup", NULL);
	return 0;
}

/* The first reads what we have as input, the last writes what we have as output. */
enum { HANDED_MAX = 6 };

static void list_handed(const struct channels *channels, struct handed handed[HANDED_MAX])
{
	size_t count = 0;

	if (channels->before.read_fd >= 0)
		handed[count++] = (struct handed){ channels->before.read_fd, FD_INPUT };
	if (channels->after.write_fd >= 0)
		handed[count++] = (struct handed){ channels->after.write_fd, FD_OUTPUT };
	if (channels->credits_before.write_fd >= 0)
		handed[count++] =
			(struct handed){ channels->credits_before.write_fd, FD_CREDITS_GIVEN };
	if (channels->credits_after.read_fd >= 0)
		handed[count++] =
			(struct handed){ channels->credits_after.read_fd, FD_CREDITS_TAKEN };
	handed[count++] = (struct handed){ channels->report_fd, FD_REPORT };
	handed[count] = (struct handed){ -1, -1 };
}

/*
 * Mapped right before its writer is forked, and unmapped once its reader is: nobody else of the
 * chain ever has it. A writer looks for credits, and goes on where there are none.
 */
static int open_ring(struct channels *channels)
{
	channels->rings.output = ring_map();
	if (channels->rings.output == NULL)
		return 0;
	int r = fd_pipe(&channels->credits_after, 0);
	if (r == 0 && fcntl(channels->credits_after.read_fd, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	return r;
}

static int open_pipes(const struct chain *chain, size_t at, struct channels *channels)
{
	int r = 0;

	channels->after = channels->credits_after = (struct pipe_pair){ -1, -1 };
	channels->rings.output = NULL;
	if (at + 1 == chain->count)
		return 0;
	r = fd_pipe(&channels->after, FD_PIPE_BYTES);
	return r < 0 ? r : open_ring(channels);
}

static int start_link(const struct chain *chain, size_t at, struct run *run,
	struct channels *channels, struct oakum_error *err)
{
	struct child *child = &run->children[at];
	struct handed handed[HANDED_MAX];
	int r = open_pipes(chain, at, channels);

	if (r < 0)
		return fail(err, -r, "pipe2", NULL);
	r = open_report_pair(child, channels, err);
	if (r < 0)
		return r;
	list_handed(channels, handed);
	const struct life life = {
		.role = chain->links[at].life,
		.context = chain->context,
		.rings = channels->rings,
	};
	r = start_child(handed, &life, child, err);
	/* What a later one would inherit it closes first thing; what we hold, confine() does. */
	channels->before = channels->after;
	channels->credits_before = channels->credits_after;
	ring_unmap(channels->rings.input);
	channels->rings.input = channels->rings.output;
	return r;
}

/*
 * The pipes between them are made here, so that no thread of the caller can have leaked an
 * end of one. Each child closes what it was not handed before anything else, and we do after
 * the forks: then each end has one owner.
 */
static int start_all(const struct chain *chain, struct run *run, struct oakum_error *err)
{
	struct channels channels = { .before = { -1, -1 }, .credits_before = { -1, -1 } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < chain->count; i++)
		r = start_link(chain, i, run, &channels, err);
	return r == 0 ? hand_on(run, err) : r;
}

static int compare_fds(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

/* Ours from here on: no layer, no rootfs, no pipe, and nothing to be gained by breaking in. */
static int confine(const struct run *run, struct oakum_error *err)
{
	int keep[3 + 2 * CHAIN_MAX] = { FD_TEXT, FD_REPORT, FD_CALLER };
	struct jail jail = {
		.role = ROLE_MONITOR,
		.keep_fds = keep,
		.keep_count = 3,
		.rootfs_fd = -1,
	};
	struct jail_result result;
	int r;

	for (size_t i = 0; i < run->count; i++) {
		keep[jail.keep_count++] = run->children[i].report_fd;
		keep[jail.keep_count++] = run->children[i].pidfd;
	}
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
	r = report_receive(child->report_fd, child->outcome.role, &child->outcome.report, &ended);
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

static bool expects_digest(const struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		if (run->children[i].outcome.expected != NULL)
			return true;
	}
	return false;
}

/*
 * The others then end by themselves, and have something to add: "cut off" is a consequence,
 * and when one before the last has failed or died, the last knows what it was reading. What
 * the last finds wrong with a layer may be because it is another one.
 */
static bool is_half_the_story(const struct run *run, const struct child *child)
{
	const struct outcome *outcome = &child->outcome;

	if (outcome->kind == OUTCOME_LIED)
		return false;
	if (child != &run->children[run->count - 1])
		return true;
	if (outcome->kind == OUTCOME_SILENT)
		return false;
	return !judge_is_own_error(outcome) ||
	       (outcome->report.result == -EBADMSG && expects_digest(run));
}

static void stop_others(struct run *run, const struct child *failed)
{
	for (size_t i = 0; i < run->count; i++) {
		if (&run->children[i] != failed)
			kill_child(&run->children[i]);
	}
}

static bool are_over(const struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		if (run->children[i].pidfd >= 0)
			return false;
	}
	return true;
}

/* For poll(2). */
static int patience_ms(const struct run *run)
{
	bool last_is_over = run->children[run->count - 1].pidfd < 0;
	bool failed = false;

	for (size_t i = 0; i < run->count; i++)
		failed |= has_failed(&run->children[i]);
	if (!failed)
		return -1;
	return last_is_over ? READ_ON_MS : GRACE_MS;
}

/* Until one of them has something to tell, or nobody has had for too long. */
static void wait_once(struct run *run)
{
	struct pollfd fds[2 + 2 * CHAIN_MAX] = {
		{ .fd = FD_CALLER, .events = POLLIN },
		/* Closed by all: the caller is another program now. */
		{ .fd = FD_REPORT, .events = 0 },
	};
	struct pollfd *of_children = &fds[2];

	for (size_t i = 0; i < run->count; i++) {
		const struct child *child = &run->children[i];
		of_children[2 * i] = (struct pollfd){ .fd = child->report_fd, .events = POLLIN };
		of_children[2 * i + 1] = (struct pollfd){ .fd = child->pidfd, .events = POLLIN };
	}
	int ready = poll(fds, 2 + 2 * run->count, patience_ms(run));
	if (ready < 0 && errno == EINTR)
		return;
	if (fds[0].revents != 0 || fds[1].revents != 0)
		_exit(1); /* nobody is left to report to; our children die with us */
	for (size_t i = 0; i < run->count; i++) {
		if (of_children[2 * i].revents != 0)
			take_report(&run->children[i]);
		if (of_children[2 * i + 1].revents != 0)
			take_death(&run->children[i]);
	}
	if (ready <= 0)
		stop_others(run, NULL);
}

/* Until all are gone. Once one has ended without success the others have GRACE_MS. */
static void wait_for_all(struct run *run)
{
	while (!are_over(run)) {
		wait_once(run);
		for (size_t i = 0; i < run->count; i++) {
			const struct child *child = &run->children[i];
			if (has_failed(child) && !is_half_the_story(run, child))
				stop_others(run, child);
		}
	}
}

static void run_init(const struct chain *chain, struct run *run)
{
	*run = (struct run){ .count = chain->count };
	for (size_t i = 0; i < chain->count; i++)
		run->children[i] = (struct child){
			.pidfd = -1,
			.report_fd = -1,
			.outcome.role = chain->links[i].role,
			.outcome.expected = chain->links[i].expected,
		};
}

static void conclude(const struct run *run, struct report *record)
{
	struct outcome outcomes[CHAIN_MAX];

	for (size_t i = 0; i < run->count; i++)
		outcomes[i] = run->children[i].outcome;
	judge(outcomes, run->count, record);
}

int monitor_run(const struct chain *chain)
{
	static struct run run; /* large, with all those reports */
	struct report record;
	struct oakum_error err = { 0 };

	run_init(chain, &run);
	int r = start_all(chain, &run, &err);
	if (r == 0)
		r = confine(&run, &err);
	if (r < 0)
		stop_others(&run, NULL);
	wait_for_all(&run);
	report_init(&record, REPORT_FROM_MONITOR);
	if (r < 0) {
		staged(r, OAKUM_STAGE_SETUP, &err);
		record.result = r;
		record.error = err;
	} else {
		conclude(&run, &record);
	}
	return report_send(FD_REPORT, &record);
}
