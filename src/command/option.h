/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the command as one table: walked by the parser, by --help and by the tests. */
#ifndef OAKUM_COMMAND_OPTION_H
#define OAKUM_COMMAND_OPTION_H

#include "command/display.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>

struct id_map {
	struct oakum_id_range *ranges; /* NULL, or ended by a count of 0; free() it */
	size_t count;
};

/* Which sub-commands an option is for; bits. */
enum {
	FOR_UNPACK = 1 << 0,
	FOR_FILTER = 1 << 1,
	FOR_ALL = FOR_UNPACK | FOR_FILTER,
};

enum { OPERANDS_MAX = 2 };

/* How a sub-command is used. */
struct command_use {
	const char *name;
	unsigned int bit;
	const char *operands[OPERANDS_MAX]; /* as messages call them: NULL after the last */
	size_t needed;			    /* how many of them may not be left out */
};

/* What a command line asks for. */
struct arguments {
	struct oakum_unpack_options options;
	const char **excludes; /* options.exclude, once complete; free() it */
	size_t exclude_count;
	struct id_map uid_map; /* the same of options.uid_map */
	struct id_map gid_map;
	bool wants_help;
	bool is_verbose;
	bool is_quiet;
	enum display_form progress;
	const char *operands[OPERANDS_MAX]; /* NULL where one was left out */
};

/*
 * Reads argv, options and operands in any order; "--" ends the options. False
 * after one line on standard error that says what is wrong and what is allowed.
 */
bool option_parse(
	const struct command_use *use, int argc, char **argv, struct arguments *arguments);

/* What was allocated for it; also after a failure. */
void option_free(struct arguments *arguments);

/* The options as lines for --help, on standard output. */
void option_print_help(const struct command_use *use);

#endif
