/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks in hosts of every temper and holds each result against what it must be.
 * Usage: torture_hosts [--runs N | --seconds N] [--seed N] [--kind TEXT]
 *        N runs, or for N seconds, over all hosts together; one line for each.
 */
#include "support/clock.h"
#include "support/scratch.h"
#include "support/tarball.h"
#include "torture/host_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CALLERS_MAX = 8,
	RUNS_TO_KILL_IN = 100, /* so that something is killed for sure */
	HUNG_SECONDS = 30,     /* no progress of a host for so long */
	BROKEN_STATUS = 3,     /* the host could not be set up */
	FDS_LOOKED_AT = 40000,
};

/* What a host and whoever watches it share. */
struct outcome {
	atomic_uint runs;
	atomic_uint right;
	atomic_uint lost;	      /* a wrong result: the status of another, or none */
	atomic_uint wrong;	      /* the right result, and a tree that is not what it says */
	atomic_uint failed_as_killed; /* where helpers are killed: how many were hit */
	atomic_ulong taken;	      /* statuses, by a host that reaps */
	atomic_long lost_orphans;
	atomic_int left_fds;
	atomic_int left_children;
	atomic_int left_state; /* signal mask, dispositions, umask or limits changed */
};

struct host {
	const struct host_kind *kind;
	struct outcome *outcome;
	unsigned int seed;
	unsigned int runs; /* for all callers together */
	double end;	   /* or until then; 0: runs counts */
	atomic_uint taken_runs;
	struct tarball good;
	struct tarball bad;
};

static const struct member good[] = {
	directory("etc"),
	file("etc/passwd", "root"),
	symlink_to("etc/link", "passwd"),
	END,
};

static const struct member bad[] = {
	directory("etc"),
	file("etc/../../secret", "gotcha"),
	END,
};

/* --- one run --- */

enum expectation { EXPECT_GOOD, EXPECT_BAD, EXPECT_CUT_OFF, EXPECTATIONS };

static void complain(
	const struct host *host, enum expectation expected, int r, const struct oakum_error *err)
{
	char line[4096] = "";

	if (r < 0)
		oakum_error_format(err, line, sizeof(line));
	fprintf(stderr, "torture: %s: case %d gave %d: %s\n", host->kind->name, (int)expected, r,
		line);
}

static bool failed_as_killed(int r, const struct oakum_error *err)
{
	return r == -EIO && err->stage == OAKUM_STAGE_REAP &&
	       strstr(err->detail, "signal 9") != NULL;
}

static bool is_as_expected(enum expectation expected, int r, const struct oakum_error *err)
{
	switch (expected) {
	case EXPECT_GOOD:
		return r == 0;
	case EXPECT_BAD:
		return r == -EBADMSG && strcmp(err->entry, "etc/../../secret") == 0;
	case EXPECT_CUT_OFF:
		return r == -EBADMSG && strstr(err->detail, "cut off") != NULL;
	case EXPECTATIONS:
		break;
	}
	abort();
}

static bool tree_is_right(const struct scratch *scratch, enum expectation expected)
{
	if (!scratch_outside_is_untouched(scratch))
		return false;
	return expected != EXPECT_GOOD ||
	       (scratch_file_is(scratch, "etc/passwd", "root") && scratch_has(scratch, "etc/link"));
}

static void run_once(struct host *host, struct scratch *scratch, enum expectation expected)
{
	struct outcome *outcome = host->outcome;
	const struct tarball *tar = expected == EXPECT_BAD ? &host->bad : &host->good;
	size_t length = expected == EXPECT_CUT_OFF ? 1024 : tar->length;
	const uint32_t both_digests = OAKUM_DIGESTS_LAYER | OAKUM_DIGESTS_DIFF_ID;
	const bool has_more_processes = atomic_load(&outcome->runs) % 4 == 3;
	struct oakum_error err = { 0 };
	int layer_fd = memory_file(tar->bytes, length);

	if (host->kind->before_run != NULL)
		host->kind->before_run();
	int r = oakum_unpack(layer_fd, scratch->rootfs_fd,
		OAKUM_UNPACK_OPTIONS(.digests = has_more_processes ? both_digests : 0), NULL, &err);
	close(layer_fd);
	if (host->kind->kills && failed_as_killed(r, &err)) {
		atomic_fetch_add(&outcome->failed_as_killed, 1);
		atomic_fetch_add(&outcome->right, 1);
	} else if (!is_as_expected(expected, r, &err)) {
		complain(host, expected, r, &err);
		atomic_fetch_add(&outcome->lost, 1);
	} else if (!tree_is_right(scratch, expected)) {
		atomic_fetch_add(&outcome->wrong, 1);
	} else {
		atomic_fetch_add(&outcome->right, 1);
	}
	atomic_fetch_add(&outcome->runs, 1);
}

