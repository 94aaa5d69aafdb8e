/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/storage.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/fd.h"
#include "helper/rootless.h"
#include "helper/storage_options_read.h"
#include "jail/jail.h"
#include "layer/go_path.h"
#include "layer/go_text.h"
#include "layer/text.h"
#include "packer/packer.h"
#include "unpacker/unpacker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FD_OPTIONS = 3,
	FD_PASSED_ROOT = 4,
	FAILED = 1,
	BAD_USAGE = 2,
	WARNINGS_MAX = 100, /* the parent keeps all that is said in memory */
};

/* What newer parents pass for a root that they have opened; a name, never looked up. */
static const char passed_root[] = "/proc/self/fd/4";

struct run {
	struct storage_options options;
	struct limits limits;
	struct unpacker_storage storage; /* what the unpacker borrows */
	struct packer_options packing;	 /* what the packer borrows */
	bool is_rootless;
	int root_fd;
	char *destination;  /* absolute and clean */
	uint32_t umask_was; /* of the caller, which is that of implied directories */
	char started[32];   /* the time, for warnings: later no file of time zones is in reach */
	atomic_uint warnings;
};

static void end_run(struct run *run)
{
	storage_options_free(&run->options);
	close_fd(&run->root_fd);
	free(run->destination);
}
#define cleanup_run __attribute__((cleanup(end_run)))

/* --- what is said --- */

static void say(const char *text)
{
	(void)fd_write_all(STDERR_FILENO, text, strlen(text));
}

/* Without a newline: the parent puts the text into its own. */
static int say_failure(const struct oakum_error *err, bool ended_early)
{
	char text[GO_TEXT_BYTES];

	say(go_error_text(err, ended_early, text));
	return FAILED;
}

