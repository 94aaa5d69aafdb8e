/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the whole unpacker in process: whatever the stream, nothing beside the rootfs is touched.
 */
#include "support/scratch.h"
#include "unpacking.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* The first bytes choose the options, the rest is the stream. Run it with TMPDIR on a tmpfs. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct scratch *scratch = unpacking_scratch();

	if (length < UNPACKING_CHOICES || length > 1 << 20)
		return 0;
	struct unpacker_options options = unpacking_choose(bytes);
	options.rootfs_fd = scratch->rootfs_fd;
	options.stream_fd = unpacking_stream(bytes + UNPACKING_CHOICES, length - UNPACKING_CHOICES);
	(void)unpacking_unpack(&options);
	close(options.stream_fd);
	unpacking_clear(scratch->rootfs_fd);
	if (!scratch_outside_is_untouched(scratch))
		abort();
	return 0;
}
