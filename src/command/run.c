/* SPDX-License-Identifier: Apache-2.0 */
#include "command/run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/hint.h"
#include "command/event.h"
#include "command/interrupt.h"
#include "command/message.h"
#include "command/patience.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int run_fail_setup(const char *op, const char *name, struct oakum_error *err)
{
	int r = staged(fail(err, errno, op, *name == '\0' ? "\"\"" : name), OAKUM_STAGE_SETUP, err);
	const char *hint = hint_find(err);

	if (hint != NULL)
		hint_add(err, hint);
	return r;
}

/* What was closed when we were started: main() has put something else there. */
static int open_standard_input(struct oakum_error *err)
{
	cleanup_fd int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY)
		return steal_fd(&fd);
	if (fd >= 0)
		errno = EBADF;
	return run_fail_setup("read", "standard input", err);
}

int run_open(const char *name, uint64_t *timeout_ms, struct oakum_error *err)
{
	if (strcmp(name, "-") == 0)
		return open_standard_input(err);
	int fd = open_with_patience(AT_FDCWD, name, O_RDONLY | O_CLOEXEC | O_NOCTTY, timeout_ms);
	if (fd < 0 && errno == ETIMEDOUT)
		return staged(fail_because(err, ETIMEDOUT, "open", name, "nobody writes to it"),
			OAKUM_STAGE_SETUP, err);
	return fd < 0 ? run_fail_setup("open", name, err) : fd;
}

int run_open_layer(struct arguments *arguments, const char *name)
{
	struct oakum_error err;
	int fd = run_open(name, &arguments->options.timeout_ms, &err);

	if (fd >= 0)
		return fd;
	message_error(&err);
	return -1;
}

void run_init(struct run *run, const struct arguments *arguments, enum display_work work)
{
	*run = (struct run){
		.progress = OAKUM_PROGRESS_INIT,
		.signal_fd = interrupt_open(),
	};
	display_init(&run->display, work, arguments->progress, arguments->is_quiet);
	/* Whoever reads the events may go; what was begun is to be taken back then. */
	if (arguments->progress == DISPLAY_JSON)
		signal(SIGPIPE, SIG_IGN);
}

/* The layer as a whole: no entry of it, nor anything else. */
static bool is_of_layer(const struct oakum_error *err)
{
	return strcmp(err->op, "check layer") == 0 || err->stage == OAKUM_STAGE_DECOMPRESS ||
	       err->stage == OAKUM_STAGE_READ;
}

void run_name(struct oakum_error *err, const char *layer, const char *rootfs)
{
	static const char *const of_rootfs[] = { "check rootfs", "check target",
		"check directory beside target", "make directory beside target",
		"lock directory beside target", "open directory beside target",
		"make rootfs beside target", "lock rootfs", "rename to target", "fchdir", "chroot",
		"open_tree", "open rootfs", "open the new root" };
	const char *name = is_of_layer(err) ? layer : NULL;

	for (size_t i = 0; i < sizeof(of_rootfs) / sizeof(of_rootfs[0]); i++) {
		if (strcmp(err->op, of_rootfs[i]) == 0)
			name = rootfs;
	}
	if (err->entry[0] == '\0' && name != NULL)
		snprintf(err->entry, sizeof(err->entry), "%s",
			strcmp(name, "-") == 0 ? "standard input" : name);
}

void run_name_output(const struct run *run, struct oakum_error *err, const char *output)
{
	/* What was lost were events. */
	if (run->output_code != 0)
		return;
	if (strcmp(err->op, "write") == 0)
		snprintf(err->entry, sizeof(err->entry), "%s", output);
}

bool run_has_output(void)
{
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return true;
	message_failed("write", "standard output", EBADF);
	return false;
}

/* A bar on the terminal that the lines go to would be drawn over them. */
void run_leave_output(struct arguments *arguments)
{
	if (arguments->progress == DISPLAY_AUTO && isatty(STDOUT_FILENO))
		arguments->progress = DISPLAY_NONE;
}

