/* SPDX-License-Identifier: Apache-2.0 */
/* How far an unpack is: counters in a page that the caller's process reads while ours count. */
#ifndef OAKUM_BASE_PROGRESS_H
#define OAKUM_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

enum { PROGRESS_LINE_BYTES = 64 }; /* of a cache: two processes count, each on a line of its own */

/*
 * Written by who may be an attacker by then: numbers to show, never to decide by. Each
 * counter has one writer.
 */
struct progress {
	_Alignas(PROGRESS_LINE_BYTES) _Atomic(uint64_t) layer_bytes; /* the decompressor's */
	_Atomic(uint64_t) stream_bytes;
	_Alignas(PROGRESS_LINE_BYTES) _Atomic(uint64_t) entries; /* the unpacker's */
	_Atomic(uint64_t) content_bytes;
};

/*
 * In the caller: makes the page and maps it read-only into *page, to be ended with
 * progress_unmap(). Returns a close-on-exec descriptor of it that is the caller's to
 * close, or -errno. Its size is sealed: nobody can make a look at it a SIGBUS.
 */
int progress_make(const struct progress **page);
void progress_unmap(const struct progress *page);

/*
 * In the helper: the page behind the descriptor, to be counted in; where there is none,
 * one that nobody reads. Never fails, and is never unmapped.
 */
struct progress *progress_map(int fd);

/* Counts where another process looks on: no more is asked for than that it is no torn number. */
static inline void progress_show(_Atomic(uint64_t) *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

#endif
