/* SPDX-License-Identifier: Apache-2.0 */
/* oakum filter: a layer, decompressed, on standard output. */
#ifndef OAKUM_COMMAND_FILTER_H
#define OAKUM_COMMAND_FILTER_H

#include "command/option.h"

#include <oakum/oakum.h>

extern const struct command_use filter_use;

/*
 * The first operand, or standard input, to standard output. stats is written on success
 * only. Returns the exit status, after a message where it is not 0.
 */
int filter_run(struct arguments *arguments, struct oakum_stats *stats);

#endif
