/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/child.h"

#include "base/cores.h"
#include "base/error.h"
#include "decompressor/decompressor.h"
#include "hasher/hasher.h"
#include "jail/jail.h"
#include "lister/lister.h"
#include "monitor/monitor.h"
#include "packer/layer_packer.h"
#include "unpacker/unpacker.h"
#include "verifier/verifier.h"
#include "wire/report.h"
#include "wire/request.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
	LOCK_TRIES = 100,
	LOCK_TRY_MS = 10,
	DECODERS_MAX = 4, /* of a format with blocks; more would not fit into its memory */
};

/* Of this process; NULL: the descriptors have the bytes themselves. */
static struct {
	struct ring_reader reader;
	struct ring_writer writer;
	struct ring_reader *input;
	struct ring_writer *output;
} ends;

static void open_ends(const struct rings *rings)
{
	if (rings->output != NULL) {
		ring_writer_init(&ends.writer, rings->output, FD_OUTPUT, FD_CREDITS_TAKEN);
		ends.output = &ends.writer;
	}
	if (rings->input == NULL)
		return;
	ends.input = &ends.reader;
	/* The monitor tells that we have ended without a report. */
	if (ring_reader_init(&ends.reader, rings->input, FD_INPUT, FD_CREDITS_GIVEN) < 0)
		_exit(1);
}

/* The exit status is a diagnosis only: success is the report that says so. */
static void end(int r, struct report *report, const struct oakum_error *err)
{
	jail_denied_calls(&report->stats.denied_calls, &report->stats.denied_call);
	if (r < 0) {
		report->result = -err->code;
		report->error = *err;
	}
	_exit(report_send(FD_REPORT, report) < 0 || r < 0);
}

/* xz alone has use for threads. They inherit every wall, seccomp among them. */
static int narrow(void *context, enum oakum_compression codec, struct oakum_error *err)
{
	const unsigned int *cores = context;

	if (codec != OAKUM_COMPRESSION_XZ || *cores == 1)
		return jail_narrow(err);
	int r = staged(decompressor_start_threads(*cores, err), OAKUM_STAGE_SETUP, err);
	return r < 0 ? r : jail_narrow_to_threads(err);
}

/* The order is the security argument: memory, walls, seccomp, and only then the first byte. */
static int decompress(const struct child_work *work, struct report *report, struct oakum_error *err)
{
	static const int keep_fds[] = { FD_INPUT, FD_OUTPUT, FD_TEXT, FD_REPORT, FD_CREDITS_TAKEN,
		FD_CREDITS_GIVEN };
	const struct jail jail = {
		.role = ROLE_DECOMPRESSOR,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = -1,
	};
	unsigned int cores = cores_usable(DECODERS_MAX);
	const struct decompressor_options options = {
		.layer_fd = FD_INPUT,
		.stream_fd = FD_OUTPUT,
		.source = ends.input,
		.ring = ends.output,
		.max_window_bytes = work->request->limits.window_bytes,
		.max_ratio = work->request->limits.ratio,
		.progress = work->progress,
		.narrow = narrow,
		.narrow_context = &cores,
	};
	struct jail_result walls;
	struct decompressor *decompressor;
	int r = staged(decompressor_open(&options, &decompressor, err), OAKUM_STAGE_SETUP, err);

	if (r == 0)
		r = staged(jail_enter(&jail, &walls, err), OAKUM_STAGE_SETUP, err);
	if (r == 0)
		r = staged(jail_seal(ROLE_DECOMPRESSOR, &walls.walls, err), OAKUM_STAGE_SETUP, err);
	if (r == 0)
		r = staged(decompressor_run(decompressor, &report->stats, err),
			OAKUM_STAGE_DECOMPRESS, err);
	return r;
}

static void live_as_decompressor(const void *work, const struct rings *rings)
{
	struct report report;
	struct oakum_error err = { 0 };

	open_ends(rings);
	report_init(&report, REPORT_FROM_DECOMPRESSOR);
	end(decompress(work, &report, &err), &report, &err);
}

/* Its memory is there already; it stands behind its walls before its first byte like the others. */
static int hash(
	const struct hasher_options *options, struct report *report, struct oakum_error *err)
{
	static const int keep_fds[] = { FD_INPUT, FD_OUTPUT, FD_TEXT, FD_REPORT, FD_CREDITS_TAKEN,
		FD_CREDITS_GIVEN };
	const struct jail jail = {
		.role = ROLE_HASHER,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = -1,
	};
	struct jail_result walls;
	int r = jail_enter(&jail, &walls, err);

	if (r == 0)
		r = jail_seal(ROLE_HASHER, &walls.walls, err);
	return r < 0 ? staged(r, OAKUM_STAGE_SETUP, err)
		     : hasher_run(options, report->stats.digest, err);
}