static bool has_more(struct host *host)
{
	if (host->end > 0)
		return seconds_now() < host->end;
	return atomic_fetch_add(&host->taken_runs, 1) < host->runs;
}

static void *be_caller(void *argument)
{
	struct host *host = argument;
	struct scratch scratch;
	unsigned int random = host->seed + atomic_load(&host->taken_runs);

	scratch_make(&scratch);
	while (has_more(host)) {
		random = random * 1103515245 + 12345;
		scratch_renew(&scratch);
		run_once(host, &scratch, (enum expectation)(random >> 16) % EXPECTATIONS);
	}
	scratch_remove(&scratch);
	return NULL;
}

/* --- one host --- */

struct disturbance {
	host_disturber *disturb;
	atomic_bool is_over;
	pthread_t thread;
};

static void *disturb(void *argument)
{
	struct disturbance *disturbance = argument;

	disturbance->disturb(&disturbance->is_over);
	return NULL;
}

static void call(struct host *host)
{
	pthread_t callers[CALLERS_MAX];

	for (unsigned int i = 0; i < host->kind->callers; i++) {
		if (pthread_create(&callers[i], NULL, be_caller, host) != 0)
			_exit(BROKEN_STATUS);
	}
	for (unsigned int i = 0; i < host->kind->callers; i++)
		pthread_join(callers[i], NULL);
}

static void call_disturbed(struct host *host)
{
	struct disturbance disturbances[HOST_DISTURBERS_MAX];
	int count = 0;

	for (; count < HOST_DISTURBERS_MAX && host->kind->disturbers[count] != NULL; count++) {
		disturbances[count] = (struct disturbance){
			.disturb = host->kind->disturbers[count],
		};
		if (pthread_create(
			    &disturbances[count].thread, NULL, disturb, &disturbances[count]) != 0)
			_exit(BROKEN_STATUS);
	}
	call(host);
	while (count-- > 0) {
		atomic_store(&disturbances[count].is_over, true);
		pthread_join(disturbances[count].thread, NULL);
	}
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Children that are alive, or dead and not reaped. */
static int count_children(void)
{
	siginfo_t info = { 0 };
	int count = 0;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) == 0) {
		count++;
		if (info.si_pid == 0)
			break;
	}
	return count;
}

/* What a library may not change. */
struct state {
	sigset_t mask;
	struct sigaction actions[NSIG];
	mode_t umask;
	struct rlimit limits[RLIM_NLIMITS];
};

static void take_state(struct state *state)
{
	memset(state, 0, sizeof(*state));
	pthread_sigmask(SIG_SETMASK, NULL, &state->mask);
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, NULL, &state->actions[number]);
	state->umask = umask(022);
	umask(state->umask);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		(void)getrlimit((__rlimit_resource_t)i, &state->limits[i]);
}

static bool is_same_action(const struct sigaction *before, const struct sigaction *after)
{
	return before->sa_handler == after->sa_handler && before->sa_flags == after->sa_flags;
}

static int count_changes(const struct state *before, const struct state *after)
{
	int changes = before->umask != after->umask;

	for (int number = 1; number < NSIG; number++) {
		changes += sigismember(&before->mask, number) != sigismember(&after->mask, number);
		changes += !is_same_action(&before->actions[number], &after->actions[number]);
	}
	for (int i = 0; i < RLIM_NLIMITS; i++)
		changes += memcmp(&before->limits[i], &after->limits[i],
				   sizeof(before->limits[i])) != 0;
	return changes;
}

static void be_host(struct host *host)
{
	struct outcome *outcome = host->outcome;
	struct host warm_up = *host;
	struct outcome unread = { 0 };
	struct state before;
	struct state after;

	if (host->kind->enter != NULL)
		host->kind->enter();
	/* The helper is kept, and libc has what it keeps. */
	warm_up.outcome = &unread;
	warm_up.runs = 2 * host->kind->callers;
	warm_up.end = 0;
	call(&warm_up);
	take_state(&before);
	int fds = count_fds();
	call_disturbed(host);
	atomic_store(&outcome->left_fds, count_fds() - fds);
	take_state(&after);
	atomic_store(&outcome->left_state, count_changes(&before, &after));
	atomic_store(&outcome->left_children, count_children());
	atomic_store(&outcome->taken, atomic_load(&host_taken));
	if (host->kind->counts_orphans)
		atomic_store(&outcome->lost_orphans, (long)(atomic_load(&host_orphans_made) -
							     atomic_load(&host_orphans_reaped)));
	_exit(0);
}

