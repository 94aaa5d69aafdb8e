/* SPDX-License-Identifier: Apache-2.0 */
/* The helper program as a descriptor to execute: a sealed memfd of embedded bytes, or the installed
 * file. */
#ifndef OAKUM_HOST_HELPER_FILE_H
#define OAKUM_HOST_HELPER_FILE_H

#include <oakum/oakum.h>

/*
 * Returns a close-on-exec descriptor >= 64 of the helper that is the caller's to
 * close, or -errno. The memfd is made once a process and looked at before each
 * use: programs that close or reuse descriptors they do not know are common.
 * Thread-safe.
 */
int helper_file_open(struct oakum_error *err);

/* Forgets the one that is kept. Thread-safe. */
void helper_file_trim(void);

#endif
