/* SPDX-License-Identifier: Apache-2.0 */
/* Is what is there what was there? By inode, size, and the times that nobody can set back. */
#ifndef OAKUM_PACKER_UNCHANGED_H
#define OAKUM_PACKER_UNCHANGED_H

#include <stdbool.h>
#include <sys/stat.h>

bool is_unchanged(const struct stat *before, const struct stat *now);

#endif
