/* SPDX-License-Identifier: Apache-2.0 */
/* oakum completion SHELL: what a shell needs to complete command lines, from the option tables. */
#ifndef OAKUM_COMMAND_COMPLETION_H
#define OAKUM_COMMAND_COMPLETION_H

#include "command/command.h"

#include <stddef.h>

/* The script for that shell on standard output; argv without "completion"; the exit status. */
int completion_main(int argc, char **argv, const struct command *commands, size_t count);

void completion_print_help(void);

#endif
