/* SPDX-License-Identifier: Apache-2.0 */
/* Names in the order of their bytes. */
#ifndef OAKUM_PACKER_SORT_H
#define OAKUM_PACKER_SORT_H

#include <stddef.h>

/*
 * In place, and never quadratic: whoever fills a directory chooses the names.
 * Not with qsort(3), which asks the system how much memory there is.
 */
void sort_names(const char **names, size_t count);

#endif