static void live_as_hasher(enum report_role role, struct hasher_options *options)
{
	struct report report;
	struct oakum_error err = { 0 };

	options->input = ends.input;
	options->output = ends.output;
	report_init(&report, role);
	int r = staged(hash(options, &report, &err), OAKUM_STAGE_DECOMPRESS, &err);
	end(r, &report, &err);
}

/* To read on takes the source from whoever wants nothing more to be read of it. */
static void live_as_layer_hasher(const void *context, const struct rings *rings)
{
	const struct child_work *work = context;
	struct hasher_options options = {
		.input_fd = FD_INPUT,
		.output_fd = FD_OUTPUT,
		.input_name = "layer",
		.reads_on = work->request->expect_digest != NULL &&
			    work->request->drain != OAKUM_DRAIN_NONE,
	};

	open_ends(rings);
	live_as_hasher(REPORT_FROM_LAYER_HASHER, &options);
}

static void live_as_stream_hasher(const void *context, const struct rings *rings)
{
	const struct child_work *work = context;
	struct hasher_options options = {
		.input_fd = FD_INPUT,
		.output_fd = FD_OUTPUT,
		.input_name = "tar stream",
		.reads_on = work->request->expect_diff_id != NULL &&
			    work->request->operation != REQUEST_DECOMPRESS &&
			    work->request->drain != OAKUM_DRAIN_NONE,
	};

	open_ends(rings);
	live_as_hasher(REPORT_FROM_STREAM_HASHER, &options);
}

/*
 * Two layers that are unpacked into one rootfs at a time would mix, and one that is packed
 * meanwhile be half of something; several may pack. The lock is that of
 * the directory itself, whoever mounts it where, and ends with this process; a file
 * system that has no locks goes without. When a caller was killed its processes are
 * gone a moment later: whoever tries again at once need not know.
 */
static int lock_rootfs(int root_fd, int operation, struct oakum_error *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_TRY_MS * 1000000L };
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int tries = 0;

	if (fd < 0)
		return fail(err, errno, "open rootfs", NULL);
	while (flock(fd, operation | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		if (tries++ < LOCK_TRIES) {
			(void)nanosleep(&pause, NULL);
			continue;
		}
		return fail_because(err, EBUSY, "lock rootfs", NULL,
			"another unpack into it is under way, or somebody else has locked it");
	}
	return 0;
}

/*
 * Asked once the rootfs is ours. If the caller died while we were starting, another may have come
 * after it and be done already: what it has unpacked is not touched any more.
 */
static void end_without_caller(void)
{
	struct pollfd caller = { .fd = FD_CALLER, .events = POLLIN };

	if (poll(&caller, 1, 0) != 0)
		_exit(1);
	close(FD_CALLER);
}

/* What becomes of entries, or would. */
static struct policy_options policy_of(const struct request *request)
{
	return (struct policy_options){
		.limits = &request->limits,
		.whiteouts = request->whiteouts,
		.profile = request->profile,
		.exclude = request->exclude,
		.uid_map = request->uid_map,
		.gid_map = request->gid_map,
		.owners = request->owners,
		.squash_uid = request->squash_uid,
		.squash_gid = request->squash_gid,
		.labels = request->labels,
		.devices = request->devices,
		.privileges = request->privileges,
	};
}

/* Threads inherit every wall but seccomp, which reaches them all: so they start between the two. */
static int raise_walls(const struct child_work *work, struct unpacker **unpacker,
	struct jail_result *walls, struct oakum_error *err)
{
	const struct request *request = work->request;
	static const int keep_fds[] = { FD_INPUT, FD_OUTPUT, FD_TEXT, FD_ROOTFS, FD_REPORT,
		FD_CALLER, FD_CREDITS_GIVEN };
	const struct jail jail = {
		.role = ROLE_UNPACKER,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = FD_ROOTFS,
		.min_level = request->min_level,
		.needs_trusted_xattrs = request->whiteouts == OAKUM_WHITEOUTS_OVERLAY,
		.wants_trusted_xattrs = request->labels == OAKUM_LABELS_KEEP,
		.has_user_namespace = request->user_namespace == OAKUM_USER_NAMESPACE_ALWAYS,
	};
	int r = jail_enter(&jail, walls, err);

	if (r == 0)
		r = lock_rootfs(walls->root_fd, LOCK_EX, err);
	if (r < 0)
		return r;
	end_without_caller();
	const struct unpacker_options options = {
		.stream_fd = FD_INPUT,
		.ring = ends.input,
		.rootfs_fd = walls->root_fd,
		.policy = policy_of(request),
		.trailing = request->trailing,
		.threads = request->threads,
		.whiteout_form = request->whiteout_form,
		.sync = request->sync,
		.progress = work->progress,
	};
	r = unpacker_open(&options, unpacker, err);
	if (r < 0)
		return r;
	return jail_seal(ROLE_UNPACKER, &walls->walls, err);
}

