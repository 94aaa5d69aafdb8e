/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file system makes of a time that it cannot hold. The kernel cuts it to the nearest that
 * it can (timestamp_truncate(), since Linux 5.4), and tells nobody what these are.
 */
#ifndef OAKUM_VERIFIER_KEPT_TIME_H
#define OAKUM_VERIFIER_KEPT_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { KEPT_TIME_COARSEST_NS = 1000000000 }; /* the grain, as long as no time was seen */

/*
 * The grain, now that the kernel has set this time in the file system by itself (a ctime): it is
 * a multiple of the real one. A power of ten, as those of the kernel are.
 */
uint32_t kept_time_refine(uint32_t grain_ns, const struct timespec *of_kernel);

/* Is it what becomes of the other, where times are multiples of the grain? */
bool kept_time_is(const struct timespec *kept, const struct timespec *asked_for, uint32_t grain_ns);

#endif
