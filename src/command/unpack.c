/* SPDX-License-Identifier: Apache-2.0 */
#include "command/unpack.h"

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/error.h"
#include "command/interrupt.h"
#include "command/message.h"
#include "command/option.h"
#include "command/run.h"
#include "command/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_help(enum help help)
{
	printf("Usage: oakum unpack [options] LAYER ROOTFS\n"
	       "Unpacks the container layer LAYER, a file or - for standard input, into the\n"
	       "directory ROOTFS, which is made if it is missing. gzip, zstd, xz, bzip2, lz4\n"
	       "and plain tar are known by their content.\n\n");
	option_print_help(&unpack_use, help);
	if (help == HELP_SHORT)
		printf("\nThese are the common ones; --help=all shows all, oakum(1) explains "
		       "them.");
	printf("\nExit status: 0 done, 1 failed, 2 used wrongly, 128 + N ended by signal N.\n");
}

/* Its parent must be there: a mistyped path should not become a tree. */
static int open_rootfs(const char *name, bool *is_made, struct oakum_error *err)
{
	umask(0); /* 0755 it is, whatever our caller likes */
	*is_made = mkdir(name, 0755) == 0;
	if (!*is_made && errno != EEXIST)
		return run_fail_setup("mkdir", name, err);
	int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* It is there, as mkdir(2) has just said. */
	int r = !*is_made && errno == ENOENT
			? staged(fail_because(err, ENOENT, "open", name,
					 "it is a symlink, and what it points to is not there"),
				  OAKUM_STAGE_SETUP, err)
			: run_fail_setup("open", name, err);
	if (*is_made)
		(void)rmdir(name);
	return r;
}

/* What stands before its last component, "" for nothing; that, without slashes behind it, or "". */
static void split(char *path, const char **parent, const char **name)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	char *slash = strrchr(path, '/');
	*parent = slash == NULL ? "." : slash == path ? "/" : path;
	*name = slash == NULL ? path : slash + 1;
	if (slash != NULL && slash != path)
		*slash = '\0';
}

/* All or nothing: a descriptor of a rootfs beside the one that is named, lent. */
static int begin_atomic(
	struct arguments *arguments, struct oakum_atomic **atomic, struct oakum_error *err)
{
	cleanup_free char *path = strdup(arguments->operands[1]);
	const char *parent;
	const char *name;
	sigset_t before;

	if (path == NULL)
		return run_fail_setup("begin", arguments->operands[1], err);
	split(path, &parent, &name);
	cleanup_fd int parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent_fd < 0)
		return run_fail_setup("open", parent, err);
	umask(0);
	/* It may have much to remove; until there is a job signals end us, as ever. */
	interrupt_let_through(&before);
	const int64_t deadline = deadline_from_now(arguments->options.timeout_ms);
	int r = oakum_atomic_begin(parent_fd, name, &arguments->options, atomic, err);
	arguments->options.timeout_ms = deadline_timeout(deadline);
	interrupt_hold_back(&before);
	return r < 0 ? r : oakum_atomic_rootfs_fd(*atomic);
}

static int start_and_follow(struct run *run, struct arguments *arguments, struct oakum_stats *stats,
	struct oakum_error *err)
{
	const char *rootfs = arguments->operands[1];
	bool is_made = false;
	cleanup_fd int layer_fd =
		run_open(arguments->operands[0], &arguments->options.timeout_ms, err);
	if (layer_fd < 0)
		return layer_fd;
	cleanup_fd int opened_fd = arguments->is_atomic ? -1 : open_rootfs(rootfs, &is_made, err);
	const int rootfs_fd =
		arguments->is_atomic ? begin_atomic(arguments, &run->atomic, err) : opened_fd;
	if (rootfs_fd < 0)
		return rootfs_fd;
	int r = oakum_unpack_start(layer_fd, rootfs_fd, &arguments->options, &run->job, err);
	if (r == 0)
		return run_follow(run, stats, err);
	/* As if nothing had been asked for. */
	if (is_made)
		(void)rmdir(rootfs);
	return r;
}

static void print_stats(const struct oakum_stats *stats)
{
	const bool is_plain = stats->compression == OAKUM_COMPRESSION_NONE;

	fprintf(stderr,
		"oakum: unpacked %" PRIu64 " entries, %" PRIu64 " bytes of content, from %" PRIu64
		" bytes of %s%s%s (%" PRIu64 " of tar), threads %" PRIu32 "\n",
		stats->entries - stats->skipped, stats->content_bytes, stats->layer_bytes,
		is_plain ? "tar" : oakum_compression_name(stats->compression),
		is_plain ? "" : " by ", is_plain ? "" : oakum_engine_name(stats->engine),
		stats->stream_bytes, stats->threads);
	if (stats->dropped_xattrs > 0 || stats->dropped_entries > 0 || stats->unset_owners > 0)
		fprintf(stderr,
			"oakum: left out %" PRIu64 " attributes and %" PRIu64 " devices; %" PRIu64
			" owners could not be set\n",
			stats->dropped_xattrs, stats->dropped_entries, stats->unset_owners);
	if (stats->trailing_bytes > 0 || stats->volume_labels > 0)
		fprintf(stderr,
			"oakum: passed over %" PRIu64 " bytes after the end of the archive and "
			"%" PRIu64 " volume labels\n",
			stats->trailing_bytes, stats->volume_labels);
	walls_tell(stats);
}

static int unpack(struct arguments *arguments)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct run run;

	run_init(&run, arguments, DISPLAY_UNPACK);
	int r = start_and_follow(&run, arguments, &stats, &err);
	if (r < 0)
		run_name(&err, arguments->operands[0], arguments->operands[1]);
	if (r < 0)
		return run_failed(&run, &err,
			arguments->is_atomic ? "nothing has changed in "
					     : "what was written stays in ",
			arguments->operands[1]);
	if (arguments->is_verbose)
		print_stats(&stats);
	if (arguments->is_verbose || arguments->options.digests != 0)
		run_print_digests(&stats);
	return EXIT_DONE;
}

const struct command_use unpack_use = {
	.name = "unpack",
	.bit = FOR_UNPACK,
	.operands = { "LAYER", "ROOTFS" },
	.needed = 2,
	.print_help = print_help,
	.run = unpack,
};