static void live_as_unpacker(const void *work, const struct rings *rings)
{
	struct unpacker *unpacker = NULL;
	struct jail_result walls = { 0 };
	struct report report;
	struct oakum_error err = { 0 };
	int r;

	open_ends(rings);
	report_init(&report, REPORT_FROM_UNPACKER);
	r = staged(raise_walls(work, &unpacker, &walls, &err), OAKUM_STAGE_SETUP, &err);
	if (r == 0) {
		r = unpacker_run(unpacker, &report.stats, &err);
		report.ended_early = r < 0 && unpacker_stream_ended_early(unpacker);
	}
	report.stats.level = walls.level;
	report.stats.walls = walls.walls;
	end(r, &report, &err);
}

static int open_packer(const struct child_work *work, struct layer_packer **packer,
	struct jail_result *walls, struct oakum_error *err)
{
	const struct request *request = work->request;
	static const int keep_fds[] = { FD_OUTPUT, FD_TEXT, FD_ROOTFS, FD_REPORT };
	const struct jail jail = {
		.role = ROLE_PACKER,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = FD_ROOTFS,
		.min_level = request->min_level,
		.needs_trusted_xattrs = request->packing.whiteouts == OAKUM_PACK_WHITEOUTS_OVERLAY,
		.wants_trusted_xattrs = request->labels == OAKUM_LABELS_KEEP,
		.has_submounts = request->packing.submounts == OAKUM_SUBMOUNTS_TAKE,
		.has_user_namespace = request->user_namespace == OAKUM_USER_NAMESPACE_ALWAYS,
	};
	int r = jail_enter(&jail, walls, err);

	if (r == 0)
		r = lock_rootfs(walls->root_fd, LOCK_SH, err);
	if (r < 0)
		return r;
	const struct layer_packer_options options = {
		.root_fd = walls->root_fd,
		.stream_fd = FD_OUTPUT,
		/* In a mount of its own nothing is mounted below. */
		.refuses_mounts =
			!jail.has_submounts &&
			(walls->walls & (OAKUM_WALL_DETACHED | OAKUM_WALL_MOUNT_NAMESPACE)) == 0,
		.compression = request->packing.compression,
		.compression_level = request->packing.compression_level,
		.whiteouts = request->packing.whiteouts,
		.times = request->packing.times,
		.latest_mtime_s = request->packing.latest_mtime_s,
		.labels = request->labels,
		.owners = request->owners,
		.squash_uid = request->squash_uid,
		.squash_gid = request->squash_gid,
		.exclude = request->exclude,
		.uid_map = request->uid_map,
		.gid_map = request->gid_map,
		.limits = &request->limits,
		.progress = work->progress,
	};
	r = layer_packer_open(&options, packer, err);
	return r < 0 ? r : jail_seal(ROLE_PACKER, &walls->walls, err);
}

static void live_as_packer(const void *work, const struct rings *rings)
{
	struct layer_packer *packer = NULL;
	struct jail_result walls = { 0 };
	struct report report;
	struct oakum_error err = { 0 };
	int r;

	open_ends(rings);
	report_init(&report, REPORT_FROM_PACKER);
	r = staged(open_packer(work, &packer, &walls, &err), OAKUM_STAGE_SETUP, &err);
	if (r == 0)
		r = staged(layer_packer_run(packer, &report.stats, &err), OAKUM_STAGE_PACK, &err);
	layer_packer_close(&packer);
	report.stats.level = walls.level;
	report.stats.walls = walls.walls;
	end(r, &report, &err);
}

static int open_lister(
	const struct child_work *work, struct lister **lister, struct oakum_error *err)
{
	const struct request *request = work->request;
	const struct lister_options options = {
		.stream_fd = FD_INPUT,
		.ring = ends.input,
		.text_fd = FD_OUTPUT,
		.listing = request->listing,
		.trailing = request->trailing,
		.policy = policy_of(request),
		.progress = work->progress,
	};

	return lister_open(&options, lister, err);
}

/* Behind the walls of the decompressor, for it has no more to do than that: read and write. */
static int list(const struct child_work *work, struct report *report, struct oakum_error *err)
{
	static const int keep_fds[] = { FD_INPUT, FD_OUTPUT, FD_TEXT, FD_REPORT, FD_CREDITS_GIVEN };
	const struct jail jail = {
		.role = ROLE_LISTER,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = -1,
	};
	struct jail_result walls;
	struct lister *lister = NULL;
	int r = staged(jail_enter(&jail, &walls, err), OAKUM_STAGE_SETUP, err);

	if (r == 0)
		r = staged(open_lister(work, &lister, err), OAKUM_STAGE_SETUP, err);
	if (r == 0)
		r = staged(jail_seal(ROLE_LISTER, &walls.walls, err), OAKUM_STAGE_SETUP, err);
	if (r < 0)
		return r;
	r = lister_run(lister, &report->stats, err);
	report->ended_early = r < 0 && lister_stream_ended_early(lister);
	report->stats.walls = walls.walls;
	return r;
}

