/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes every codec with its detection, as a layer of a few kilobytes would meet them. */
#include "decompressor/decompressor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static int null_fd = -1;
	struct decompressor_options options = { .max_window_bytes = 16 << 20, .max_ratio = 2000 };
	struct decompressor *decompressor;
	struct oakum_stats stats;
	struct oakum_error err;

	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	options.stream_fd = null_fd;
	options.layer_fd = memfd_create("layer", MFD_CLOEXEC);
	if (options.layer_fd < 0 || write(options.layer_fd, bytes, length) != (ssize_t)length)
		abort();
	lseek(options.layer_fd, 0, SEEK_SET);
	if (decompressor_open(&options, &decompressor, &err) < 0)
		abort();
	(void)decompressor_run(decompressor, &stats, &err);
	decompressor_close(&decompressor);
	close(options.layer_fd);
	return 0;
}
