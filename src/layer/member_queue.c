/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/member_queue.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64 };

static int grow(struct member_queue *queue)
{
	size_t room = queue->room == 0 ? FIRST_ROOM : queue->room * 2;
	struct header_member *larger = calloc(room, sizeof(*larger));

	if (larger == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < queue->count; i++)
		larger[i] = queue->items[(queue->first + i) % queue->room];
	free(queue->items);
	queue->items = larger;
	queue->room = room;
	queue->first = 0;
	return 0;
}

int member_queue_push(struct member_queue *queue, const struct header_member *member)
{
	if (queue->count == queue->room) {
		int r = grow(queue);
		if (r < 0)
			return r;
	}
	queue->items[(queue->first + queue->count) % queue->room] = *member;
	queue->count++;
	return 0;
}

bool member_queue_pop(struct member_queue *queue, struct header_member *member)
{
	if (queue->count == 0)
		return false;
	*member = queue->items[queue->first];
	queue->first = (queue->first + 1) % queue->room;
	queue->count--;
	return true;
}
