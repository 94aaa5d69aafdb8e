/* SPDX-License-Identifier: Apache-2.0 */
/* oakum by the names of programs that decompress: unpigz, xz, zstd and the like. */
#ifndef OAKUM_COMMAND_TOOL_H
#define OAKUM_COMMAND_TOOL_H

struct tool;

/* The program of this name, by whatever path; NULL if it is none of them. */
const struct tool *tool_find(const char *path);

/* Takes the arguments after the name; returns the exit status. */
int tool_main(const struct tool *tool, char **argv);

#endif
