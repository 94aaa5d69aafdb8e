/* SPDX-License-Identifier: Apache-2.0 */
/* A deadline: a point of CLOCK_MONOTONIC in milliseconds, the same in every process; -1 is never.
 */
#ifndef OAKUM_BASE_DEADLINE_H
#define OAKUM_BASE_DEADLINE_H

#include <stdint.h>

/* Now, on that clock. */
int64_t deadline_now(void);

/* timeout_ms from now; 0 is never. */
int64_t deadline_from_now(uint64_t timeout_ms);

/* What is left of a timeout that began it: 0 of one that never ends, else 1 or more. */
uint64_t deadline_timeout(int64_t deadline);

/* What is left until then, for poll(2): -1 for ever, else 0 to INT_MAX milliseconds. */
int deadline_left(int64_t deadline);

#endif
