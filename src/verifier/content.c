/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/comparison.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is compared: NULL are zeros, as many as there are in a hole. */
struct piece {
	const char *bytes;
	uint64_t offset;
	uint64_t length;
};

static const uint64_t nowhere = UINT64_MAX;

static size_t first_difference(const char *one, const char *other, size_t length)
{
	size_t at = 0;

	while (at < length && one[at] == (other == NULL ? '\0' : other[at]))
		at++;
	return at;
}

static bool is_same(const char *one, const char *other, size_t length)
{
	if (other != NULL)
		return memcmp(one, other, length) == 0;
	return length == 0 || (one[0] == '\0' && memcmp(one, one + 1, length - 1) == 0);
}

/* Reads what the piece is to be like. *at is set where they differ. */
static int compare_piece(struct comparison *c, int fd, const struct piece *piece, uint64_t *at)
{
	for (uint64_t done = 0; done < piece->length;) {
		const uint64_t left = piece->length - done;
		const char *wanted = piece->bytes == NULL ? NULL : piece->bytes + done;
		ssize_t got = pread(fd, c->content, left < CONTENT_BYTES ? left : CONTENT_BYTES,
			(off_t)(piece->offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 || !is_same(c->content, wanted, (size_t)got)) {
			*at = piece->offset + done +
			      first_difference(c->content, wanted, (size_t)got);
			return 0;
		}
		done += (uint64_t)got;
	}
	return 0;
}

/* A hole of the layer: a file that has one there too is not read, be it of a terabyte. */
static int compare_hole(struct comparison *c, int fd, uint64_t from, uint64_t to, uint64_t *at)
{
	int r = 0;

	while (r == 0 && *at == nowhere && from < to) {
		off_t data = lseek(fd, (off_t)from, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			data = (off_t)from;
		if ((uint64_t)data >= to)
			return 0;
		const uint64_t left = to - (uint64_t)data;
		const struct piece zeros = {
			.offset = (uint64_t)data,
			.length = left < CONTENT_BYTES ? left : CONTENT_BYTES,
		};
		r = compare_piece(c, fd, &zeros, at);
		from = zeros.offset + zeros.length;
	}
	return r;
}

/* The next of the layer: 1, 0 at the end, or -errno. */
static int next_piece(struct comparison *c, const struct entry *entry, struct piece *piece,
	struct oakum_error *err)
{
	const void *bytes;
	ssize_t length = tar_reader_content(c->reader, &bytes, &piece->offset, err);

	if (length <= 0)
		return staged((int)length, OAKUM_STAGE_READ, err);
	piece->bytes = bytes;
	piece->length = (uint64_t)length;
	if (tally_content(c->tally, piece->length, entry->path, err) < 0)
		return staged(-err->code, OAKUM_STAGE_POLICY, err);
	c->content_bytes += piece->length;
	if (c->progress != NULL)
		progress_show(&c->progress->content_bytes, c->content_bytes);
	return 1;
}

/* Of one piece, and the hole before it. */
static int compare_next(
	struct comparison *c, int fd, uint64_t end, const struct piece *piece, uint64_t *at)
{
	int r = compare_hole(c, fd, end, piece->offset, at);

	return r == 0 && *at == nowhere ? compare_piece(c, fd, piece, at) : r;
}

/* It was of the right size before: one that was cut off meanwhile ends in what looks like a hole.
 */
static int compare_end(int fd, uint64_t end, uint64_t *at)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if ((uint64_t)status.st_size != end)
		*at = (uint64_t)status.st_size < end ? (uint64_t)status.st_size : end;
	return 0;
}

int content_compare(struct comparison *comparison, int fd, const struct entry *entry, uint64_t *at,
	struct oakum_error *err)
{
	struct piece piece;
	uint64_t end = 0;
	int compared = 0;
	int r;

	*at = nowhere;
	while ((r = next_piece(comparison, entry, &piece, err)) > 0) {
		compared = compare_next(comparison, fd, end, &piece, at);
		if (compared < 0 || *at != nowhere)
			break;
		end = piece.offset + piece.length;
	}
	if (r == 0)
		compared = compare_hole(comparison, fd, end, entry->logical_bytes, at);
	if (r < 0)
		return r;
	if (compared == 0 && *at == nowhere)
		compared = compare_end(fd, entry->logical_bytes, at);
	return compared < 0 ? fail(err, -compared, "read", entry->path) : 0;
}
