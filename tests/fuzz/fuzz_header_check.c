/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes at all as a tar stream: whole and in pieces they must be found to be the same. */
#include "layer/header_check.h"
#include "support/tarball.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int code;
	bool ended_early;
	struct oakum_error err;
};

static struct outcome feed(
	struct header_check *check, const uint8_t *bytes, size_t length, size_t piece)
{
	struct outcome outcome = { 0 };

	for (size_t at = 0; at < length && outcome.code == 0; at += piece)
		outcome.code = header_check_feed(
			check, bytes + at, length - at < piece ? length - at : piece, &outcome.err);
	if (outcome.code == 0)
		outcome.code = header_check_finish(check, &outcome.ended_early, &outcome.err);
	return outcome;
}

/* Members come in order, none inside another, and none is past its limit. */
static void compare_members(struct header_check *left, struct header_check *right,
	const struct limits *limits, size_t length)
{
	struct header_member one = { 0 };
	struct header_member other = { 0 };
	uint64_t least = 0;

	while (header_check_next(left, &one) == 1) {
		if (header_check_next(right, &other) != 1 || one.position != other.position ||
			one.stored_bytes != other.stored_bytes ||
			one.logical_bytes != other.logical_bytes ||
			one.type_flag != other.type_flag || one.mtime_s != other.mtime_s ||
			one.mtime_ns != other.mtime_ns)
			abort();
		if (one.position < least || one.position >= length || one.position % 512 != 0 ||
			one.logical_bytes > limits->logical_bytes || one.mtime_ns > 999999999)
			abort();
		if (one.type_flag != '0' && one.type_flag != 'S' && one.stored_bytes != 0)
			abort();
		least = one.position + 512 + one.stored_bytes;
	}
	if (header_check_next(right, &other) != 0)
		abort();
}

static void compare_counts(
	const struct header_check *left, const struct header_check *right, int code)
{
	struct oakum_stats one = OAKUM_STATS_INIT;
	struct oakum_stats other = OAKUM_STATS_INIT;

	header_check_count(left, &one);
	header_check_count(right, &other);
	if (code == 0 && memcmp(&one, &other, sizeof(one)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = LIMITS_DEFAULT;
	struct header_check_options options = { .limits = &limits };

	if (size < 2)
		return 0;
	options.profile = data[0] & 1;
	options.trailing = data[0] >> 1 & 1;
	limits.sparse_entries = 40;
	limits.pax_bytes = 4096;
	limits.trailing_bytes = 2048;
	uint8_t *bytes = malloc(size - 2 + 1);
	struct header_check *whole = header_check_new(&options);
	struct header_check *in_pieces = header_check_new(&options);
	if (bytes == NULL || whole == NULL || in_pieces == NULL)
		abort();
	memcpy(bytes, data + 2, size - 2);
	tarball_mend_checksums(bytes, size - 2);
	struct outcome one = feed(whole, bytes, size - 2, size);
	struct outcome other = feed(in_pieces, bytes, size - 2, data[1] + 1U);
	if (one.code != other.code || one.ended_early != other.ended_early ||
		memcmp(&one.err, &other.err, sizeof(one.err)) != 0)
		abort();
	if (one.code != 0 && one.err.code != -one.code)
		abort();
	compare_members(whole, in_pieces, &limits, size);
	compare_counts(whole, in_pieces, one.code);
	header_check_free(whole);
	header_check_free(in_pieces);
	free(bytes);
	return 0;
}
