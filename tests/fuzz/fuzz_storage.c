/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the unpacker by the rules of containers/storage: whatever the stream, nothing outside the
 * destination's root is touched. */
#include "support/scratch.h"
#include "support/tarball.h"
#include "unpacker/remove.h"
#include "unpacker/unpacker.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *const excludes[] = { "ex", NULL };
static const struct idmap_range ranges[] = { { 0, 0, 65536 } };

static void tell(void *context, const struct oakum_error *err)
{
	(void)context;
	if (err->code <= 0)
		abort();
}

static uint32_t whiteouts_of(const struct unpacker_storage *storage)
{
	if (storage->is_layer)
		return OAKUM_WHITEOUTS_APPLY;
	return storage->options->whiteouts == STORAGE_WHITEOUTS_OVERLAY
		       ? OAKUM_WHITEOUTS_OVERLAY_USERXATTR
		       : OAKUM_WHITEOUTS_VERBATIM;
}

static void unpack(int stream_fd, int rootfs_fd, const struct unpacker_storage *storage)
{
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct unpacker *unpacker;
	struct limits limits = LIMITS_DEFAULT;
	const struct unpacker_options options = {
		.stream_fd = stream_fd,
		.rootfs_fd = rootfs_fd,
		.policy.whiteouts = whiteouts_of(storage),
		.policy.profile = OAKUM_PROFILE_COMPAT,
		.threads = 1,
		.policy.limits = &limits,
		.storage = storage,
	};

	limits.logical_bytes = 1 << 24;
	if (unpacker_open(&options, &unpacker, &err) < 0)
		abort();
	if (unpacker_run(unpacker, &stats, &err) < 0 && (err.code <= 0 || err.stage == 0))
		abort();
	unpacker_close(&unpacker);
}

/* The first two bytes choose the options, the rest is the stream. Run it with TMPDIR on a tmpfs. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct scratch scratch;

	if (length < 2 || length > 1 << 20)
		return 0;
	if (scratch.path[0] == '\0') {
		umask(0);
		scratch_make(&scratch);
	}
	const struct storage_options options = {
		.exclude_patterns = excludes,
		.no_lchown = bytes[0] & 1,
		.uids = { bytes[0] >> 1 & 1, ranges, bytes[0] >> 1 & 1 },
		.ignore_chown_errors = bytes[0] >> 2 & 1,
		.whiteouts = bytes[0] >> 3 & 1,
		.no_overwrite_dir_non_dir = bytes[0] >> 4 & 1,
		.in_user_namespace = bytes[0] >> 5 & 1,
		.has_force_mask = bytes[0] >> 6 & 1,
		.force_mask = 0700,
	};
	const struct unpacker_storage storage = {
		.options = &options,
		.destination = bytes[1] & 1 ? "/sub" : "/",
		.is_layer = bytes[1] >> 1 & 1,
		.implied_mode = 0755,
		.tell = tell,
	};
	uint8_t *stream = malloc(length);
	if (stream == NULL)
		abort();
	memcpy(stream, bytes + 2, length - 2);
	tarball_mend_checksums(stream, length - 2);
	int stream_fd = memory_file(stream, length - 2);
	unpack(stream_fd, scratch.rootfs_fd, &storage);
	close(stream_fd);
	free(stream);
	if (remove_content(scratch.rootfs_fd, NULL) < 0)
		abort();
	fchmodat(scratch.rootfs_fd, ".", 0755, 0);
	if (!scratch_outside_is_untouched(&scratch))
		abort();
	return 0;
}
