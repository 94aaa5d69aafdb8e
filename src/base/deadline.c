/* SPDX-License-Identifier: Apache-2.0 */
#include "base/deadline.h"

#include <limits.h>
#include <time.h>

int64_t deadline_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_from_now(uint64_t timeout_ms)
{
	int64_t now = deadline_now();

	if (timeout_ms == 0 || timeout_ms > (uint64_t)(INT64_MAX - now))
		return -1;
	return now + (int64_t)timeout_ms;
}

int deadline_left(int64_t deadline)
{
	int64_t left;

	if (deadline < 0)
		return -1;
	left = deadline - deadline_now();
	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

uint64_t deadline_timeout(int64_t deadline)
{
	const int64_t left = deadline - deadline_now();

	if (deadline < 0)
		return 0;
	return left > 0 ? (uint64_t)left : 1;
}
