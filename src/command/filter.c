/* SPDX-License-Identifier: Apache-2.0 */
#include "command/filter.h"

#include "base/cleanup.h"
#include "command/message.h"
#include "command/option.h"
#include "command/run.h"

#include <stdio.h>
#include <unistd.h>

static void print_help(enum help help)
{
	printf("Usage: oakum filter [options] [LAYER]\n"
	       "Writes what is in LAYER, a file or - for standard input (the default), to\n"
	       "standard output. gzip, zstd, xz, bzip2 and lz4 are known by their content;\n"
	       "anything else is copied.\n\n");
	option_print_help(&filter_use, help);
	if (help == HELP_SHORT)
		printf("\n--help=all shows all; oakum(1) explains them.\n");
	printf("\nExit status: 0 done, 1 failed, 2 used wrongly, 128 + N ended by signal N.\n");
}

int filter_run(struct arguments *arguments, struct oakum_stats *stats)
{
	struct oakum_error err;
	struct run run;
	const char *layer = arguments->operands[0] == NULL ? "-" : arguments->operands[0];

	run_leave_output(arguments);
	if (!run_has_output())
		return EXIT_FAILED;
	cleanup_fd int layer_fd = run_open_layer(arguments, layer);
	if (layer_fd < 0)
		return EXIT_FAILED;
	run_init(&run, arguments, DISPLAY_FILTER);
	int r = oakum_decompress_start(
		layer_fd, STDOUT_FILENO, &arguments->options, &run.job, &err);
	if (r == 0)
		r = run_follow(&run, stats, &err);
	if (r == 0)
		return EXIT_DONE;
	run_end_with_reader(&err);
	run_name(&err, layer, NULL);
	run_name_output(&run, &err, "standard output");
	return run_failed(&run, &err, "what was written is a part", "");
}

static int filter(struct arguments *arguments)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	const int status = filter_run(arguments, &stats);

	if (status == EXIT_DONE && arguments->options.digests != 0)
		run_print_digests(&stats);
	return status;
}

const struct command_use filter_use = {
	.name = "filter",
	.bit = FOR_FILTER,
	.operands = { "LAYER" },
	.print_help = print_help,
	.run = filter,
};