static void note_time(struct run *run)
{
	time_t now = time(NULL);
	struct tm parts;

	if (gmtime_r(&now, &parts) == NULL ||
		strftime(run->started, sizeof(run->started), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		run->started[0] = '\0';
}

/* Any thread may warn: a line is one write. */
static bool may_warn(struct run *run)
{
	return atomic_fetch_add(&run->warnings, 1) < WARNINGS_MAX;
}

/* In the form of logrus, which callers may take apart. */
static void warn(void *context, const char *message)
{
	struct run *run = context;
	char quoted[GO_QUOTED_BYTES];
	char line[GO_QUOTED_BYTES + 128];

	if (!may_warn(run))
		return;
	snprintf(line, sizeof(line), "time=\"%s\" level=warning msg=%s\n", run->started,
		go_quote(message, quoted));
	say(line);
}

static void tell(void *context, const struct oakum_error *err)
{
	struct run *run = context;
	char text[GO_TEXT_BYTES];
	char line[GO_TEXT_BYTES + 128];

	go_error_text(err, false, text);
	if (!string_starts_with(err->op, "fchown")) {
		snprintf(line, sizeof(line),
			"ignored xattrs in archive: underlying filesystem doesn't support them: %s",
			text);
		warn(run, line);
		return;
	}
	if (!may_warn(run))
		return;
	snprintf(line, sizeof(line),
		"Chown error detected. Ignoring due to ignoreChownErrors flag: %s\n", text);
	say(line);
}

/* --- arguments --- */

/* Go's package flag reads them: a first one with a dash is a flag, and none is known. */
static int check_arguments(int argc, char **argv)
{
	char line[GO_QUOTED_BYTES];
	size_t length = 0;

	if (argc < 2 || argv[1][0] != '-' || argv[1][1] == '\0' || strcmp(argv[1], "--") == 0)
		return 0;
	escape_append(line, sizeof(line), &length, argv[1]);
	say("flag provided but not defined: ");
	say(line);
	say("\nUsage of ");
	say(argv[0]);
	say(":\n");
	return BAD_USAGE;
}

static int open_root(struct run *run, const char *root, struct oakum_error *err)
{
	const bool is_passed = strcmp(root, passed_root) == 0;
	cleanup_fd int fd = openat(is_passed ? FD_PASSED_ROOT : AT_FDCWD, is_passed ? "." : root,
		O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_because(
			err, errno, "", NULL, "open %s: %s", root, go_errno_text(errno));
	run->root_fd = fd_duplicate_high(fd);
	return run->root_fd < 0 ? fail(err, -run->root_fd, "open", root) : 0;
}

/* Below the root, whatever it is spelt as. */
static int set_destination(struct run *run, const char *destination, struct oakum_error *err)
{
	run->destination = malloc(strlen(destination) + 4);
	if (run->destination == NULL)
		return fail(err, ENOMEM, "prepare", NULL);
	go_path_join("/", destination, run->destination + 1);
	run->destination[0] = '/';
	return 0;
}

/* --- unpacking --- */

static uint32_t whiteouts_of(const struct run *run, bool is_layer)
{
	if (is_layer)
		return OAKUM_WHITEOUTS_APPLY;
	if (run->options.whiteouts != STORAGE_WHITEOUTS_OVERLAY)
		return OAKUM_WHITEOUTS_VERBATIM;
	return run->is_rootless ? OAKUM_WHITEOUTS_OVERLAY_USERXATTR : OAKUM_WHITEOUTS_OVERLAY;
}

static int raise_walls(
	struct run *run, enum role role, struct jail_result *walls, struct oakum_error *err)
{
	const int keep_fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, run->root_fd };
	const struct jail jail = {
		.role = role,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = run->root_fd,
		.wants_trusted_xattrs = role == ROLE_UNPACKER,
		.has_submounts = true,
	};
	int r = jail_enter(&jail, walls, err);

	run->root_fd = -1; /* the jail has closed it, or the process ends */
	if (r != -EPERM || strcmp(err->op, "chroot") != 0)
		return r;
	return fail_because(err, EPERM, "", NULL, "%s: operation not permitted",
		role == ROLE_PACKER ? "after fallback to chroot"
				    : "creating mount namespace before pivot");
}

static int open_unpacker(
	struct run *run, bool is_layer, struct unpacker **unpacker, struct oakum_error *err)
{
	/* What follows the archive is read to its end and thrown away, however long. */
	const struct limits defaults = LIMITS_DEFAULT;
	struct jail_result walls;
	int r = raise_walls(run, ROLE_UNPACKER, &walls, err);

	if (r < 0)
		return r;
	run->limits = defaults;
	run->limits.trailing_bytes = UINT64_MAX;
	run->storage = (struct unpacker_storage){
		.options = &run->options,
		.destination = run->destination,
		.is_layer = is_layer,
		.implied_mode = is_layer ? 0755 : 0777 & ~run->umask_was,
		.tell = tell,
		.context = run,
	};
	const struct unpacker_options options = {
		.stream_fd = STDIN_FILENO,
		.rootfs_fd = walls.root_fd,
		.policy = {
			.limits = &run->limits,
			.whiteouts = whiteouts_of(run, is_layer),
			.profile = OAKUM_PROFILE_COMPAT,
		},
		/* What is ignored is told in the order of the layer: by one thread. */
		.threads = run->options.ignore_chown_errors ? 1 : 0,
		.storage = &run->storage,
	};
	r = unpacker_open(&options, unpacker, err);
	return r < 0 ? r : jail_seal(ROLE_UNPACKER, &walls.walls, err);
}

/* Reads to the end of the stream on success, and not at all after a failure: that is the parent's.
 */
static int unpack(struct run *run, bool is_layer, uint64_t *layer_bytes)
{
	struct unpacker *unpacker = NULL;
	struct oakum_stats stats = { 0 };
	struct oakum_error err = { 0 };

	if (open_unpacker(run, is_layer, &unpacker, &err) < 0)
		return say_failure(&err, false);
	if (unpacker_run(unpacker, &stats, &err) < 0)
		return say_failure(&err, unpacker_stream_ended_early(unpacker));
	*layer_bytes = unpacker_layer_bytes(unpacker);
	return 0;
}

static void init_run(struct run *run)
{
	(void)fd_fill_standard(); /* where there is no /dev it is as it was */
	*run = (struct run){ .root_fd = -1, .umask_was = umask(0) };
	run->is_rootless = storage_is_rootless();
	note_time(run);
}

/*
 * The options come first, to their end, whatever else is wrong: a parent in Go that is still
 * writing them would never learn that we are gone.
 */
int storage_untar(int argc, char **argv)
{
	cleanup_run struct run run;
	struct oakum_error err = { 0 };
	uint64_t ignored;
	int status = check_arguments(argc, argv);

	init_run(&run);
	int r = storage_options_read(FD_OPTIONS, &run.options, &err);
	if (status != 0)
		return status;
	close(FD_OPTIONS);
	const char *destination = argc > 1 ? argv[1] : "";
	const char *root = argc > 2 && argv[2][0] != '\0' ? argv[2] : destination;
	if (r == 0)
		r = open_root(&run, root, &err);
	if (r == 0)
		r = set_destination(&run, destination, &err);
	return r < 0 ? say_failure(&err, false) : unpack(&run, false, &ignored);
}

int storage_apply_layer(int argc, char **argv)
{
	cleanup_run struct run run;
	struct oakum_error err = { 0 };
	const char *text = getenv("OPT");
	char answer[64];
	uint64_t layer_bytes = 0;
	int status = check_arguments(argc, argv);

	init_run(&run);
	if (status != 0)
		return status;
	int r = storage_options_parse(text == NULL ? "" : text, text == NULL ? 0 : strlen(text),
		STORAGE_TAIL_REFUSED, &run.options, &err);
	run.options.in_user_namespace |= run.is_rootless;
	if (r == 0)
		r = open_root(&run, argc > 1 ? argv[1] : "", &err);
	if (r == 0)
		r = set_destination(&run, "/", &err);
	if (r < 0)
		return say_failure(&err, false);
	status = unpack(&run, true, &layer_bytes);
	if (status != 0)
		return status;
	snprintf(answer, sizeof(answer), "{\"layerSize\":%" PRIu64 "}\n", layer_bytes);
	return fd_write_all(STDOUT_FILENO, answer, strlen(answer)) < 0 ? FAILED : 0;
}

static int open_packer(
	struct run *run, const char *source, struct packer **packer, struct oakum_error *err)
{
	run->packing = (struct packer_options){
		.source = source,
		.stream_fd = STDOUT_FILENO,
		.storage = &run->options,
		.warn = warn,
		.context = run,
	};
	struct jail_result walls;
	int r = raise_walls(run, ROLE_PACKER, &walls, err);

	if (r < 0)
		return r;
	run->packing.root_fd = walls.root_fd;
	r = packer_open(&run->packing, packer, err);
	return r < 0 ? r : jail_seal(ROLE_PACKER, &walls.walls, err);
}

static int pack(struct run *run, const char *source)
{
	struct packer *packer = NULL;
	struct oakum_error err = { 0 };
	int r = open_packer(run, source, &packer, &err);

	if (r == 0)
		r = packer_run(packer, &err);
	packer_close(&packer);
	return r < 0 ? say_failure(&err, false) : 0;
}

int storage_tar(int argc, char **argv)
{
	cleanup_run struct run run;
	struct oakum_error err = { 0 };
	int status = check_arguments(argc, argv);

	init_run(&run);
	int r = storage_options_read(STDIN_FILENO, &run.options, &err);
	if (status != 0)
		return status;
	const char *source = argc > 1 && argv[1][0] == '/' ? argv[1] : "/";
	const char *root = argc > 2 && argv[2][0] != '\0' ? argv[2] : source;
	if (r == 0)
		r = open_root(&run, root, &err);
	return r < 0 ? say_failure(&err, false) : pack(&run, source);
}
