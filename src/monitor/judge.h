/* SPDX-License-Identifier: Apache-2.0 */
/* Who failed first: two outcomes -> one record. Pure. */
#ifndef OAKUM_MONITOR_JUDGE_H
#define OAKUM_MONITOR_JUDGE_H

#include "wire/report.h"

#include <stdbool.h>

enum outcome_kind {
	OUTCOME_SILENT = 0, /* no report */
	OUTCOME_REPORTED,
	OUTCOME_LIED, /* what it sent was no report */
};

struct outcome {
	enum outcome_kind kind;
	struct report report; /* of OUTCOME_REPORTED */
	int wait_status;      /* as of waitpid(2) */
	bool killed_by_us;    /* for what the other did */
};

/*
 * Success is only where both reported success. Otherwise the record tells the
 * first cause and never a consequence ("broken pipe", "cut off"), in this order:
 *   1. the unpacker's own error
 *   2. the decompressor's: its error, or its death
 *   3. the unpacker's death
 *   4. "cut off" of the unpacker, when the decompressor had no better story
 */
void judge(
	const struct outcome *decompressor, const struct outcome *unpacker, struct report *record);

#endif
