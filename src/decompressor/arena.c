/* SPDX-License-Identifier: Apache-2.0 */
#include "decompressor/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
	ALIGNMENT = 64,
	PAGE_BYTES = 4096, /* a larger page of the machine's only wastes what is never touched */
};

/*
 * Blocks lie one behind the other. Codecs take a handful of them, so that a
 * walk from the first is as good as any list.
 */
struct block {
	size_t bytes; /* with this header */
	bool is_taken;
} __attribute__((aligned(ALIGNMENT)));

struct arena {
	size_t bytes; /* of the mapping */
	struct block first[];
} __attribute__((aligned(ALIGNMENT)));

static struct block *next_of(struct block *block)
{
	return (struct block *)((char *)block + block->bytes);
}

static bool is_end(const struct arena *arena, const struct block *block)
{
	return (const char *)block == (const char *)arena + arena->bytes;
}

struct arena *arena_new(size_t bytes)
{
	const size_t beside = sizeof(struct arena) + sizeof(struct block);

	if (bytes > SIZE_MAX - beside - PAGE_BYTES)
		return NULL;
	size_t whole = (bytes + beside + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	struct arena *arena = mmap(NULL, whole, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (arena == MAP_FAILED)
		return NULL;
	arena->bytes = whole;
	arena->first->bytes = whole - sizeof(*arena);
	arena->first->is_taken = false;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena != NULL)
		munmap(arena, arena->bytes);
}

/* Free neighbours become one, here and not in arena_give(): a header inside one is never found by a
 * walk. */
static void join_following(const struct arena *arena, struct block *block)
{
	struct block *next = next_of(block);

	while (!is_end(arena, next) && !next->is_taken) {
		block->bytes += next->bytes;
		next = next_of(block);
	}
}

static void split(struct block *block, size_t bytes)
{
	struct block *rest = (struct block *)((char *)block + bytes);

	if (block->bytes - bytes < 2 * sizeof(struct block))
		return;
	rest->bytes = block->bytes - bytes;
	rest->is_taken = false;
	block->bytes = bytes;
}

void *arena_take(struct arena *arena, size_t bytes)
{
	size_t need = (bytes + sizeof(struct block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (need < bytes)
		return NULL;
	for (struct block *block = arena->first; !is_end(arena, block); block = next_of(block)) {
		if (block->is_taken)
			continue;
		join_following(arena, block);
		if (block->bytes < need)
			continue;
		split(block, need);
		block->is_taken = true;
		return block + 1;
	}
	return NULL;
}

void *arena_take_zeroed(struct arena *arena, size_t bytes)
{
	void *taken = arena_take(arena, bytes);

	if (taken != NULL)
		memset(taken, 0, bytes);
	return taken;
}

void arena_give(struct arena *arena, void *taken)
{
	(void)arena;
	if (taken != NULL)
		((struct block *)taken - 1)->is_taken = false;
}
