/* SPDX-License-Identifier: Apache-2.0 */
/* Members that were found and not yet asked for, first in, first out. */
#ifndef OAKUM_LAYER_MEMBER_QUEUE_H
#define OAKUM_LAYER_MEMBER_QUEUE_H

#include "layer/header_check.h"

/* A ring; all zeros is an empty one. Its owner frees items. */
struct member_queue {
	struct header_member *items;
	size_t room;
	size_t first;
	size_t count;
};

/* 0 or -ENOMEM. */
int member_queue_push(struct member_queue *queue, const struct header_member *member);

/* False when it is empty. */
bool member_queue_pop(struct member_queue *queue, struct header_member *member);

#endif
