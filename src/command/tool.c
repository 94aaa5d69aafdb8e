/* SPDX-License-Identifier: Apache-2.0 */
#include "command/tool.h"

#include "command/filter.h"
#include "command/message.h"
#include "command/option.h"

#include <stdio.h>
#include <string.h>

static const struct tool {
	const char *name;
	bool only_decompresses;
	bool only_to_output;
} tools[] = {
	{ "unpigz", true, false },
	{ "pigz", false, false },
	{ "igzip", false, false },
	{ "gzip", false, false },
	{ "gunzip", true, false },
	{ "zcat", true, true },
	{ "xz", false, false },
	{ "unxz", true, false },
	{ "xzcat", true, true },
	{ "zstd", false, false },
	{ "unzstd", true, false },
	{ "zstdcat", true, true },
};

/* What one of them was asked for. */
struct tool_use {
	bool decompresses;
	bool is_to_output;
	bool is_forced;
	bool wants_help;
	bool wants_version;
	bool is_ignored; /* what changes nothing here: --quiet, --keep */
	const char *threads;
	const char *file;
};

static const struct tool_option {
	const char *name;
	size_t offset; /* of a bool of struct tool_use, or of its value */
	char letter;
	bool has_value;
} options[] = {
	{ "decompress", offsetof(struct tool_use, decompresses), 'd', false },
	{ "uncompress", offsetof(struct tool_use, decompresses), 'd', false },
	{ "stdout", offsetof(struct tool_use, is_to_output), 'c', false },
	{ "to-stdout", offsetof(struct tool_use, is_to_output), 'c', false },
	{ "quiet", offsetof(struct tool_use, is_ignored), 'q', false },
	{ "keep", offsetof(struct tool_use, is_ignored), 'k', false },
	{ "force", offsetof(struct tool_use, is_forced), 'f', false },
	{ "threads", offsetof(struct tool_use, threads), 'T', true },
	{ "help", offsetof(struct tool_use, wants_help), 'h', false },
	{ "version", offsetof(struct tool_use, wants_version), 'V', false },
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

const struct tool *tool_find(const char *path)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (strcmp(base_name(path), tools[i].name) == 0)
			return &tools[i];
	}
	return NULL;
}

static bool deny(const char *word)
{
	return message_wrong("%s: not here: this is oakum, which only decompresses to standard "
			     "output and takes -d -c -q -k -f -T",
		word);
}

/* --- the command line --- */

/* What is left of it. */
struct words {
	char **at; /* the next one; NULL after the last */
	struct tool_use *use;
};

static bool take(struct words *words, const struct tool_option *option, const char *value)
{
	char *field = (char *)words->use + option->offset;

	if (!option->has_value) {
		*(bool *)field = true;
		return value == NULL;
	}
	if (value == NULL && *words->at != NULL)
		value = *words->at++;
	memcpy(field, &value, sizeof(value));
	return value != NULL && *value != '\0' && value[strspn(value, "0123456789")] == '\0';
}

static bool take_long(struct words *words, const char *word)
{
	const char *name = word + 2;
	const size_t length = strcspn(name, "=");
	const char *value = name[length] == '=' ? name + length + 1 : NULL;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (strlen(options[i].name) == length &&
			strncmp(options[i].name, name, length) == 0)
			return take(words, &options[i], value) || deny(word);
	}
	return deny(word);
}

static const struct tool_option *find_letter(char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (options[i].letter == letter)
			return &options[i];
	}
	return NULL;
}

/* "-dc", "-dT0": the value of one is the rest of the word, or the next. */
static bool take_letters(struct words *words, const char *word)
{
	for (const char *letter = word + 1; *letter != '\0'; letter++) {
		const struct tool_option *option = find_letter(*letter);
		if (option == NULL)
			return deny(word);
		if (option->has_value)
			return take(words, option, letter[1] == '\0' ? NULL : letter + 1) ||
			       deny(word);
		(void)take(words, option, NULL);
	}
	return true;
}

static bool take_file(struct words *words, const char *word)
{
	if (words->use->file != NULL)
		return message_wrong("%s: this is oakum, which takes one file", word);
	words->use->file = word;
	return true;
}

static bool read_words(char **argv, struct tool_use *use)
{
	struct words words = { .at = argv, .use = use };
	bool may_be_option = true;
	bool is_right = true;

	while (is_right && *words.at != NULL) {
		const char *word = *words.at++;
		const bool is_option = may_be_option && word[0] == '-' && word[1] != '\0';
		if (is_option && strcmp(word, "--") == 0)
			may_be_option = false;
		else if (is_option)
			is_right = word[1] == '-' ? take_long(&words, word)
						  : take_letters(&words, word);
		else
			is_right = take_file(&words, word);
	}
	return is_right;
}

static bool can_be_done(const struct tool_use *use)
{
	if (use->wants_help || use->wants_version)
		return true;
	if (!use->decompresses)
		return message_wrong("-d is missing: this is oakum, which only decompresses");
	if (use->file != NULL && !use->is_to_output && strcmp(use->file, "-") != 0)
		return message_wrong(
			"-c is missing: this is oakum, which only writes to standard output");
	return true;
}

/* --- what is done --- */

static void print_help(const char *name)
{
	printf("Usage: %s -d [-c] [-q] [-k] [-f] [-T N] [FILE]\n"
	       "This is oakum: it decompresses FILE, or standard input, to standard output.\n"
	       "gzip, zstd, xz, bzip2 and lz4 are known by their content. See oakum(1).\n",
		name);
}

/* What was no compressed file has gone out by now; whoever reads is told by the status. */
static int conclude(const struct tool_use *use, const struct oakum_stats *stats)
{
	if (stats->compression != OAKUM_COMPRESSION_NONE || use->is_forced)
		return EXIT_DONE;
	message_wrong("%s: not compressed in a way that is known; -f copies it",
		use->file == NULL ? "-" : use->file);
	return EXIT_FAILED;
}

static int decompress(const struct tool_use *use)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct arguments arguments = {
		.options = { .size = sizeof(struct oakum_unpack_options),
			.drain = OAKUM_DRAIN_NONE },
		.progress = DISPLAY_NONE,
		.operands = { use->file },
	};
	int status = filter_run(&arguments, &stats);

	return status == EXIT_DONE ? conclude(use, &stats) : status;
}

int tool_main(const struct tool *tool, char **argv)
{
	struct tool_use use = {
		.decompresses = tool->only_decompresses,
		.is_to_output = tool->only_to_output,
	};

	message_speak_as(tool->name);
	if (!read_words(argv, &use) || !can_be_done(&use))
		return EXIT_WRONG_USE;
	if (use.wants_version)
		printf("%s of oakum %s\n", tool->name, oakum_version());
	else if (use.wants_help)
		print_help(tool->name);
	else
		return decompress(&use);
	return EXIT_DONE;
}
