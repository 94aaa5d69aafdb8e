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

/* What a command line of `oakum unpack` asks for. */
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
	const char *layer; /* "-" is standard input */
	const char *rootfs;
};

/*
 * Reads argv, options and operands in any order; "--" ends the options. False
 * after one line on standard error that says what is wrong and what is allowed.
 */
bool option_parse(int argc, char **argv, struct arguments *arguments);

/* The options as lines for --help, on standard output. */
void option_print_help(void);

#endif
