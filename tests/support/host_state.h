/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller's process must have after a call just as before it. */
#ifndef OAKUM_TESTS_HOST_STATE_H
#define OAKUM_TESTS_HOST_STATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { HOST_FDS_MAX = 64 };

/* A descriptor and what it is of. */
struct host_fd {
	int fd;
	int fd_flags;
	int file_flags;
	dev_t device;
	ino_t inode;
};

struct host_state {
	int open_fds;			  /* below 64: where the library may leave nothing */
	struct host_fd fds[HOST_FDS_MAX]; /* these */
	int open_fds_above;		  /* 64 and up: one helper may be kept */
	int children;			  /* alive or zombies */
	mode_t umask;
	char cwd[256];
	sigset_t mask;
	struct sigaction actions[NSIG];
	struct rlimit limits[RLIM_NLIMITS];
	uint64_t environment; /* a hash of it */
};

void host_state_take(struct host_state *state);

/* Prints what differs; *before must have been taken after a first call. */
bool host_state_is_the_same(const struct host_state *before, const struct host_state *after);

/*
 * The same around a test: a call's last trace must be gone when it ends, but for the helper
 * that is kept, which is let go before both looks.
 */
int host_note(void **state);
int host_check(void **state);
#define host_test(function) cmocka_unit_test_setup_teardown(function, host_note, host_check)

/* Processes whose parent or ancestor is this one: alive, or dead and not waited for. */
int host_count_descendants(void);

/* Pids of those whose comm is that of the helper; returns how many, at most max. */
int host_find_helpers(pid_t *pids, int max);

#endif
