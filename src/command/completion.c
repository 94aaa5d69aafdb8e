/* SPDX-License-Identifier: Apache-2.0 */
#include "command/completion.h"

#include "command/message.h"

#include <stdio.h>
#include <string.h>

/* What a command takes, option by option; of headings nothing. */
typedef void print_option_fn(const char *command, const struct option *option);

static void each_option(const struct command *command, print_option_fn *print)
{
	if (command->use == NULL)
		return;
	for (size_t i = 0; i < option_table.count; i++) {
		if (option_is_for(&option_table.rows[i], command->use))
			print(command->name, &option_table.rows[i]);
	}
}

static void print_values(const struct option *option)
{
	for (size_t i = 0; option->choices[i] != NULL; i++)
		printf("%s%s", i == 0 ? "" : " ", option->choices[i]);
}

static bool has_choice(const struct option *option)
{
	return option->choices != NULL && !option_is_flag(option);
}

/* With what is special to a shell behind a backslash. */
static void print_escaped(const char *text, const char *special)
{
	for (; *text != '\0'; text++)
		printf(strchr(special, *text) != NULL ? "\\%c" : "%c", *text);
}

/* --- bash: readline parts words at "=", so that a value is a word of its own --- */

static void print_bash_name(const char *command, const struct option *option)
{
	(void)command;
	printf(" --%s%s", option->name, option_is_flag(option) ? "" : "=");
}

static void print_bash_values(const char *command, const struct option *option)
{
	if (option_is_flag(option))
		return;
	printf("\t'%s --%s') words='", command, option->name);
	if (has_choice(option))
		print_values(option);
	else if (strcmp(option->name, "limit") == 0)
		option_print_limits(option, "=");
	printf("' ;;\n");
}

static void print_bash(const struct command *commands, size_t count)
{
	printf("# bash completion of oakum, made by `oakum completion bash`.\n"
	       "_oakum() {\n"
	       "\tlocal word=${COMP_WORDS[COMP_CWORD]} words='' asked=0\n"
	       "\tlocal option=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
	       "\tif [ \"$word\" = = ]; then\n"
	       "\t\tword=\n"
	       "\telif [ \"$option\" = = ]; then\n"
	       "\t\toption=${COMP_WORDS[COMP_CWORD-2]}\n"
	       "\tfi\n"
	       "\tif [ \"$COMP_CWORD\" = 1 ]; then command= option=; fi\n"
	       "\tcase \"$command $option\" in\n");
	for (size_t i = 0; i < count; i++)
		each_option(&commands[i], print_bash_values);
	printf("\t*) asked=1 ;;\n"
	       "\tesac\n"
	       "\tif [ $asked = 1 ]; then\n"
	       "\t\tcase \"$command $word\" in\n"
	       "\t\t' '*) words='");
	for (size_t i = 0; i < count; i++)
		printf("%s ", commands[i].name);
	printf("--help --version' ;;\n");
	for (size_t i = 0; i < count; i++) {
		printf("\t\t'%s -'*) words='", commands[i].name);
		each_option(&commands[i], print_bash_name);
		printf("' ;;\n");
	}
	printf("\t\t'help '*) words='");
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i == 0 ? "" : " ", commands[i].name);
	printf("' ;;\n"
	       "\t\t'completion '*) words='bash zsh fish' ;;\n"
	       "\t\tesac\n"
	       "\tfi\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	       "\tcase ${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac\n"
	       "}\n"
	       "complete -o default -F _oakum oakum\n");
}

/* --- zsh --- */

static void print_zsh_option(const char *command, const struct option *option)
{
	static const char special[] = "\\[]:";

	(void)command;
	printf("\t\t\t'%s--%s%s[", option_is_flag(option) || has_choice(option) ? "" : "*",
		option->name, option_is_flag(option) ? "" : "=");
	print_escaped(option->help, special);
	printf("]");
	if (has_choice(option)) {
		printf(":%s:(", option->name);
		print_values(option);
		printf(")");
	} else if (!option_is_flag(option)) {
		printf(":");
		print_escaped(option->argument, special);
		printf(":");
	}
	printf("' \\\n");
}

