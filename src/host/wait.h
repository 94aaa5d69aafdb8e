/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the record and for the end of every process of ours; collects exactly those. */
#ifndef OAKUM_HOST_WAIT_H
#define OAKUM_HOST_WAIT_H

#include "host/child.h"
#include "wire/report.h"

#include <stdatomic.h>

/* What a job is waited for with. */
struct wait_terms {
	int64_t deadline;
	const atomic_bool *was_cancelled; /* NULL: nobody can; whoever sets it kills the monitor */
};

/* When everything is killed: the unpacker has the deadline too, and may know the entry. */
int64_t wait_answer_deadline(int64_t deadline);

/*
 * Returns 0 with a *record that was found good, whatever it says, or -errno:
 * -ETIMEDOUT at the deadline or a moment later, -ECANCELED, -EIO when the monitor died without a
 * record. In every case no process of ours is alive afterwards, and none is left to be reaped.
 */
int wait_for_record(struct child *child, const struct wait_terms *terms, struct report *record,
	struct oakum_error *err);

/* Waits until the child has said something or is dead: true; false at the deadline. */
bool wait_for_word(const struct child *child, int64_t deadline);

/*
 * Runs a program of the system (child_start_tool()) to its end, or kills it at the deadline:
 * -ETIMEDOUT. -EPERM when it is known to have failed. A status that somebody else took is
 * not known, and no failure.
 */
int wait_for_tool(const char *path, char *const argv[], int64_t deadline, struct oakum_error *err);

#endif
