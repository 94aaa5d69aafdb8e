/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel, or a disk, that answers a system call with an error of the test's choice. */
#ifndef OAKUM_TESTS_DENY_CALL_H
#define OAKUM_TESTS_DENY_CALL_H

/*
 * This process and what it starts get that errno for that call from here on, and there is no way
 * back: for a fork. Ends the process with status 99 where it cannot be done.
 */
void deny_call(long number, int code);

#endif