/* PID 1 needs a namespace, and its own /proc to find itself in. */
static void be_host_of_namespace(struct host *host)
{
	int status;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		_exit(BROKEN_STATUS);
	pid_t pid = fork();
	if (pid == 0) {
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(BROKEN_STATUS);
		be_host(host);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(BROKEN_STATUS);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
}

/* --- whoever watches --- */

/* False if the host makes no progress any more: it is killed then. */
static bool watch(pid_t pid, const struct outcome *outcome, int *status)
{
	double last_progress = seconds_now();
	unsigned int last_runs = 0;

	for (;;) {
		unsigned int runs = atomic_load(&outcome->runs);
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (runs != last_runs)
			last_progress = seconds_now();
		last_runs = runs;
		if (seconds_now() - last_progress > HUNG_SECONDS)
			break;
		usleep(5000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

/* What was wrong beside the results; NULL: nothing. */
static const char *find_fault(const struct host_kind *kind, const struct outcome *outcome)
{
	if (outcome->left_fds != 0)
		return "descriptors were left, or closed";
	if (outcome->left_children != 0)
		return "processes were left";
	if (outcome->left_state != 0)
		return "the host's state changed";
	if (outcome->lost_orphans != 0)
		return "orphans were lost";
	if (kind->takes && outcome->taken == 0)
		return "it took no status: nothing was tried";
	if (kind->kills && outcome->failed_as_killed == 0)
		return "nothing was killed: nothing was tried";
	return NULL;
}

/* The line of a host; true if all was as it must be. */
static bool tell(const struct host_kind *kind, const struct outcome *outcome, bool hung, int status)
{
	bool broken = !hung && status != 0;
	const char *fault = hung || broken ? NULL : find_fault(kind, outcome);

	printf("%-32s %7u %7u %7u %5u %5u %5d  ", kind->name, kind->callers, outcome->runs,
		outcome->right, outcome->lost, outcome->wrong, (int)hung);
	if (broken)
		printf("it could not be set up");
	else if (fault != NULL)
		printf("%s", fault);
	else if (kind->kills)
		printf("%u were killed", outcome->failed_as_killed);
	else if (kind->takes)
		printf("%lu statuses were taken", outcome->taken);
	printf("\n");
	return !hung && !broken && fault == NULL && outcome->runs > 0 &&
	       outcome->right == outcome->runs;
}

static bool torture_one(struct host *host)
{
	struct outcome *outcome = host->outcome;
	int status = 0;

	memset(outcome, 0, sizeof(*outcome));
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		if (host->kind->is_pid_one)
			be_host_of_namespace(host);
		be_host(host);
	}
	bool hung = !watch(pid, outcome, &status);
	return tell(host->kind, outcome, hung, status);
}

struct arguments {
	unsigned int runs;
	unsigned int seconds;
	unsigned int seed;
	const char *kind;
};

static bool read_arguments(int argc, char **argv, struct arguments *arguments)
{
	*arguments = (struct arguments){ .runs = 2000, .seed = 7, .kind = "" };
	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned int value = (unsigned int)strtoul(argv[i + 1], NULL, 10);
		if (strcmp(argv[i], "--runs") == 0)
			arguments->runs = value;
		else if (strcmp(argv[i], "--seconds") == 0)
			arguments->seconds = value;
		else if (strcmp(argv[i], "--seed") == 0)
			arguments->seed = value;
		else if (strcmp(argv[i], "--kind") == 0)
			arguments->kind = argv[i + 1];
		else
			return false;
	}
	return argc % 2 == 1;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	unsigned int failed = 0;

	if (!read_arguments(argc, argv, &arguments)) {
		fprintf(stderr,
			"usage: torture_hosts [--runs N | --seconds N] [--seed N] [--kind TEXT]\n");
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "torture_hosts: needs root, for namespaces and sysctls\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	struct host host = {
		.outcome = mmap(NULL, sizeof(struct outcome), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0),
		.good = tarball_of(good),
		.bad = tarball_of(bad),
	};
	printf("%-32s %7s %7s %7s %5s %5s %5s\n", "host", "callers", "runs", "right", "lost",
		"wrong", "hung");
	for (unsigned int i = 0; i < host_kinds_count; i++) {
		if (strstr(host_kinds[i].name, arguments.kind) == NULL)
			continue;
		host.kind = &host_kinds[i];
		host.runs = arguments.runs / host_kinds_count;
		if (host.kind->kills && host.runs < RUNS_TO_KILL_IN)
			host.runs = RUNS_TO_KILL_IN;
		host.seed = arguments.seed + i;
		host.end = arguments.seconds > 0
				   ? seconds_now() + (double)arguments.seconds / host_kinds_count
				   : 0;
		failed += !torture_one(&host);
	}
	tarball_free(&host.good);
	tarball_free(&host.bad);
	if (failed > 0)
		printf("%u hosts did not get what they should\n", failed);
	return failed > 0;
}
