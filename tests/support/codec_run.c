/* SPDX-License-Identifier: Apache-2.0 */
#include "support/codec_run.h"

#include "decompressor/decompressor.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Is it accepted, and not as what it is, without a codec? */
static bool is_decoded(const void *bytes, size_t length, int null_fd)
{
	struct decompressor_options options = {
		.stream_fd = null_fd,
		.max_window_bytes = 16 << 20,
		.max_ratio = 2000,
	};
	struct decompressor *decompressor;
	struct oakum_stats stats = { 0 };
	struct oakum_error err;

	options.layer_fd = memfd_create("layer", MFD_CLOEXEC);
	if (options.layer_fd < 0 || write(options.layer_fd, bytes, length) != (ssize_t)length)
		abort();
	lseek(options.layer_fd, 0, SEEK_SET);
	if (decompressor_open(&options, &decompressor, &err) < 0)
		abort();
	int r = decompressor_run(decompressor, &stats, &err);
	decompressor_close(&decompressor);
	close(options.layer_fd);
	return r == 0 && stats.compression != OAKUM_COMPRESSION_NONE;
}

void codec_run(const char *magic, size_t magic_bytes, const void *bytes, size_t length)
{
	static int null_fd = -1;

	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (length <= magic_bytes)
		return;
	unsigned char *copy = malloc(length);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes, length);
	memcpy(copy, magic, magic_bytes);
	if (copy[length - 1] != 0 && is_decoded(copy, length, null_fd) &&
		is_decoded(copy, length - 1, null_fd))
		abort();
	free(copy);
}
