/* SPDX-License-Identifier: Apache-2.0 */
#include "command/pack.h"

#include "base/cleanup.h"
#include "command/message.h"
#include "command/option.h"
#include "command/output_file.h"
#include "command/run.h"
#include "command/value.h"
#include "command/walls.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(enum help help)
{
	printf("Usage: oakum pack [options] ROOTFS [LAYER]\n"
	       "Packs the directory ROOTFS into the container layer LAYER, a file, which is\n"
	       "there once it is complete, or - for standard output (the default). The same\n"
	       "tree gives the same bytes; with SOURCE_DATE_EPOCH in the environment no time\n"
	       "in it is later.\n\n");
	option_print_help(&pack_use, help);
	if (help == HELP_SHORT)
		printf("\nThese are the common ones; --help=all shows all, oakum(1) explains "
		       "them.");
	printf("\nExit status: 0 done, 1 failed, 2 used wrongly, 128 + N ended by signal N.\n");
}

/* reproducible-builds.org/specs/source-date-epoch: whoever gets it wrong should not find out late.
 */
static bool take_source_date(struct oakum_pack_options *options)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");

	if (text == NULL)
		return true;
	if (!value_number(text, strlen(text), &options->latest_mtime_s) ||
		options->latest_mtime_s > INT64_MAX)
		return message_wrong(
			"SOURCE_DATE_EPOCH=%s: it is a number of seconds since 1970", text);
	options->times = OAKUM_TIMES_CLAMP;
	return true;
}

/* What it has in common with unpacking is read as for that. */
static struct oakum_pack_options options_of(const struct arguments *arguments)
{
	const struct oakum_unpack_options *shared = &arguments->options;
	struct oakum_pack_options options = arguments->packing;

	options.size = sizeof(options);
	options.labels = shared->labels;
	options.exclude = shared->exclude;
	options.uid_map = shared->uid_map;
	options.gid_map = shared->gid_map;
	options.owners = shared->owners;
	options.squash_uid = shared->squash_uid;
	options.squash_gid = shared->squash_gid;
	options.min_level = shared->min_level;
	options.user_namespace = shared->user_namespace;
	options.timeout_ms = shared->timeout_ms;
	return options;
}

static void print_stats(const struct oakum_stats *stats)
{
	fprintf(stderr,
		"oakum: packed %" PRIu64 " entries, %" PRIu64 " bytes of content, into %" PRIu64
		" bytes of %s (%" PRIu64 " of tar)\n",
		stats->entries, stats->content_bytes, stats->layer_bytes,
		stats->compression == OAKUM_COMPRESSION_NONE
			? "tar"
			: oakum_compression_name(stats->compression),
		stats->stream_bytes);
	if (stats->dropped_xattrs > 0 || stats->dropped_entries > 0)
		fprintf(stderr, "oakum: left out %" PRIu64 " attributes and %" PRIu64 " sockets\n",
			stats->dropped_xattrs, stats->dropped_entries);
	walls_tell(stats);
}

static int pack_into(const struct arguments *arguments, const struct oakum_pack_options *options,
	int rootfs_fd, struct output_file *layer)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct run run;
	const bool is_stream = strcmp(layer->name, "-") == 0;

	run_init(&run, arguments, DISPLAY_PACK);
	int r = oakum_pack_start(rootfs_fd, layer->fd, options, &run.job, &err);
	if (r == 0)
		r = run_follow(&run, &stats, &err);
	if (r < 0) {
		output_file_discard(layer);
		run_name(&err, NULL, arguments->operands[0]);
		run_name_output(&run, &err, is_stream ? "standard output" : layer->name);
		if (is_stream)
			run_end_with_reader(&err);
		return run_failed(&run, &err,
			is_stream ? "what was written is a part" : "nothing is left of ",
			is_stream ? "" : layer->name);
	}
	if (!output_file_commit(layer))
		return EXIT_FAILED;
	if (arguments->is_verbose)
		print_stats(&stats);
	return EXIT_DONE;
}

static int pack(struct arguments *arguments)
{
	const char *rootfs = arguments->operands[0];
	const char *layer = arguments->operands[1] == NULL ? "-" : arguments->operands[1];
	struct oakum_pack_options options = options_of(arguments);
	struct output_file file;

	if (!take_source_date(&options))
		return EXIT_WRONG_USE;
	if (strcmp(layer, "-") == 0 && arguments->progress == DISPLAY_JSON) {
		message_wrong("--progress=json goes to standard output, as does the layer: name a "
			      "file for it");
		return EXIT_WRONG_USE;
	}
	if (strcmp(layer, "-") == 0 && !run_has_output())
		return EXIT_FAILED;
	cleanup_fd int rootfs_fd = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rootfs_fd < 0) {
		message_failed("open", rootfs, errno);
		return EXIT_FAILED;
	}
	if (!output_file_open(layer, &options.timeout_ms, &file))
		return EXIT_FAILED;
	if (output_file_replaces_below(&file, rootfs_fd)) {
		output_file_discard(&file);
		message_wrong("%s: it is in %s, and would be a part of what replaces it: write "
			      "elsewhere, or remove it first",
			layer, rootfs);
		return EXIT_FAILED;
	}
	return pack_into(arguments, &options, rootfs_fd, &file);
}

const struct command_use pack_use = {
	.name = "pack",
	.bit = FOR_PACK,
	.operands = { "ROOTFS", "LAYER" },
	.needed = 1,
	.print_help = print_help,
	.run = pack,
};
