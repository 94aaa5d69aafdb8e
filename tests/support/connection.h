/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of TCP to ourselves, as of a registry that sends a layer. */
#ifndef OAKUM_TESTS_CONNECTION_H
#define OAKUM_TESTS_CONNECTION_H

/* Both ends, close-on-exec; aborts the test program when it cannot be had. */
void connection_open(int *read_fd, int *write_fd);

/* Closing the end after this is a reset, not an end. */
void connection_will_reset(int fd);

#endif
