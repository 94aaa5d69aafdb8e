/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what may have to be waited for, for no longer than somebody is willing to. */
#ifndef OAKUM_COMMAND_PATIENCE_H
#define OAKUM_COMMAND_PATIENCE_H

#include <stdint.h>

/*
 * openat(2) of what may be a FIFO, whose other end it waits for: -1 with ETIMEDOUT after
 * *timeout_ms (0: never), which is less afterwards by what it took, and 1 at least. Signals that
 * are blocked are let through meanwhile and end the process as ever: there is no job yet
 * that they could end. Of one thread; has SIGRTMIN to itself meanwhile.
 */
int open_with_patience(int directory_fd, const char *name, int flags, uint64_t *timeout_ms);

#endif
