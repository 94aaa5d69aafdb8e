/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/placed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_ROOM = 1024 };

static uint64_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= UINT64_C(0xd6e8feb86659fd93);
	return value ^ value >> 29;
}

/* Keyed, so that nobody can build a layer of names that collide. */
static uint64_t hash(const struct placed *placed, const struct inode *directory, const char *name)
{
	uint64_t sum = mix(placed->key ^ mix((uint64_t)directory->number + placed->key));
	size_t length = strlen(name);
	uint64_t word = (uint64_t)directory->device;

	sum = mix(sum ^ mix(word + placed->key) ^ length);
	for (; length >= sizeof(word); length -= sizeof(word), name += sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		sum = mix(sum ^ mix(word + placed->key));
	}
	word = 0;
	memcpy(&word, name, length);
	sum = mix(sum ^ mix(word + placed->key));
	return sum == 0 ? 1 : sum;
}

static size_t find_slot(const struct placed *placed, uint64_t wanted)
{
	size_t at = wanted & (placed->room - 1);

	while (placed->slots[at] != 0 && placed->slots[at] != wanted)
		at = (at + 1) & (placed->room - 1);
	return at;
}

static int grow(struct placed *placed)
{
	struct placed larger = *placed;

	larger.room = placed->room == 0 ? FIRST_ROOM : placed->room * 2;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < placed->room; i++) {
		if (placed->slots[i] != 0)
			larger.slots[find_slot(&larger, placed->slots[i])] = placed->slots[i];
	}
	free(placed->slots);
	*placed = larger;
	return 0;
}

int placed_init(struct placed *placed)
{
	*placed = (struct placed){ 0 };
	if (getrandom(&placed->key, sizeof(placed->key), 0) < 0)
		return -errno;
	return grow(placed);
}

int placed_init_like(struct placed *placed, const struct placed *other)
{
	*placed = (struct placed){ .key = other->key, .syncs = other->syncs };
	return grow(placed);
}

int placed_add(struct placed *placed, const struct inode *directory, const char *name)
{
	/* Fuller than usual: while it grows both sizes are there, and are to be 32 bytes an entry.
	 */
	if (placed->count * 4 >= placed->room * 3) {
		int r = grow(placed);
		if (r < 0)
			return r;
	}
	uint64_t wanted = hash(placed, directory, name);
	size_t slot = find_slot(placed, wanted);
	placed->count += placed->slots[slot] == 0;
	placed->slots[slot] = wanted;
	return 0;
}

bool placed_has(const struct placed *placed, const struct inode *directory, const char *name)
{
	return placed->slots[find_slot(placed, hash(placed, directory, name))] != 0;
}

void placed_free(struct placed *placed)
{
	free(placed->slots);
	*placed = (struct placed){ 0 };
}
