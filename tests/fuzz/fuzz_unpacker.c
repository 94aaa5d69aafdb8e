/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the whole unpacker in process: whatever the stream, nothing beside the rootfs is touched.
 */
#include "support/scratch.h"
#include "unpacker/remove.h"
#include "unpacker/unpacker.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
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
};

/* The first byte chooses the options, the rest is the stream. Run it with TMPDIR on a tmpfs. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct scratch scratch;
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct unpacker *unpacker;

	if (length == 0 || length > 1 << 20)
		return 0;
	if (scratch.path[0] == '\0') {
		umask(0);
		scratch_make(&scratch);
	}
	int stream_fd = memory_file(bytes + 1, length - 1);
	const struct unpacker_options options = {
		.stream_fd = stream_fd,
		.rootfs_fd = scratch.rootfs_fd,
		.whiteouts = bytes[0] & 3,
		.profile = bytes[0] >> 2 & 1,
		.trailing = bytes[0] >> 3 & 1,
		.threads = 1 + (bytes[0] >> 4 & 1),
		.limits = limits,
	};
	if (unpacker_open(&options, &unpacker, &err) < 0)
		abort();
	if (unpacker_run(unpacker, &stats, &err) < 0 && (err.code <= 0 || err.stage == 0))
		abort();
	unpacker_close(&unpacker);
	close(stream_fd);
	if (remove_content(scratch.rootfs_fd, NULL) < 0)
		abort();
	fchmodat(scratch.rootfs_fd, ".", 0755, 0);
	if (!scratch_outside_is_untouched(&scratch))
		abort();
	return 0;
}
