/* SPDX-License-Identifier: Apache-2.0 */
/* Who failed first: the outcomes of all -> one record. Pure. */
#ifndef OAKUM_MONITOR_JUDGE_H
#define OAKUM_MONITOR_JUDGE_H

#include "wire/report.h"

#include <stdbool.h>
#include <stddef.h>

enum outcome_kind {
	OUTCOME_SILENT = 0, /* no report */
	OUTCOME_REPORTED,
	OUTCOME_LIED, /* what it sent was no report */
};

struct outcome {
	enum report_role role;
	enum outcome_kind kind;
	struct report report; /* of OUTCOME_REPORTED */
	int wait_status;      /* as of waitpid(2) */
	bool killed_by_us;    /* for what another did */
	const char *expected; /* the digest that it should have found; NULL: any */
};

/* It has failed, and not because what it read was cut off. */
bool judge_is_own_error(const struct outcome *outcome);

/*
 * Success is only where all reported success, and found what was expected. Otherwise the record
 * tells the first cause and never a consequence ("broken pipe", "cut off"), in this order:
 *   1. the own error of the last of the chain, the unpacker; but that the layer is
 *      damaged or hostile comes after a digest that shows it to be another layer
 *   2. of those before it, in the order of the chain: an error, a death, or a digest that
 *      is not the expected one
 *   3. the death of the last, or its digest
 *   4. "cut off" of the last, when nobody before it had a better story
 */
void judge(const struct outcome *outcomes, size_t count, struct report *record);

#endif
