/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/kept_time.h"

#include <stddef.h>

/* No file system has one between this and 1 ns; of times that are seen, many look like that. */
enum { FINEST_COARSE_GRAIN_NS = 100 };

uint32_t kept_time_refine(uint32_t grain_ns, const struct timespec *of_kernel)
{
	while (of_kernel->tv_nsec % grain_ns != 0)
		grain_ns /= 10;
	return grain_ns;
}

/* A bound itself has no fraction. */
static bool is_clamped(const struct timespec *kept, const struct timespec *asked_for)
{
	static const int64_t first_seconds[] = {
		INT32_MIN,    /* ext2, ext3, ext4, xfs, ufs */
		-11644473600, /* ntfs, cifs: the year 1601 */
		0,	      /* nfs before 4, 9p, ceph, jfs */
	};
	static const int64_t last_seconds[] = {
		INT32_MAX,   /* ext2, ext3, ext4 with inodes of 128 bytes, xfs without bigtime */
		UINT32_MAX,  /* nfs before 4, ceph, jfs */
		15032385535, /* ext4: 34 bits from INT32_MIN on */
		16299260424, /* xfs with bigtime: 64 bits of nanoseconds from INT32_MIN on */
	};
	const int64_t seconds = kept->tv_sec;

	if (kept->tv_nsec != 0)
		return false;
	for (size_t i = 0; i < sizeof(first_seconds) / sizeof(first_seconds[0]); i++) {
		if (seconds == first_seconds[i] && asked_for->tv_sec <= seconds)
			return true;
	}
	for (size_t i = 0; i < sizeof(last_seconds) / sizeof(last_seconds[0]); i++) {
		if (seconds == last_seconds[i] && asked_for->tv_sec >= seconds)
			return true;
	}
	return false;
}

static bool is_same(const struct timespec *kept, const struct timespec *asked_for, long lost_ns)
{
	return kept->tv_sec == asked_for->tv_sec && kept->tv_nsec == asked_for->tv_nsec - lost_ns;
}

bool kept_time_is(const struct timespec *kept, const struct timespec *asked_for, uint32_t grain_ns)
{
	if (is_same(kept, asked_for, 0))
		return true;
	if (grain_ns >= FINEST_COARSE_GRAIN_NS &&
		is_same(kept, asked_for, asked_for->tv_nsec % grain_ns))
		return true;
	return is_clamped(kept, asked_for);
}