/* Filters end by the signal then. */
void run_end_with_reader(const struct oakum_error *err)
{
	if (err->code != EPIPE || strcmp(err->op, "write") != 0)
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

static struct oakum_progress look_at(struct oakum_job *job)
{
	struct oakum_progress progress = OAKUM_PROGRESS_INIT;

	(void)oakum_job_progress(job, &progress);
	return progress;
}

/* An event that could not be written: whoever relies on them would not know how it went. */
static bool has_lost_output(struct run *run)
{
	if (run->output_code == 0 && ferror(stdout))
		run->output_code = errno;
	return run->output_code != 0;
}

/* At the start, and before what cannot be taken back: is there anybody to be told? */
static bool can_tell(struct run *run)
{
	const struct oakum_progress progress = look_at(run->job);

	if (run->display.form == DISPLAY_JSON)
		event_progress(&progress);
	return !has_lost_output(run);
}

static int fail_output(const struct run *run, struct oakum_error *err)
{
	const int r = fail_because(err, run->output_code, "write", "standard output",
		"the events of --progress=json are lost");

	return staged(r, OAKUM_STAGE_WRITE, err);
}

int run_follow(struct run *run, struct oakum_stats *stats, struct oakum_error *err)
{
	struct oakum_progress progress;
	struct pollfd fds[] = {
		{ .fd = oakum_job_pollfd(run->job), .events = POLLIN },
		{ .fd = run->signal_fd, .events = POLLIN },
	};

	if (!can_tell(run))
		oakum_job_cancel(run->job);
	while (fds[0].revents == 0) {
		(void)poll(fds, 2, display_pause_ms(&run->display));
		progress = look_at(run->job);
		display_show(&run->display, &progress);
		if (fds[1].revents == 0 && !has_lost_output(run))
			continue;
		run->interrupted_by = interrupt_take(run->signal_fd);
		oakum_job_cancel(run->job);
		break;
	}
	(void)can_tell(run);
	run->progress = look_at(run->job);
	int r = oakum_job_wait(&run->job, stats, err);
	if (has_lost_output(run) && (r == 0 || r == -ECANCELED))
		return fail_output(run, err);
	/* It had its result already: all or nothing, and nothing was asked for. */
	if (r == 0 && run->atomic != NULL && run->interrupted_by != 0) {
		err->code = ECANCELED;
		return -ECANCELED;
	}
	if (r == 0 && run->atomic != NULL)
		r = oakum_atomic_commit(&run->atomic, err);
	if (r == 0)
		display_done(&run->display, &run->progress, stats);
	return r;
}

void run_print_digests(const struct oakum_stats *stats)
{
	if (stats->digest[0] != '\0')
		fprintf(stderr, "oakum: digest %s\n", stats->digest);
	if (stats->diff_id[0] != '\0')
		fprintf(stderr, "oakum: diffID %s\n", stats->diff_id);
}

/* Options that contradict each other: the library is who knows. */
static bool is_wrong_use(const struct oakum_error *err)
{
	return err->stage == OAKUM_STAGE_SETUP && err->code == EINVAL &&
	       (strcmp(err->op, "check options") == 0 || strcmp(err->op, "check excludes") == 0);
}

/* It speaks of the fields of its structures, which have the names of options, but for one thing. */
static void print_wrong_use(const struct oakum_error *err)
{
	const size_t length = strcspn(err->detail, " :");
	char name[sizeof(err->detail)];

	if (strcmp(err->op, "check excludes") == 0) {
		message_wrong("--exclude=%s: %s", err->entry, err->detail);
		return;
	}
	memcpy(name, err->detail, length);
	name[length] = '\0';
	for (char *at = name; (at = strchr(at, '_')) != NULL;)
		*at = '-';
	if (option_exists(name))
		message_wrong("--%s%s", name, err->detail + length);
	else
		message_error(err);
}

static void print_failure(const struct run *run, const struct oakum_error *err,
	const char *what_is_left, const char *where)
{
	if (run->interrupted_by != 0)
		message_wrong(
			"interrupted by signal %d: %s%s", run->interrupted_by, what_is_left, where);
	else if (is_wrong_use(err))
		print_wrong_use(err);
	else if (run->output_code != EPIPE)
		message_error(err);
}

int run_failed(
	struct run *run, const struct oakum_error *err, const char *what_is_left, const char *where)
{
	struct oakum_error of_abort;
	const int r = oakum_atomic_abort(&run->atomic, &of_abort);

	if (run->output_code == 0)
		display_failed(&run->display, &run->progress, err);
	print_failure(run, err, what_is_left, where);
	if (r < 0)
		message_error(&of_abort);
	if (run->interrupted_by != 0)
		interrupt_die(run->interrupted_by);
	if (run->output_code == EPIPE)
		run_end_with_reader(err);
	return is_wrong_use(err) ? EXIT_WRONG_USE : EXIT_FAILED;
}

/* Asked to say something, it has failed if there is nowhere to say it. */
static bool has_lost_words(const struct arguments *arguments)
{
	return (arguments->is_verbose || arguments->options.digests != 0) && ferror(stderr);
}

int run_command(const struct command_use *use, int argc, char **argv)
{
	struct arguments arguments;
	int status = EXIT_DONE;

	if (!option_parse(use, argc, argv, &arguments))
		status = EXIT_WRONG_USE;
	else if (arguments.wants_help != HELP_NONE)
		use->print_help(arguments.wants_help);
	else
		status = use->run(&arguments);
	if (status == EXIT_DONE && has_lost_words(&arguments))
		status = EXIT_FAILED;
	option_free(&arguments);
	return status;
}
