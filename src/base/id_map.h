/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/PID/uid_map and gid_map (user_namespaces(7)). */
#ifndef OAKUM_BASE_ID_MAP_H
#define OAKUM_BASE_ID_MAP_H

#include <oakum/oakum.h>
#include <stdbool.h>

/* The next line, as the kernel writes them, and *text behind it; false at the end. */
bool id_map_next(const char **text, struct oakum_id_range *range);

#endif
