/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the whole unpacker in process: whatever the stream, nothing beside the rootfs is touched.
 */
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

static const struct limits limits = {
	.content_bytes = 1 << 20,
	.logical_bytes = 1 << 24,
	.entries = 500,
	.path_depth = 200,
	.name_bytes = 4096,
	.link_bytes = 4095,
	.pax_bytes = 64 << 10,
	.sparse_entries = 1000,
	.xattr_bytes = 4096,
	.entry_xattr_bytes = 64 << 10,
	.layer_xattr_bytes = 1 << 20,
	.ratio = UINT64_MAX,
	.window_bytes = UINT64_MAX,
	.trailing_bytes = 1 << 20,
	.entry_xattrs = 100,
};

enum { CHOICES = 3 };

static const struct oakum_id_range map[] = { { 0, 0, 1 }, { 1, 100000, 65535 }, { 0 } };
static const char *const exclude[] = { "d/ex", NULL };

static struct unpacker_options choose(const uint8_t choices[CHOICES])
{
	struct unpacker_options options = {
		.whiteouts = choices[0] & 3,
		.profile = choices[0] >> 2 & 1,
		.trailing = choices[0] >> 3 & 1,
		.threads = 1 + (choices[0] >> 4 & 1),
		.owners = choices[1] & 3,
		.squash_uid = choices[1] >> 2 & 1,
		.labels = choices[1] >> 3 & 1,
		.devices = choices[1] >> 4 & 1,
		.privileges = choices[1] >> 5 & 1,
		.uid_map = choices[1] >> 6 & 1 ? map : NULL,
		.gid_map = choices[1] >> 7 & 1 ? map : NULL,
		.exclude = choices[2] & 1 ? exclude : NULL,
		.limits = limits,
	};

	if (options.whiteouts == OAKUM_WHITEOUTS_OVERLAY ||
		options.whiteouts == OAKUM_WHITEOUTS_OVERLAY_USERXATTR)
		options.whiteout_form = choices[2] >> 1 & 1;
	return options;
}

static void unpack(struct unpacker_options *options, const uint8_t *bytes, size_t length)
{
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct unpacker *unpacker;
	uint8_t *stream = malloc(length + 1);

	if (stream == NULL)
		abort();
	memcpy(stream, bytes, length);
	tarball_mend_checksums(stream, length);
	options->stream_fd = memory_file(stream, length);
	if (unpacker_open(options, &unpacker, &err) < 0)
		abort();
	if (unpacker_run(unpacker, &stats, &err) < 0 && (err.code <= 0 || err.stage == 0))
		abort();
	unpacker_close(&unpacker);
	close(options->stream_fd);
	free(stream);
}

/* The first bytes choose the options, the rest is the stream. Run it with TMPDIR on a tmpfs. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct scratch scratch;

	if (length < CHOICES || length > 1 << 20)
		return 0;
	if (scratch.path[0] == '\0') {
		umask(0);
		scratch_make(&scratch);
	}
	struct unpacker_options options = choose(bytes);
	options.rootfs_fd = scratch.rootfs_fd;
	unpack(&options, bytes + CHOICES, length - CHOICES);
	if (remove_content(scratch.rootfs_fd, NULL) < 0)
		abort();
	fchmodat(scratch.rootfs_fd, ".", 0755, 0);
	if (!scratch_outside_is_untouched(&scratch))
		abort();
	return 0;
}