static void live_as_lister(const void *work, const struct rings *rings)
{
	struct report report;
	struct oakum_error err = { 0 };

	open_ends(rings);
	report_init(&report, REPORT_FROM_LISTER);
	end(list(work, &report, &err), &report, &err);
}

/* The same, of one thread that writes nothing: several may read one rootfs. */
static int raise_walls_to_read(const struct child_work *work, struct verifier **verifier,
	struct jail_result *walls, struct oakum_error *err)
{
	const struct request *request = work->request;
	static const int keep_fds[] = { FD_INPUT, FD_OUTPUT, FD_TEXT, FD_ROOTFS, FD_REPORT,
		FD_CREDITS_GIVEN };
	const struct jail jail = {
		.role = ROLE_VERIFIER,
		.keep_fds = keep_fds,
		.keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
		.rootfs_fd = FD_ROOTFS,
		.min_level = request->min_level,
		.needs_trusted_xattrs = request->whiteouts == OAKUM_WHITEOUTS_OVERLAY,
		.wants_trusted_xattrs = request->labels == OAKUM_LABELS_KEEP,
		.has_user_namespace = request->user_namespace == OAKUM_USER_NAMESPACE_ALWAYS,
	};
	int r = jail_enter(&jail, walls, err);

	if (r == 0)
		r = lock_rootfs(walls->root_fd, LOCK_SH, err);
	if (r < 0)
		return r;
	const struct verifier_options options = {
		.stream_fd = FD_INPUT,
		.ring = ends.input,
		.text_fd = FD_OUTPUT,
		.rootfs_fd = walls->root_fd,
		.policy = policy_of(request),
		.trailing = request->trailing,
		.whiteout_form = request->whiteout_form,
		.verifying = request->verifying,
		.spares_atime = walls->level != OAKUM_LEVEL_DETACHED,
		.progress = work->progress,
	};
	r = verifier_open(&options, verifier, err);
	return r < 0 ? r : jail_seal(ROLE_VERIFIER, &walls->walls, err);
}

static void live_as_verifier(const void *work, const struct rings *rings)
{
	struct verifier *verifier = NULL;
	struct jail_result walls = { 0 };
	struct report report;
	struct oakum_error err = { 0 };
	int r;

	open_ends(rings);
	report_init(&report, REPORT_FROM_VERIFIER);
	r = staged(raise_walls_to_read(work, &verifier, &walls, &err), OAKUM_STAGE_SETUP, &err);
	if (r == 0) {
		r = verifier_run(verifier, &report.stats, &err);
		report.ended_early = r < 0 && verifier_stream_ended_early(verifier);
	}
	report.stats.level = walls.level;
	report.stats.walls = walls.walls;
	end(r, &report, &err);
}

static void add_link(struct chain *chain, enum report_role role, role_life *life)
{
	chain->links[chain->count].role = role;
	chain->links[chain->count].life = life;
	chain->links[chain->count].expected = NULL;
	chain->count++;
}

static void add_hasher(struct chain *chain, enum report_role role, role_life *life,
	const char *expected, bool is_asked_for)
{
	if (expected == NULL && !is_asked_for)
		return;
	add_link(chain, role, life);
	chain->links[chain->count - 1].expected = expected;
}

/* Those that read a layer: digests of what is given to a parser, and of what it gives. */
static void add_readers(const struct request *request, struct chain *chain)
{
	add_hasher(chain, REPORT_FROM_LAYER_HASHER, live_as_layer_hasher, request->expect_digest,
		(request->digests & OAKUM_DIGESTS_LAYER) != 0);
	add_link(chain, REPORT_FROM_DECOMPRESSOR, live_as_decompressor);
	add_hasher(chain, REPORT_FROM_STREAM_HASHER, live_as_stream_hasher, request->expect_diff_id,
		(request->digests & OAKUM_DIGESTS_DIFF_ID) != 0);
}

void child_choose(const struct request *request, struct chain *chain)
{
	if (request->operation == REQUEST_PACK) {
		add_link(chain, REPORT_FROM_PACKER, live_as_packer);
		return;
	}
	add_readers(request, chain);
	if (request->operation == REQUEST_LIST)
		add_link(chain, REPORT_FROM_LISTER, live_as_lister);
	if (request->operation == REQUEST_VERIFY)
		add_link(chain, REPORT_FROM_VERIFIER, live_as_verifier);
	if (request->operation == REQUEST_UNPACK)
		add_link(chain, REPORT_FROM_UNPACKER, live_as_unpacker);
}
