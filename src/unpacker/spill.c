/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/spill.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MEMORY_BYTES = 8 << 20, /* of an honest layer there is never more */
	PENDING_BYTES = 64 << 10,
};

/* One behind the other: memory, the file, and what is to be written into it next. */
struct spill {
	int directory_fd;
	int file_fd; /* -1: there is none */
	bool has_no_file;
	char *memory;
	size_t memory_bytes;
	size_t memory_room;
	uint64_t file_bytes;
	char *pending; /* PENDING_BYTES, where there is a file */
	size_t pending_bytes;
};

struct spill *spill_new(int directory_fd)
{
	struct spill *spill = calloc(1, sizeof(*spill));

	if (spill == NULL)
		return NULL;
	spill->directory_fd = directory_fd;
	spill->file_fd = -1;
	return spill;
}

void spill_free(struct spill *spill)
{
	if (spill == NULL)
		return;
	close_fd(&spill->file_fd);
	free(spill->memory);
	free(spill->pending);
	free(spill);
}

uint64_t spill_end(const struct spill *spill)
{
	return spill->memory_bytes + spill->file_bytes + spill->pending_bytes;
}

/* Grows by doubling: with realloc(3) of large blocks untouched pages cost nothing. */
static int add_to_memory(struct spill *spill, const char *bytes, size_t length)
{
	if (spill->memory_bytes + length > spill->memory_room) {
		size_t room = (spill->memory_bytes + length) * 2 + 1024;
		char *larger = realloc(spill->memory, room);
		if (larger == NULL)
			return -ENOMEM;
		spill->memory = larger;
		spill->memory_room = room;
	}
	memcpy(spill->memory + spill->memory_bytes, bytes, length);
	spill->memory_bytes += length;
	return 0;
}

static int write_pending(struct spill *spill)
{
	size_t written = 0;

	while (written < spill->pending_bytes) {
		ssize_t put = pwrite(spill->file_fd, spill->pending + written,
			spill->pending_bytes - written, (off_t)(spill->file_bytes + written));
		if (put < 0 && errno != EINTR)
			return -errno;
		written += put > 0 ? (size_t)put : 0;
	}
	spill->file_bytes += written;
	spill->pending_bytes = 0;
	return 0;
}

static size_t least(size_t one, uint64_t other)
{
	return one < other ? one : (size_t)other;
}

static int add_to_file(struct spill *spill, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t taken = least(length, PENDING_BYTES - spill->pending_bytes);
		memcpy(spill->pending + spill->pending_bytes, bytes, taken);
		spill->pending_bytes += taken;
		bytes += taken;
		length -= taken;
		int r = spill->pending_bytes == PENDING_BYTES ? write_pending(spill) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_file(struct spill *spill)
{
	if (spill->file_fd >= 0 || spill->has_no_file)
		return spill->file_fd >= 0;
	spill->pending = malloc(PENDING_BYTES);
	if (spill->pending != NULL)
		spill->file_fd =
			openat(spill->directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	spill->has_no_file = spill->file_fd < 0;
	return !spill->has_no_file;
}

int spill_add(struct spill *spill, const void *bytes, size_t length)
{
	bool is_full = spill->memory_bytes + length > MEMORY_BYTES || spill->file_fd >= 0;

	if (length == 0)
		return 0;
	if (is_full && has_file(spill))
		return add_to_file(spill, bytes, length);
	return add_to_memory(spill, bytes, length);
}

static int read_file(const struct spill *spill, uint64_t at, char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t got = pread(spill->file_fd, bytes, length, (off_t)at);
		if (got == 0)
			return -EIO;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			bytes += got;
			at += (uint64_t)got;
			length -= (size_t)got;
		}
	}
	return 0;
}

/* As much of it as stands in one place: how many bytes, or -errno. */
static ssize_t read_piece(const struct spill *spill, uint64_t at, char *bytes, size_t length)
{
	if (at < spill->memory_bytes) {
		size_t taken = least(length, spill->memory_bytes - at);
		memcpy(bytes, spill->memory + at, taken);
		return (ssize_t)taken;
	}
	at -= spill->memory_bytes;
	if (at < spill->file_bytes) {
		size_t taken = least(length, spill->file_bytes - at);
		int r = read_file(spill, at, bytes, taken);
		return r < 0 ? r : (ssize_t)taken;
	}
	at -= spill->file_bytes;
	if (at >= spill->pending_bytes)
		return -EIO;
	size_t taken = least(length, spill->pending_bytes - at);
	memcpy(bytes, spill->pending + at, taken);
	return (ssize_t)taken;
}

int spill_read(const struct spill *spill, uint64_t at, void *bytes, size_t length)
{
	char *to = bytes;

	while (length > 0) {
		ssize_t taken = read_piece(spill, at, to, length);
		if (taken < 0)
			return (int)taken;
		at += (uint64_t)taken;
		to += taken;
		length -= (size_t)taken;
	}
	return 0;
}
