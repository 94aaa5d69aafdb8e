/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/inodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

/* The slot of the number, or the free one where it belongs. */
static struct inode_slot *slot_of(struct inode_slot *slots, size_t room, uint64_t number)
{
	uint64_t hash = number * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (hash >> 32) & (room - 1);

	while (slots[at].name != 0 && slots[at].number != number)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static int grow(struct inodes *inodes)
{
	size_t room = inodes->room == 0 ? FIRST_SLOTS : inodes->room * 2;
	struct inode_slot *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < inodes->room; i++) {
		if (inodes->slots[i].name != 0)
			*slot_of(slots, room, inodes->slots[i].number) = inodes->slots[i];
	}
	free(inodes->slots);
	inodes->slots = slots;
	inodes->room = room;
	return 0;
}

const char *inodes_find(const struct inodes *inodes, uint64_t number)
{
	if (inodes->room == 0)
		return NULL;
	const struct inode_slot *slot = slot_of(inodes->slots, inodes->room, number);
	return slot->name == 0 ? NULL : inodes->names.data + slot->name - 1;
}

int inodes_add(struct inodes *inodes, uint64_t number, const char *name)
{
	size_t offset = inodes->names.length;

	if (inodes->count * 2 >= inodes->room && grow(inodes) < 0)
		return -ENOMEM;
	if (bytes_append(&inodes->names, name, strlen(name) + 1) < 0)
		return -ENOMEM;
	*slot_of(inodes->slots, inodes->room, number) =
		(struct inode_slot){ .number = number, .name = offset + 1 };
	inodes->count++;
	return 0;
}

void inodes_free(struct inodes *inodes)
{
	bytes_free(&inodes->names);
	free(inodes->slots);
	*inodes = (struct inodes){ 0 };
}
