/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's children, handed to the caller: where no pid namespace ends them with the
 * monitor, the caller has to see them dead, and to reap them if they become its own.
 */
#ifndef OAKUM_WIRE_HEIRS_H
#define OAKUM_WIRE_HEIRS_H

#include <stdbool.h>
#include <stddef.h>

enum { HEIRS_MAX = 4 };

/* In the monitor: one packet with the pidfds of all, in front of the record. 0 or -errno. */
int heirs_send(int fd, const int *pidfds, size_t count);

/*
 * In the caller: takes that packet if it is what comes next on the socket, without waiting.
 * The descriptors are close-on-exec and the caller's to close. They may be anything; those that
 * were not sent are left as they are. *are_all: as many came as the packet says.
 */
bool heirs_take(int fd, int pidfds[HEIRS_MAX], bool *are_all);

/* In the monitor: the caller has them, so a child may begin. */
void heirs_let_go(int fd);

/* In a child: waits for that; false if the monitor is dead. */
bool heirs_wait(int fd);

#endif
