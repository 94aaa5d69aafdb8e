/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock rights of each role (kernel document: userspace-api/landlock). */
#ifndef OAKUM_JAIL_LANDLOCK_H
#define OAKUM_JAIL_LANDLOCK_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stdint.h>

struct landlock_root {
	int fd; /* -1: nothing is left */
	bool may_write;
	bool may_signal; /* processes that do not stand behind the same wall */
};

/*
 * Takes away every right on files that the kernel's Landlock knows; what lies
 * below the root can be read, and if it may be written keeps all but execution
 * and device ioctls. Needs no_new_privs. max_abi 0 is no bound. Sets its bit of
 * *walls where the wall stands: kernels without Landlock, or with its first
 * version, which would forbid hard links between directories, go without.
 */
int landlock_enter(
	const struct landlock_root *root, int max_abi, uint32_t *walls, struct oakum_error *err);

#endif
