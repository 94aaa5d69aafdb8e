/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that is cancelled (pthread_cancel(3)) in the middle of a call would leave processes,
 * locks and entries on its stack behind: it is cancelled at the end of it.
 */
#ifndef OAKUM_BASE_CANCEL_H
#define OAKUM_BASE_CANCEL_H

#include <pthread.h>

static inline int cancel_forbid(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

static inline void cancel_restore(const int *before)
{
	pthread_setcancelstate(*before, NULL);
}

/* cleanup_cancel int cancel_state = cancel_forbid(); holds to the end of the block. */
#define cleanup_cancel __attribute__((cleanup(cancel_restore), unused))

#endif
