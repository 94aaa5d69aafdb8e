/* SPDX-License-Identifier: Apache-2.0 */
/* oakum by the names of programs that decompress: unpigz, xz, zstd and the like. */
#ifndef OAKUM_COMMAND_TOOL_H
#define OAKUM_COMMAND_TOOL_H

#include <stdbool.h>

/* Is this the name of such a program, by whatever path? */
bool tool_is(const char *path);

/* All of main's arguments, the name among them; the exit status. */
int tool_main(char **argv);

#endif