static void print_zsh(const struct command *commands, size_t count)
{
	printf("#compdef oakum\n"
	       "# zsh completion of oakum, made by `oakum completion zsh`.\n"
	       "_oakum() {\n"
	       "\tlocal -a commands=(\n");
	for (size_t i = 0; i < count; i++)
		printf("\t\t'%s:%s'\n", commands[i].name, commands[i].does);
	printf("\t\t'--help:show the commands'\n"
	       "\t\t'--version:show the version'\n"
	       "\t)\n"
	       "\tif (( CURRENT == 2 )); then\n"
	       "\t\t_describe command commands\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tshift words\n"
	       "\t(( CURRENT-- ))\n"
	       "\tcase $words[1] in\n");
	for (size_t i = 0; i < count; i++) {
		if (commands[i].use == NULL)
			continue;
		printf("\t%s)\n"
		       "\t\t_arguments \\\n",
			commands[i].name);
		each_option(&commands[i], print_zsh_option);
		printf("\t\t\t'*:file:_files'\n"
		       "\t\t;;\n");
	}
	printf("\thelp) _describe command commands ;;\n"
	       "\tcompletion) _values shell bash zsh fish ;;\n"
	       "\tesac\n"
	       "}\n"
	       "if [ \"$funcstack[1]\" = _oakum ]; then _oakum \"$@\"; else compdef _oakum oakum; "
	       "fi\n");
}

/* --- fish --- */

static void print_fish_option(const char *command, const struct option *option)
{
	printf("complete -c oakum -n '__fish_seen_subcommand_from %s' -l %s", command,
		option->name);
	if (has_choice(option)) {
		printf(" -x -a '");
		print_values(option);
		printf("'");
	} else if (!option_is_flag(option)) {
		printf(" -x");
	}
	printf(" -d '");
	print_escaped(option->help, "\\'");
	printf("'\n");
}

static void print_fish(const struct command *commands, size_t count)
{
	printf("# fish completion of oakum, made by `oakum completion fish`.\n"
	       "complete -c oakum -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh "
	       "fish'\n"
	       "complete -c oakum -n __fish_use_subcommand -l help -d 'show the commands'\n"
	       "complete -c oakum -n __fish_use_subcommand -l version -d 'show the version'\n");
	for (size_t i = 0; i < count; i++) {
		printf("complete -c oakum -n __fish_use_subcommand -f -a %s -d '",
			commands[i].name);
		print_escaped(commands[i].does, "\\'");
		printf("'\n"
		       "complete -c oakum -n '__fish_seen_subcommand_from help' -f -a %s\n",
			commands[i].name);
		each_option(&commands[i], print_fish_option);
	}
}

static const struct {
	const char *shell;
	void (*print)(const struct command *commands, size_t count);
} shells[] = {
	{ "bash", print_bash },
	{ "zsh", print_zsh },
	{ "fish", print_fish },
};

void completion_print_help(void)
{
	printf("Usage: oakum completion bash|zsh|fish\n"
	       "Prints what makes that shell complete commands and options of oakum. In a\n"
	       "session of bash: source <(oakum completion bash)\n");
}

int completion_main(int argc, char **argv, const struct command *commands, size_t count)
{
	if (argc == 1 && command_asks_for_help(argv[0])) {
		completion_print_help();
		return EXIT_DONE;
	}
	for (size_t i = 0; argc == 1 && i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(argv[0], shells[i].shell) != 0)
			continue;
		shells[i].print(commands, count);
		return EXIT_DONE;
	}
	message_wrong("completion: which shell? It is bash|zsh|fish");
	return EXIT_WRONG_USE;
}
