/* SPDX-License-Identifier: Apache-2.0 */
/* A sub-command, as main.c runs it, --help lists it and completions know it. */
#ifndef OAKUM_COMMAND_COMMAND_H
#define OAKUM_COMMAND_COMMAND_H

#include "command/option.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv without the name; the exit status */
	void (*print_help)(void);
	const char *does;
	const struct command_use *use; /* NULL: completions know no options of it */
};

#endif
