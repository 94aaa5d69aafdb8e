/* SPDX-License-Identifier: Apache-2.0 */
/* A sub-command, as main.c runs it, --help lists it and completions know it. */
#ifndef OAKUM_COMMAND_COMMAND_H
#define OAKUM_COMMAND_COMMAND_H

#include "command/option.h"

#include <string.h>

struct command {
	const char *name;
	const char *does;
	const struct command_use *use;	   /* NULL: it takes no options, and has the rest here */
	int (*run)(int argc, char **argv); /* argv without the name; the exit status */
	void (*print_help)(void);
};

/* For those that take nothing else. */
static inline bool command_asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "--help=all") == 0;
}

#endif
