/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/moments.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64 };

static struct moment *slot_of(const struct moments *moments, uint64_t key)
{
	size_t at = key & (moments->room - 1);

	while (moments->slots[at].key != 0 && moments->slots[at].key != key)
		at = (at + 1) & (moments->room - 1);
	return &moments->slots[at];
}

static int grow(struct moments *moments)
{
	struct moments larger = *moments;

	larger.room = moments->room == 0 ? FIRST_ROOM : moments->room * 2;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < moments->room; i++) {
		if (moments->slots[i].key != 0)
			*slot_of(&larger, moments->slots[i].key) = moments->slots[i];
	}
	free(moments->slots);
	*moments = larger;
	return 0;
}

int moments_watch(struct moments *moments, uint64_t key)
{
	if (moments->count * 2 >= moments->room && grow(moments) < 0)
		return -ENOMEM;
	struct moment *slot = slot_of(moments, key);
	if (slot->key == key)
		return 0;
	slot->key = key;
	moments->count++;
	return 1;
}

void moments_note(struct moments *moments, uint64_t key, uint64_t number)
{
	if (moments->count == 0)
		return;
	struct moment *slot = slot_of(moments, key);
	if (slot->key == key)
		slot->number = number;
}

bool moments_has(const struct moments *moments, uint64_t key)
{
	return moments->count > 0 && slot_of(moments, key)->key == key;
}

uint64_t moments_last(const struct moments *moments, uint64_t key)
{
	return moments->count == 0 ? 0 : slot_of(moments, key)->number;
}

void moments_free(struct moments *moments)
{
	free(moments->slots);
	*moments = (struct moments){ 0 };
}
