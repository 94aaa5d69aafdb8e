/* SPDX-License-Identifier: Apache-2.0 */
/* The walls of a result, by name. */
#ifndef OAKUM_COMMAND_WALLS_H
#define OAKUM_COMMAND_WALLS_H

#include <oakum/oakum.h>
#include <stdint.h>
#include <stdio.h>

/* Each name in quotes of that kind, with that between two of them. */
void walls_print(FILE *to, uint32_t walls, const char *quote, const char *between);

/* A line to standard error, for --verbose: the level and its walls; and a call that one denied. */
void walls_tell(const struct oakum_stats *stats);

#endif
