/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the whole unpacker in process: whatever the stream, nothing beside the rootfs is touched.
 */
#include "support/scratch.h"
#include "unpacking.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void unpack(struct unpacker_options *options, const uint8_t *bytes, size_t length)
{
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct unpacker *unpacker;

	options->stream_fd = unpacking_stream(bytes, length);
	if (unpacker_open(options, &unpacker, &err) < 0)
		abort();
	if (unpacker_run(unpacker, &stats, &err) < 0 && (err.code <= 0 || err.stage == 0))
		abort();
	unpacker_close(&unpacker);
	close(options->stream_fd);
}

/* The first bytes choose the options, the rest is the stream. Run it with TMPDIR on a tmpfs. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct scratch scratch;

	if (length < UNPACKING_CHOICES || length > 1 << 20)
		return 0;
	if (scratch.path[0] == '\0') {
		umask(0);
		scratch_make(&scratch);
	}
	struct unpacker_options options = unpacking_choose(bytes);
	options.rootfs_fd = scratch.rootfs_fd;
	unpack(&options, bytes + UNPACKING_CHOICES, length - UNPACKING_CHOICES);
	unpacking_clear(scratch.rootfs_fd);
	if (!scratch_outside_is_untouched(&scratch))
		abort();
	return 0;
}
