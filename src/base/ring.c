/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t ring_bytes = (size_t)RING_SLOTS * RING_SLOT_BYTES;

/* In one write(2) and one read(2): less than PIPE_BUF is never torn. */
struct token {
	uint32_t slot;
	uint32_t length;
};

unsigned char *ring_map(void)
{
	void *memory = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void ring_unmap(unsigned char *memory)
{
	if (memory != NULL)
		(void)munmap(memory, ring_bytes);
}

void ring_writer_init(
	struct ring_writer *writer, unsigned char *memory, int tokens_fd, int credits_fd)
{
	*writer = (struct ring_writer){
		.tokens_fd = tokens_fd,
		.credits_fd = credits_fd,
		.free_count = RING_SLOTS,
	};
	writer->memory = memory;
	for (size_t i = 0; i < RING_SLOTS; i++)
		writer->free[i] = (uint8_t)(RING_SLOTS - 1 - i);
}

static int put_on_top(struct ring_writer *writer, const uint8_t *credits, ssize_t count)
{
	if (count <= 0)
		return -EPIPE;
	for (ssize_t i = 0; i < count; i++) {
		if (credits[i] < RING_SLOTS && writer->free_count < RING_SLOTS)
			writer->free[writer->free_count++] = credits[i];
	}
	return 0;
}

/* The slot that came back last is taken first: it is in a cache. */
int ring_writer_slot(struct ring_writer *writer, unsigned char **slot)
{
	uint8_t credits[RING_SLOTS];
	ssize_t got = read(writer->credits_fd, credits, sizeof(credits));
	int r = 0;

	if (got >= 0 || (errno != EAGAIN && errno != EINTR))
		r = put_on_top(writer, credits, got);
	while (r == 0 && writer->free_count == 0)
		r = put_on_top(
			writer, credits, fd_read(writer->credits_fd, credits, sizeof(credits)));
	if (r < 0)
		return r;
	writer->slot = writer->free[--writer->free_count];
	*slot = writer->memory + (size_t)writer->slot * RING_SLOT_BYTES;
	return 0;
}

int ring_writer_send(struct ring_writer *writer, size_t length)
{
	const struct token token = { .slot = writer->slot, .length = (uint32_t)length };

	return fd_write_all(writer->tokens_fd, &token, sizeof(token));
}

int ring_reader_init(
	struct ring_reader *reader, unsigned char *memory, int tokens_fd, int credits_fd)
{
	*reader = (struct ring_reader){ .tokens_fd = tokens_fd, .credits_fd = credits_fd };
	reader->memory = memory;
	return mprotect(memory, ring_bytes, PROT_READ) < 0 ? -errno : 0;
}

/* Waits for the next slot: 1, 0 at the end, or -errno. */
static ssize_t next_slot(struct ring_reader *reader, int64_t deadline)
{
	struct token token;
	ssize_t got = fd_read_by(reader->tokens_fd, &token, sizeof(token), deadline);

	if (got <= 0)
		return got;
	if (got != sizeof(token) || token.slot >= RING_SLOTS || token.length == 0 ||
		token.length > RING_SLOT_BYTES)
		return -EPROTO;
	reader->slot = (uint8_t)token.slot;
	reader->at = 0;
	reader->left = token.length;
	return 1;
}

ssize_t ring_reader_take(
	struct ring_reader *reader, unsigned char *buffer, size_t room, int64_t deadline)
{
	if (reader->left == 0) {
		ssize_t r = next_slot(reader, deadline);
		if (r <= 0)
			return r;
	}
	size_t count = reader->left < room ? reader->left : room;
	memcpy(buffer, reader->memory + (size_t)reader->slot * RING_SLOT_BYTES + reader->at, count);
	reader->at += count;
	reader->left -= count;
	/* A writer that is done and gone wants nothing back. */
	if (reader->left == 0)
		(void)fd_write_all(reader->credits_fd, &reader->slot, sizeof(reader->slot));
	return (ssize_t)count;
}
