/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verify.h"

#include "base/cleanup.h"
#include "command/message.h"
#include "command/option.h"
#include "command/run.h"
#include "command/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void print_help(enum help help)
{
	printf("Usage: oakum verify [options] LAYER ROOTFS\n"
	       "Compares the directory ROOTFS with what oakum unpack, with the same options,\n"
	       "would have left there of LAYER, a file or - for standard input. Prints a line\n"
	       "for each difference, and changes nothing.\n\n");
	option_print_help(&verify_use, help);
	if (help == HELP_SHORT)
		printf("\nThese are the common ones; --help=all shows all, oakum(1) explains "
		       "them.");
	printf("\nExit status: 0 the same, 1 failed, 2 used wrongly, 3 there are differences.\n");
}

static int open_rootfs(const char *name)
{
	int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		message_failed("open", name, errno);
	return fd;
}

static void print_stats(const struct oakum_stats *stats)
{
	fprintf(stderr,
		"oakum: compared %" PRIu64 " entries, %" PRIu64 " bytes of content: %" PRIu64
		" differences\n",
		stats->entries - stats->skipped, stats->content_bytes, stats->differences);
	walls_tell(stats);
}

static int verify(struct arguments *arguments)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct run run;

	run_leave_output(arguments);
	if (!run_has_output())
		return EXIT_FAILED;
	cleanup_fd int layer_fd = run_open_layer(arguments, arguments->operands[0]);
	if (layer_fd < 0)
		return EXIT_FAILED;
	cleanup_fd int rootfs_fd = open_rootfs(arguments->operands[1]);
	if (rootfs_fd < 0)
		return EXIT_FAILED;
	run_init(&run, arguments, DISPLAY_VERIFY);
	int r = oakum_verify_start(
		layer_fd, rootfs_fd, STDOUT_FILENO, &arguments->options, &run.job, &err);
	if (r == 0)
		r = run_follow(&run, &stats, &err);
	if (r < 0) {
		run_end_with_reader(&err);
		run_name(&err, arguments->operands[0], arguments->operands[1]);
		run_name_output(&run, &err, "standard output");
		return run_failed(&run, &err, "nothing was changed in ", arguments->operands[1]);
	}
	if (arguments->is_verbose)
		print_stats(&stats);
	if (arguments->options.digests != 0)
		run_print_digests(&stats);
	return stats.differences > 0 ? EXIT_DIFFERS : EXIT_DONE;
}

const struct command_use verify_use = {
	.name = "verify",
	.bit = FOR_VERIFY,
	.operands = { "LAYER", "ROOTFS" },
	.needed = 2,
	.print_help = print_help,
	.run = verify,
};
