/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting where an attacker chooses what is sorted, behind walls. */
#ifndef OAKUM_BASE_SORT_H
#define OAKUM_BASE_SORT_H

#include <stddef.h>

enum { SORT_ITEM_BYTES_MAX = 64 };

/*
 * In place and never quadratic; what is equal may change places. Not with qsort(3), which
 * asks the system how much memory there is, and no list of system calls allows that.
 */
void sort_items(void *items, size_t count, size_t item_bytes,
	int (*compare)(const void *left, const void *right));

#endif
