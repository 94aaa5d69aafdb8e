/* SPDX-License-Identifier: Apache-2.0 */
/* The oakum command: a table of sub-commands. */
#include "base/fd.h"
#include "base/sys.h"
#include "command/command.h"
#include "command/completion.h"
#include "command/filter.h"
#include "command/list.h"
#include "command/message.h"
#include "command/nearest.h"
#include "command/pack.h"
#include "command/run.h"
#include "command/tool.h"
#include "command/unpack.h"
#include "command/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int help_main(int argc, char **argv);
static int complete(int argc, char **argv);
static void print_help_of_help(void);

static const struct command commands[] = {
	{ "unpack", "unpack a container layer into a directory", &unpack_use, NULL, NULL },
	{ "filter", "decompress a layer to standard output", &filter_use, NULL, NULL },
	{ "pack", "pack a directory into a layer", &pack_use, NULL, NULL },
	{ "list", "show what is in a layer, or what is wrong with it", &list_use, NULL, NULL },
	{ "verify", "compare a directory with a layer", &verify_use, NULL, NULL },
	{ "completion", "print the completion of a shell", NULL, complete, completion_print_help },
	{ "help", "show the help of a command", NULL, help_main, print_help_of_help },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(void)
{
	printf("Usage: oakum COMMAND [options] ...\n"
	       "Unpacks container image layers without trusting them.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-10s  %s\n", commands[i].name, commands[i].does);
	printf("\noakum COMMAND --help tells more; oakum --version tells the version.\n");
}

static void print_help_of_help(void)
{
	printf("Usage: oakum help [COMMAND]\n"
	       "Shows what COMMAND takes, as oakum COMMAND --help does, or which commands there\n"
	       "are.\n");
}

/* The first line is for scripts. */
static void print_version(void)
{
	const int landlock = sys_landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct utsname kernel = { 0 };

	(void)uname(&kernel);
	printf("oakum %s\n%s", oakum_version(), oakum_features());
	printf("kernel: %s %s, ", kernel.sysname, kernel.release);
	if (landlock > 0)
		printf("Landlock %d\n", landlock);
	else
		printf("no Landlock\n");
}

static void offer_commands(struct nearest *nearest)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		nearest_offer(nearest, commands[i].name);
}

static void offer_options(struct nearest *nearest)
{
	nearest_offer(nearest, "help");
	nearest_offer(nearest, "version");
}

/* Of two that are as near, what looks the same comes first. */
static void deny_command(const char *name)
{
	const bool looks_like_option = *name == '-';
	struct nearest nearest;

	nearest_init(&nearest, name + strspn(name, "-"));
	(looks_like_option ? offer_options : offer_commands)(&nearest);
	const unsigned int of_first = nearest.cost;
	(looks_like_option ? offer_commands : offer_options)(&nearest);
	const bool is_option = looks_like_option == (nearest.cost == of_first);
	if (nearest.name == NULL)
		message_wrong("%s: no such command; see oakum --help", name);
	else
		message_wrong("%s: no such command; did you mean oakum %s%s? See oakum --help",
			name, is_option ? "--" : "", nearest.name);
}

/* NULL after a message. */
static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	}
	deny_command(name);
	return NULL;
}

static int complete(int argc, char **argv)
{
	return completion_main(argc, argv, commands, COMMAND_COUNT);
}

static int help_main(int argc, char **argv)
{
	if (argc == 0) {
		print_help();
		return EXIT_DONE;
	}
	const struct command *command = find(command_asks_for_help(argv[0]) ? "help" : argv[0]);
	if (command == NULL)
		return EXIT_WRONG_USE;
	if (command->use != NULL)
		command->use->print_help(HELP_SHORT);
	else
		command->print_help();
	return EXIT_DONE;
}

static int run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name == NULL) {
		message_wrong("a command is missing; see oakum --help");
		return EXIT_WRONG_USE;
	}
	if (strcmp(name, "--version") == 0) {
		print_version();
		return EXIT_DONE;
	}
	if (strcmp(name, "--help") == 0)
		return help_main(0, NULL);
	const struct command *command = find(name);
	if (command == NULL)
		return EXIT_WRONG_USE;
	if (command->use != NULL)
		return run_command(command->use, argc - 2, argv + 2);
	return command->run(argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
	if (fd_fill_standard() < 0)
		return EXIT_FAILED;
	const struct tool *tool = argc > 0 ? tool_find(argv[0]) : NULL;
	int status = tool == NULL ? run(argc, argv) : tool_main(tool, argv + 1);
	/* What has failed was told already. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
		message_failed("write", "standard output", errno);
		return EXIT_FAILED;
	}
	return status;
}
