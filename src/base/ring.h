/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of bytes through memory that two processes share. The writer fills a slot and sends a
 * token (which slot, how many bytes) down a pipe; the reader copies the bytes out, once,
 * before anybody looks at them, and sends the slot's number back up another one. So whoever waits
 * does so in a pipe, and learns there that the other is gone. Neither trusts the other: a token
 * that lies yields wrong bytes, and never bytes from elsewhere.
 */
#ifndef OAKUM_BASE_RING_H
#define OAKUM_BASE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	RING_SLOT_BYTES = 256 << 10,
	RING_SLOTS = 16,
};

/* Memory for a ring, shared with whoever is forked until it is unmapped; NULL if there is none. */
unsigned char *ring_map(void);
void ring_unmap(unsigned char *memory);

struct ring_writer {
	unsigned char *memory; /* of ring_map() */
	int tokens_fd;	       /* a pipe's writing end */
	int credits_fd;	       /* a pipe's reading end, non-blocking */
	uint8_t free[RING_SLOTS];
	size_t free_count;
	uint8_t slot; /* that is being filled */
};

void ring_writer_init(
	struct ring_writer *writer, unsigned char *memory, int tokens_fd, int credits_fd);

/* Waits for a slot; RING_SLOT_BYTES at *slot are the writer's until it sends them. 0 or -EPIPE. */
int ring_writer_slot(struct ring_writer *writer, unsigned char **slot);

/* The first length bytes (1 or more) of that slot go to the reader. 0 or -errno of write(2). */
int ring_writer_send(struct ring_writer *writer, size_t length);

struct ring_reader {
	const unsigned char *memory;
	int tokens_fd;	/* a pipe's reading end */
	int credits_fd; /* a pipe's writing end */
	uint8_t slot;	/* that is being read */
	size_t at;	/* the next byte of it, and how many there are */
	size_t left;
};

/* Takes from this process the right to write to the memory. 0 or -errno. */
int ring_reader_init(
	struct ring_reader *reader, unsigned char *memory, int tokens_fd, int credits_fd);

/*
 * The next bytes, at most room, copied into buffer: how many, 0 at the end, -ETIMEDOUT at
 * the deadline (as of fd_read_by()), -EPROTO for a token that is none, or -errno of read(2).
 */
ssize_t ring_reader_take(
	struct ring_reader *reader, unsigned char *buffer, size_t room, int64_t deadline);

#endif
