/* SPDX-License-Identifier: Apache-2.0 */
#include "command/list.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "command/message.h"
#include "command/option.h"
#include "command/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void print_help(enum help help)
{
	printf("Usage: oakum list [options] LAYER\n"
	       "Shows what is in LAYER, a file or - for standard input, as tar -tv does; with\n"
	       "--check what unpack would refuse. Options say how it would be unpacked.\n\n");
	option_print_help(&list_use, help);
	if (help == HELP_SHORT)
		printf("\nThese are the common ones; --help=all shows all; oakum(1) explains "
		       "them.\n");
	printf("\nExit status: 0 done, 1 failed or refused, 2 used wrongly, 128 + N by signal "
	       "N.\n");
}

static void print_stats(const struct oakum_stats *stats)
{
	fprintf(stderr,
		"oakum: read %" PRIu64 " entries, %" PRIu64 " skipped, %" PRIu64
		" bytes of content, from %" PRIu64 " bytes of %s (%" PRIu64 " of tar)\n",
		stats->entries, stats->skipped, stats->content_bytes, stats->layer_bytes,
		stats->compression == OAKUM_COMPRESSION_NONE
			? "tar"
			: oakum_compression_name(stats->compression),
		stats->stream_bytes);
}

static int conclude_check(const struct arguments *arguments, const struct oakum_stats *stats)
{
	if (arguments->is_verbose && stats->refused == 0)
		fprintf(stderr, "oakum: nothing of it would be refused\n");
	if (arguments->is_verbose && stats->refused > 0)
		fprintf(stderr, "oakum: %" PRIu64 " entries would be refused\n", stats->refused);
	return stats->refused == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* Is it the layer that is at fault? Then it is what was looked for. */
static bool is_of_layer(const struct oakum_error *err)
{
	return (err->code == EBADMSG || err->code == EFBIG) &&
	       (err->stage == OAKUM_STAGE_DECOMPRESS || err->stage == OAKUM_STAGE_READ ||
		       err->stage == OAKUM_STAGE_POLICY);
}

/* The last line of a check that could not go on: in the form of those of the lister. */
static int print_last(const struct arguments *arguments, const struct oakum_error *err)
{
	static struct sink sink;
	struct json json;

	sink_init(&sink, STDOUT_FILENO);
	if ((arguments->options.listing & OAKUM_LISTING_JSON) != 0) {
		json_begin_line(&json, &sink);
		json_add_error(&json, err);
		json_end_line(&json);
	} else {
		char text[12 << 10];
		oakum_error_format(err, text, sizeof(text));
		sink_add_text(&sink, text);
		sink_add_text(&sink, "\n");
	}
	if (sink_flush(&sink) < 0)
		message_failed("write", "standard output", sink.code);
	if (arguments->is_verbose)
		fprintf(stderr, "oakum: it cannot be read on after the last of these\n");
	return EXIT_FAILED;
}

static int list(struct arguments *arguments)
{
	const bool is_check = (arguments->options.listing & OAKUM_LISTING_CHECK) != 0;
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct run run;

	run_leave_output(arguments);
	if (!run_has_output())
		return EXIT_FAILED;
	cleanup_fd int layer_fd = run_open_layer(arguments, arguments->operands[0]);
	if (layer_fd < 0)
		return EXIT_FAILED;
	run_init(&run, arguments, DISPLAY_LIST);
	int r = oakum_list_start(layer_fd, STDOUT_FILENO, &arguments->options, &run.job, &err);
	if (r == 0)
		r = run_follow(&run, &stats, &err);
	if (r < 0 && is_check && run.interrupted_by == 0 && is_of_layer(&err))
		return print_last(arguments, &err);
	if (r < 0) {
		run_end_with_reader(&err);
		run_name(&err, arguments->operands[0], NULL);
		run_name_output(&run, &err, "standard output");
		return run_failed(&run, &err, "what was listed is a part", "");
	}
	if (arguments->is_verbose)
		print_stats(&stats);
	if (arguments->options.digests != 0)
		run_print_digests(&stats);
	return is_check ? conclude_check(arguments, &stats) : EXIT_DONE;
}

const struct command_use list_use = {
	.name = "list",
	.bit = FOR_LIST,
	.operands = { "LAYER" },
	.needed = 1,
	.print_help = print_help,
	.run = list,
};
