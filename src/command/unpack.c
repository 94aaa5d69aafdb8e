/* SPDX-License-Identifier: Apache-2.0 */
#include "command/unpack.h"

#include "base/cleanup.h"
#include "command/display.h"
#include "command/interrupt.h"
#include "command/message.h"
#include "command/option.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void unpack_print_help(void)
{
	printf("Usage: oakum unpack [options] LAYER ROOTFS\n"
	       "Unpacks the container layer LAYER, a file or - for standard input, into the\n"
	       "directory ROOTFS, which is made if it is missing. gzip, zstd, xz, bzip2, lz4\n"
	       "and plain tar are known by their content.\n\n");
	option_print_help();
	printf("\nExit status: 0 done, 1 failed, 2 used wrongly.\n");
}

static int open_layer(const char *name)
{
	int fd;

	if (strcmp(name, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		message_failed("open", name, errno);
	return fd;
}

/* Its parent must be there: a mistyped path should not become a tree. */
static int open_rootfs(const char *name)
{
	umask(0); /* 0755 it is, whatever our caller likes */
	if (mkdir(name, 0755) < 0 && errno != EEXIST) {
		message_failed("mkdir", name, errno);
		return -1;
	}
	int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		message_failed("open", name, errno);
	return fd;
}

static void print_stats(const struct oakum_stats *stats)
{
	fprintf(stderr,
		"oakum: unpacked %" PRIu64 " entries, %" PRIu64 " bytes of content, from %" PRIu64
		" bytes of %s (%" PRIu64 " of tar); level %" PRIu32 ", walls 0x%" PRIx32
		", threads %" PRIu32 "\n",
		stats->entries - stats->skipped, stats->content_bytes, stats->layer_bytes,
		stats->compression == OAKUM_COMPRESSION_NONE
			? "tar"
			: oakum_compression_name(stats->compression),
		stats->stream_bytes, stats->level, stats->walls, stats->threads);
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
	if (stats->denied_calls > 0)
		fprintf(stderr,
			"oakum: %" PRIu32 " system calls were denied, number %" PRIu32
			" first: please report this\n",
			stats->denied_calls, stats->denied_call);
}

struct run {
	struct oakum_job *job;
	struct display display;
	int signal_fd;
	int interrupted_by; /* a signal, or 0 */
};

static struct oakum_progress look_at(struct oakum_job *job)
{
	struct oakum_progress progress = OAKUM_PROGRESS_INIT;

	(void)oakum_job_progress(job, &progress);
	return progress;
}

/* Until the job has ended, and with a signal it does at once. */
static int follow(struct run *run, struct oakum_stats *stats, struct oakum_error *err)
{
	struct oakum_progress progress;
	struct pollfd fds[] = {
		{ .fd = oakum_job_pollfd(run->job), .events = POLLIN },
		{ .fd = run->signal_fd, .events = POLLIN },
	};

	while (fds[0].revents == 0) {
		(void)poll(fds, 2, display_pause_ms(&run->display));
		progress = look_at(run->job);
		display_show(&run->display, &progress);
		if (fds[1].revents == 0)
			continue;
		run->interrupted_by = interrupt_take(run->signal_fd);
		oakum_job_cancel(run->job);
		break;
	}
	progress = look_at(run->job);
	int r = oakum_job_wait(&run->job, stats, err);
	display_end(&run->display, &progress, r < 0 ? err : NULL);
	return r;
}

static int unpack(const struct arguments *arguments)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	cleanup_fd int layer_fd = open_layer(arguments->layer);
	if (layer_fd < 0)
		return EXIT_FAILED;
	cleanup_fd int rootfs_fd = open_rootfs(arguments->rootfs);
	if (rootfs_fd < 0)
		return EXIT_FAILED;
	struct run run = { .signal_fd = interrupt_open() };
	display_init(&run.display, arguments->progress, arguments->is_quiet);
	int r = oakum_unpack_start(layer_fd, rootfs_fd, &arguments->options, &run.job, &err);
	if (r == 0)
		r = follow(&run, &stats, &err);
	if (r < 0 && run.interrupted_by != 0) {
		message_wrong("interrupted by signal %d: what was written stays in %s",
			run.interrupted_by, arguments->rootfs);
		interrupt_die(run.interrupted_by);
	}
	if (r < 0) {
		message_error(&err);
		return EXIT_FAILED;
	}
	if (arguments->is_verbose)
		print_stats(&stats);
	return EXIT_DONE;
}

int unpack_main(int argc, char **argv)
{
	struct arguments arguments;
	int status = EXIT_DONE;

	if (!option_parse(argc, argv, &arguments))
		status = EXIT_WRONG_USE;
	else if (arguments.wants_help)
		unpack_print_help();
	else
		status = unpack(&arguments);
	free(arguments.excludes);
	free(arguments.uid_map.ranges);
	free(arguments.gid_map.ranges);
	return status;
}
