/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts of every temper: what a process may do while it unpacks, and still has to get right
 * results. */
#ifndef OAKUM_TESTS_HOST_KINDS_H
#define OAKUM_TESTS_HOST_KINDS_H

#include <stdatomic.h>
#include <stdbool.h>

enum { HOST_DISTURBERS_MAX = 4 };

/* Runs in a thread of its own until *is_over. */
typedef void host_disturber(const atomic_bool *is_over);

struct host_kind {
	const char *name;
	unsigned int callers; /* threads that unpack */
	bool is_pid_one;      /* of a pid namespace and a mount namespace of its own */
	bool kills;	      /* a disturber kills helpers: an unpack may fail, and says of what */
	bool takes;	      /* it reaps: a run in which it got nothing shows nothing */
	bool counts_orphans;  /* each that it makes it must reap */
	void (*enter)(void);  /* once, before any thread; NULL: nothing */
	void (*before_run)(void); /* before each unpack; NULL: nothing */
	/* Ended from the last to the first: whoever makes children stands behind whoever reaps
	 * them. */
	host_disturber *disturbers[HOST_DISTURBERS_MAX];
};

extern const struct host_kind host_kinds[];
extern const unsigned int host_kinds_count;

/* Of the hosts that reap: how many statuses they took, and orphans they made and reaped. */
extern atomic_ulong host_taken;
extern atomic_ulong host_orphans_made;
extern atomic_ulong host_orphans_reaped;

#endif
