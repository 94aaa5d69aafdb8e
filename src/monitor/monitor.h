/* SPDX-License-Identifier: Apache-2.0 */
/* Role: starts the others, waits for them, judges who failed first, sends one record. */
#ifndef OAKUM_MONITOR_MONITOR_H
#define OAKUM_MONITOR_MONITOR_H

#include "wire/heirs.h"
#include "wire/report.h"

#include <stdbool.h>
#include <stddef.h>

/* The descriptors of every process of ours: the same number, the same thing. */
enum {
	FD_INPUT = 0,  /* the layer, for the monitor and the first of the chain; else a pipe */
	FD_OUTPUT = 1, /* the caller's, or /dev/null, for those two and the last; else a pipe */
	FD_TEXT = 2,   /* for the last words of a library that aborts */
	FD_REQUEST = 3,
	FD_ROOTFS = 4,
	FD_REPORT = 5,	 /* one packet comes up here */
	FD_CALLER = 6,	 /* a pidfd of the caller: readable when it has died */
	FD_PROGRESS = 7, /* a page to count in; closed if nobody looks on */
	/* Of rings (base/ring.h): from its reader back to its writer. */
	FD_CREDITS_TAKEN = 8, /* of the ring that is written to: to read */
	FD_CREDITS_GIVEN = 9, /* of the ring that is read from: to write */
};

/* Shared with the one before and the one after in the chain, and with nobody else; NULL: the
 * pipe between them has the bytes themselves. */
struct rings {
	unsigned char *input;
	unsigned char *output;
};

/* What a child does with its life, after it was given its descriptors; it does not return. */
typedef void role_life(const void *context, const struct rings *rings);

enum { CHAIN_MAX = HEIRS_MAX };

/* Whoever sees the bytes, in the order in which they do: each writes what the next one reads. */
struct chain {
	struct {
		enum report_role role;
		role_life *life;
		const char *expected; /* of a hasher: what it has to find; else NULL */
	} links[CHAIN_MAX];
	size_t count;
	const void *context;
};

/*
 * Runs all to their end and sends the record to FD_REPORT. The process has one
 * thread and the descriptors above. Returns 0 when the record went out.
 */
int monitor_run(const struct chain *chain);

#endif
