/* SPDX-License-Identifier: Apache-2.0 */
/* Scope guards (cleanup_fd, cleanup_free) and steal_*, the only way out of one. */
#ifndef OAKUM_BASE_CLEANUP_H
#define OAKUM_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The guards keep errno, so "return -errno" after a failed call is always right. */

static inline void close_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		*fd = -1;
		errno = saved;
	}
}

static inline void free_pointer(void *pointer)
{
	int saved = errno;
	free(*(void **)pointer);
	errno = saved;
}

/* For what was allocated to be constant from then on. */
static inline void free_const(const void *pointer)
{
	void *writable;

	memcpy(&writable, &pointer, sizeof(writable));
	free(writable);
}

static inline int steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

#define cleanup_fd __attribute__((cleanup(close_fd)))
#define cleanup_free __attribute__((cleanup(free_pointer)))

#define steal_ptr(pointer)                                       \
	({                                                       \
		__typeof__(*(pointer)) stolen_ptr_ = *(pointer); \
		*(pointer) = NULL;                               \
		stolen_ptr_;                                     \
	})

#endif
