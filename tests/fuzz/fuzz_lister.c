/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the lister in process: whatever the stream, its lines are ASCII, as many as it says, and
 * JSON where that was asked for. */
#include "lister/lister.h"
#include "support/scratch.h"
#include "support/tarball.h"
#include "unpacking.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { CHOICES = 2 };

static const char *const exclude[] = { "d/ex", NULL };

static struct lister_options choose(const uint8_t choices[CHOICES])
{
	return (struct lister_options){
		.listing = choices[0] & 3,
		.trailing = choices[0] >> 2 & 1,
		.policy = {
			.limits = &unpacking_limits,
			.profile = choices[0] >> 3 & 1,
			.whiteouts = choices[0] >> 4 & 3,
			.labels = choices[0] >> 6 & 1,
			.devices = choices[0] >> 7 & 1,
			.exclude = choices[1] & 1 ? exclude : NULL,
			.owners = choices[1] & 2 ? OAKUM_OWNERS_SQUASH : 0,
		},
	};
}

static void check_line(const char *line, size_t length, uint32_t listing)
{
	for (size_t i = 0; i < length; i++) {
		if (line[i] < ' ' || line[i] > '~')
			abort();
	}
	if ((listing & OAKUM_LISTING_JSON) == 0)
		return;
	json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root) || !json_is_string(json_object_get(root, "name")))
		abort();
	json_decref(root);
}

static void check_lines(int fd, uint32_t listing, uint64_t expected)
{
	struct stat status;
	uint64_t count = 0;

	if (fstat(fd, &status) < 0)
		abort();
	char *text = calloc(1, (size_t)status.st_size + 1);
	if (text == NULL || pread(fd, text, (size_t)status.st_size, 0) != status.st_size)
		abort();
	for (char *line = text; *line != '\0'; count++) {
		char *end = strchr(line, '\n');
		if (end == NULL)
			abort();
		check_line(line, (size_t)(end - line), listing);
		line = end + 1;
	}
	if (count != expected)
		abort();
	free(text);
}

static void list(struct lister_options *options, const uint8_t *bytes, size_t length)
{
	const bool is_check = (options->listing & OAKUM_LISTING_CHECK) != 0;
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct lister *lister;
	uint8_t *stream = malloc(length + 1);

	if (stream == NULL)
		abort();
	memcpy(stream, bytes, length);
	tarball_mend_checksums(stream, length);
	options->stream_fd = memory_file(stream, length);
	options->text_fd = memory_file("", 0);
	if (lister_open(options, &lister, &err) < 0)
		abort();
	int r = lister_run(lister, &stats, &err);
	if (r < 0 && (err.code <= 0 || err.stage == 0))
		abort();
	if (is_check)
		check_lines(options->text_fd, options->listing, stats.refused);
	else if (r == 0)
		check_lines(options->text_fd, options->listing, stats.entries - stats.skipped);
	lister_close(&lister);
	close(options->stream_fd);
	close(options->text_fd);
	free(stream);
}

/* The first bytes choose the options, the rest is the stream. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < CHOICES || length > 1 << 20)
		return 0;
	struct lister_options options = choose(bytes);
	list(&options, bytes + CHOICES, length - CHOICES);
	return 0;
}
