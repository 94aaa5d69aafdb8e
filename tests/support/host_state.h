/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller's process must have after a call just as before it. */
#ifndef OAKUM_TESTS_HOST_STATE_H
#define OAKUM_TESTS_HOST_STATE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct host_state {
	int open_fds;	    /* below 64: where the library may leave nothing */
	int open_fds_above; /* 64 and up: one helper may be kept */
	int children;	    /* alive or zombies */
	mode_t umask;
	char cwd[256];
	sigset_t mask;
	struct sigaction actions[NSIG];
};

void host_state_take(struct host_state *state);

/* Prints what differs; *before must have been taken after a first call. */
bool host_state_is_the_same(const struct host_state *before, const struct host_state *after);

/* Processes whose parent or ancestor is this one: alive, or dead and not waited for. */
int host_count_descendants(void);

/* Pids of those whose comm is that of the helper; returns how many, at most max. */
int host_find_helpers(pid_t *pids, int max);

#endif
