/* SPDX-License-Identifier: Apache-2.0 */
/* oakum list: what is in a layer, and what is wrong with it. */
#ifndef OAKUM_COMMAND_LIST_H
#define OAKUM_COMMAND_LIST_H

#include "command/option.h"

extern const struct command_use list_use;

/* Takes the arguments after the sub-command's name; returns the exit status. */
int list_main(int argc, char **argv);

void list_print_help(void);

#endif
