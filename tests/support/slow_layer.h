/* SPDX-License-Identifier: Apache-2.0 */
/* An unpack that stands still in the middle, to be looked at or disturbed. */
#ifndef OAKUM_TESTS_SLOW_LAYER_H
#define OAKUM_TESTS_SLOW_LAYER_H

#include "support/scratch.h"

#include <oakum/oakum.h>
#include <pthread.h>
#include <sys/types.h>

/* A call of oakum_unpack() in a thread of its own, whose layer comes from a pipe. */
struct slow_unpack {
	struct scratch *scratch;
	const struct oakum_unpack_options *options;
	int write_fd; /* write the layer here; close it to end the layer */
	int read_fd;
	pthread_t thread;
	int result;
	struct oakum_error err;
};

/* Starts it; nothing of the layer is written yet. */
void slow_unpack_start(struct slow_unpack *slow, struct scratch *scratch,
	const struct oakum_unpack_options *options);

/*
 * Writes more of the layer; returns how much went, less only where nobody reads any more. In
 * pieces, where write(2) likes it: on a pipe that is full it may stop when a process ends.
 */
size_t slow_unpack_write(const struct slow_unpack *slow, const void *bytes, size_t length);

/* Waits until its three processes are there and behind their walls; their pids, monitor first. */
void slow_unpack_wait_for_walls(pid_t pids[3]);

/* The same of any job of so many. */
void slow_wait_for_walls(pid_t *pids, int count);

/* Ends the layer if it was not, and waits for the call; its result. */
int slow_unpack_end(struct slow_unpack *slow);

#endif
