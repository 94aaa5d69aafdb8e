/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the verifier in process: of whatever the unpacker has made of a stream it must say that it
 * is the same. */
#include "support/scratch.h"
#include "unpacking.h"
#include "verifier/verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void show(int text_fd, const struct oakum_error *err)
{
	char text[4096];
	ssize_t length = pread(text_fd, text, sizeof(text), 0);

	fprintf(stderr, "%.*s%s: %s: %s\n", (int)length, text, err->entry, err->op, err->detail);
}

static void verify(const struct unpacker_options *unpacked)
{
	const struct verifier_options options = {
		.stream_fd = unpacked->stream_fd,
		.text_fd = memory_file("", 0),
		.rootfs_fd = unpacked->rootfs_fd,
		.policy = unpacked->policy,
		.trailing = unpacked->trailing,
		.whiteout_form = unpacked->whiteout_form,
		.verifying = OAKUM_VERIFYING_EXTRA,
	};
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct verifier *verifier;

	if (verifier_open(&options, &verifier, &err) < 0)
		abort();
	if (verifier_run(verifier, &stats, &err) < 0 || stats.differences > 0) {
		show(options.text_fd, &err);
		abort();
	}
	verifier_close(&verifier);
	close(options.text_fd);
}

/* As fuzz_unpacker. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const int rootfs_fd = unpacking_scratch()->rootfs_fd;

	if (length < UNPACKING_CHOICES || length > 1 << 20)
		return 0;
	struct unpacker_options options = unpacking_choose(bytes);
	options.rootfs_fd = rootfs_fd;
	options.stream_fd = unpacking_stream(bytes + UNPACKING_CHOICES, length - UNPACKING_CHOICES);
	if (unpacking_unpack(&options)) {
		lseek(options.stream_fd, 0, SEEK_SET);
		verify(&options);
	}
	close(options.stream_fd);
	unpacking_clear(rootfs_fd);
	return 0;
}
