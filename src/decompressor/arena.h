/* SPDX-License-Identifier: Apache-2.0 */
/* All memory that a codec may ever use, set aside before the walls: afterwards no call maps any. */
#ifndef OAKUM_DECOMPRESSOR_ARENA_H
#define OAKUM_DECOMPRESSOR_ARENA_H

#include <stddef.h>

struct arena;

/* Reserves room for bytes; pages cost nothing until they are touched. NULL without memory. */
struct arena *arena_new(size_t bytes);
void arena_free(struct arena *arena);

/* Like malloc(3), calloc(3) and free(3), for one thread; NULL when the arena is full. */
void *arena_take(struct arena *arena, size_t bytes);
void *arena_take_zeroed(struct arena *arena, size_t bytes);
void arena_give(struct arena *arena, void *taken);

#endif
