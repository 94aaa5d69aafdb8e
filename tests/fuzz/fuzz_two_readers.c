/* SPDX-License-Identifier: Apache-2.0 */
/* What the header check lets pass, libarchive must read alike: the same members, same places. */
#include "layer/header_check.h"
#include "support/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void differ(const char *what, const struct header_member *member)
{
	fprintf(stderr, "%s: type %c at %llu, %llu stored, %llu logical\n", what, member->type_flag,
		(unsigned long long)member->position, (unsigned long long)member->stored_bytes,
		(unsigned long long)member->logical_bytes);
	abort();
}

static void compare_entry(
	struct archive *archive, struct archive_entry *entry, const struct header_member *member)
{
	bool is_file = member->type_flag == '0' || member->type_flag == 'S';
	unsigned int type = archive_entry_filetype(entry);

	if (archive_read_header_position(archive) != (la_int64_t)member->position)
		differ("another place", member);
	if (is_file && type == AE_IFREG &&
		archive_entry_size(entry) != (la_int64_t)member->logical_bytes)
		differ("another size", member);
	if (is_file && type != AE_IFREG)
		differ("another type", member);
	if (member->type_flag == '5' && type != AE_IFDIR)
		differ("no directory", member);
	if (member->has_mtime && member->mtime_s >= 0 &&
		archive_entry_mtime(entry) != member->mtime_s)
		differ("another time", member);
}

/* False: libarchive has refused something, or left it out, which a reader takes for a refusal. */
static bool read_content(struct archive *archive, uint64_t stored_bytes)
{
	const void *bytes;
	size_t length;
	la_int64_t offset;
	uint64_t sum = 0;
	int r;

	while ((r = archive_read_data_block(archive, &bytes, &length, &offset)) == ARCHIVE_OK)
		sum += length;
	if (r == ARCHIVE_EOF && sum > stored_bytes)
		abort();
	return r == ARCHIVE_EOF;
}

static void compare_all(struct header_check *check, const uint8_t *bytes, size_t length)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	struct header_member member = { 0 };
	int r;

	archive_read_support_format_tar(archive);
	if (archive_read_open_memory(archive, bytes, length) != ARCHIVE_OK) {
		archive_read_free(archive);
		return;
	}
	while ((r = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		if (header_check_next(check, &member) == 0)
			differ("found by libarchive alone, after", &member);
		compare_entry(archive, entry, &member);
		if (!read_content(archive, member.stored_bytes))
			break;
	}
	if (r == ARCHIVE_EOF && header_check_next(check, &member) == 1)
		differ("not found by libarchive", &member);
	archive_read_free(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct limits limits = LIMITS_DEFAULT;
	struct header_check_options options = { .limits = &limits };
	struct header_check *check;
	struct oakum_error err;
	bool ended_early;

	if (size < 1)
		return 0;
	options.profile = data[0] & 1;
	check = header_check_new(&options);
	uint8_t *bytes = malloc(size);
	if (bytes == NULL || check == NULL)
		abort();
	memcpy(bytes, data + 1, size - 1);
	tarball_mend_checksums(bytes, size - 1);
	if (header_check_feed(check, bytes, size - 1, &err) == 0 &&
		header_check_finish(check, &ended_early, &err) == 0)
		compare_all(check, bytes, size - 1);
	header_check_free(check);
	free(bytes);
	return 0;
}
