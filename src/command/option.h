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
	FOR_LIST = 1 << 2,
	FOR_VERIFY = 1 << 3,
	FOR_PACK = 1 << 5,
	FOR_ALL = FOR_UNPACK | FOR_FILTER | FOR_LIST | FOR_VERIFY | FOR_PACK,
	FOR_READERS = FOR_UNPACK | FOR_FILTER | FOR_LIST | FOR_VERIFY, /* of a layer */
	FOR_POLICY = FOR_UNPACK | FOR_LIST,			       /* what becomes of entries */
};

enum { OPERANDS_MAX = 2 };

/* How much of itself a command shows. */
enum help {
	HELP_NONE = 0,
	HELP_SHORT, /* what fits a screen of 24 lines */
	HELP_ALL,
};

struct arguments;

/* A sub-command that takes options. */
struct command_use {
	const char *name;
	unsigned int bit;
	const char *operands[OPERANDS_MAX]; /* as messages call them: NULL after the last */
	size_t needed;			    /* how many of them may not be left out */
	void (*print_help)(enum help help);
	int (*run)(struct arguments *arguments); /* the exit status */
};

/* What a command line asks for. */
struct arguments {
	struct oakum_unpack_options options;
	struct oakum_pack_options packing; /* what packing alone has */
	const char **excludes;		   /* options.exclude, once complete; free() it */
	size_t exclude_count;
	struct id_map uid_map; /* the same of options.uid_map */
	struct id_map gid_map;
	enum help wants_help;
	bool is_atomic;
	bool is_verbose;
	bool is_quiet;
	enum display_form progress;
	const char *operands[OPERANDS_MAX]; /* NULL where one was left out */
};

/* A row; without a name it is the heading of those that follow, in help. */
struct option {
	unsigned int uses; /* FOR_... of those that take it */
	const char *name;
	const char *argument; /* as --help shows it; NULL: takes none; "[=...]": may do without */
	const char *help;
	bool (*take)(const struct option *option, const char *value, struct arguments *arguments);
	const char *const *choices; /* in the order of their numbers, NULL at the end */
	/* In struct oakum_unpack_options, or of packing oakum_pack_options, or what it stands for.
	 */
	size_t offset;
};

struct option_table {
	const struct option *rows;
	size_t count;
};

extern const struct option_table option_table;

/* False of headings, and of what others take. */
bool option_is_for(const struct option *option, const struct command_use *use);

/* Does any sub-command take an option of this name? */
bool option_exists(const char *name);

/* True of one that does not take the next word for its value. */
bool option_is_flag(const struct option *option);

/*
 * Reads argv, options and operands in any order; "--" ends the options. False
 * after one line on standard error that says what is wrong and what is allowed.
 */
bool option_parse(
	const struct command_use *use, int argc, char **argv, struct arguments *arguments);

/* What was allocated for it; also after a failure. */
void option_free(struct arguments *arguments);

/* The names that --limit takes, each with that behind it, on standard output. */
void option_print_limits(const struct option *option, const char *suffix);

/* The options as lines for --help, on standard output. */
void option_print_help(const struct command_use *use, enum help help);

#endif
