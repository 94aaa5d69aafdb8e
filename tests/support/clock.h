/* SPDX-License-Identifier: Apache-2.0 */
/* How long something took. */
#ifndef OAKUM_TESTS_CLOCK_H
#define OAKUM_TESTS_CLOCK_H

#include <time.h>

/* Of a clock that nobody sets. */
static inline double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
