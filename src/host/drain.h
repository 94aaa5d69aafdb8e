/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded draining of the caller's input after a failure, so that its writer can end. */
#ifndef OAKUM_HOST_DRAIN_H
#define OAKUM_HOST_DRAIN_H

#include <stdint.h>

/*
 * Reads and drops what is left in a pipe or socket: until its end, an error, a
 * bound in bytes or time, or the deadline. Nothing is done to a regular file.
 */
void drain_input(int layer_fd, int64_t deadline);

#endif
