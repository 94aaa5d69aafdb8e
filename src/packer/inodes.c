/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/inodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

/* The slot of the file, or the free one where it belongs. */
static struct inode_slot *slot_of(struct inode_slot *slots, size_t room, struct inode_key key)
{
	uint64_t hash = (key.number ^ key.device << 40) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (hash >> 32) & (room - 1);

	while (slots[at].name != 0 &&
		(slots[at].key.number != key.number || slots[at].key.device != key.device))
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
			*slot_of(slots, room, inodes->slots[i].key) = inodes->slots[i];
	}
	free(inodes->slots);
	inodes->slots = slots;
	inodes->room = room;
	return 0;
}

const char *inodes_find(const struct inodes *inodes, struct inode_key key)
{
	if (inodes->room == 0)
		return NULL;
	const struct inode_slot *slot = slot_of(inodes->slots, inodes->room, key);
	return slot->name == 0 ? NULL : inodes->names.data + slot->name - 1;
}

int inodes_add(struct inodes *inodes, struct inode_key key, const char *name)
{
	size_t offset = inodes->names.length;

	if (inodes->count * 2 >= inodes->room && grow(inodes) < 0)
		return -ENOMEM;
	if (bytes_append(&inodes->names, name, strlen(name) + 1) < 0)
		return -ENOMEM;
	*slot_of(inodes->slots, inodes->room, key) =
		(struct inode_slot){ .key = key, .name = offset + 1 };
	inodes->count++;
	return 0;
}

void inodes_free(struct inodes *inodes)
{
	bytes_free(&inodes->names);
	free(inodes->slots);
	*inodes = (struct inodes){ 0 };
}
