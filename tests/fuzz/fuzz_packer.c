/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the packer in process: of whatever the unpacker has made of a stream it packs a layer that
 * the verifier calls the same, and twice the same bytes. */
#include "packer/layer_packer.h"
#include "support/scratch.h"
#include "unpacking.h"
#include "verifier/verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const struct limits limits = LIMITS_DEFAULT;

static _Noreturn void show(const struct oakum_error *err)
{
	char text[8192];

	oakum_error_format(err, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
	abort();
}

/* A descriptor of the layer. */
static int pack(int rootfs_fd)
{
	static struct progress progress;
	const struct layer_packer_options options = {
		.root_fd = rootfs_fd,
		.stream_fd = memory_file("", 0),
		.whiteouts = OAKUM_PACK_WHITEOUTS_VERBATIM,
		.labels = OAKUM_LABELS_KEEP,
		.limits = &limits,
		.progress = &progress,
	};
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct layer_packer *packer = NULL;
	int r = layer_packer_open(&options, &packer, &err);

	if (r == 0)
		r = layer_packer_run(packer, &stats, &err);
	layer_packer_close(&packer);
	if (r < 0)
		show(&err);
	return options.stream_fd;
}

static bool is_of_time(const char *line, size_t length)
{
	return memmem(line, length, ": mtime ", strlen(": mtime ")) != NULL;
}

/* Fractions of times are not packed. */
static void check_differences(int text_fd)
{
	static char text[1 << 20];
	ssize_t length = pread(text_fd, text, sizeof(text) - 1, 0);

	if (length < 0)
		abort();
	text[length] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (is_of_time(line, (size_t)(end - line)))
			continue;
		fprintf(stderr, "%.*s\n", (int)(end - line), line);
		abort();
	}
}

static void verify(int layer_fd, int rootfs_fd)
{
	const struct verifier_options options = {
		.stream_fd = layer_fd,
		.text_fd = memory_file("", 0),
		.rootfs_fd = rootfs_fd,
		.policy = {
			.limits = &limits,
			.whiteouts = OAKUM_WHITEOUTS_VERBATIM,
			.labels = OAKUM_LABELS_KEEP,
		},
		.verifying = OAKUM_VERIFYING_EXTRA,
	};
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct verifier *verifier;

	lseek(layer_fd, 0, SEEK_SET);
	if (verifier_open(&options, &verifier, &err) < 0)
		abort();
	if (verifier_run(verifier, &stats, &err) < 0)
		show(&err);
	check_differences(options.text_fd);
	verifier_close(&verifier);
	close(options.text_fd);
}

static void check_same(int one_fd, int other_fd)
{
	static char one[1 << 16], other[1 << 16];
	off_t at = 0;
	ssize_t length;

	do {
		length = pread(one_fd, one, sizeof(one), at);
		if (length < 0 || pread(other_fd, other, sizeof(other), at) != length ||
			memcmp(one, other, (size_t)length) != 0)
			abort();
		at += length;
	} while (length > 0);
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
		int layer_fd = pack(rootfs_fd);
		int again_fd = pack(rootfs_fd);
		check_same(layer_fd, again_fd);
		verify(layer_fd, rootfs_fd);
		close(layer_fd);
		close(again_fd);
	}
	close(options.stream_fd);
	unpacking_clear(rootfs_fd);
	return 0;
}
