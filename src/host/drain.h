/* SPDX-License-Identifier: Apache-2.0 */
/* Draining of the caller's input after a failure, so that its writer can end: as far as asked for.
 */
#ifndef OAKUM_HOST_DRAIN_H
#define OAKUM_HOST_DRAIN_H

#include <oakum/oakum.h>
#include <stdint.h>

/* How far; filled by drain_init(). */
struct drain {
	uint64_t max_bytes; /* UINT64_MAX: all */
	uint64_t max_ms;    /* 0: as long as it takes */
	int64_t deadline;   /* of the whole call; -1: none */
	int cancel_fd;	    /* ends it when readable; -1: nothing does */
};

/* From the options. -EINVAL for a policy that is not known. */
int drain_init(
	struct drain *drain, const struct oakum_unpack_options *options, struct oakum_error *err);

/*
 * Reads and drops what is left in a pipe or socket; nothing is done to anything else. Never
 * waits for more than a bound allows, nor for ever where another reader is faster. Tells in
 * err how much there was and whether its end was seen.
 */
void drain_input(int layer_fd, const struct drain *drain, struct oakum_error *err);

#endif
