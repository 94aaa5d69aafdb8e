/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

#include <assert.h>
#include <string.h>

struct heap {
	char *items;
	size_t item_bytes;
	int (*compare)(const void *left, const void *right);
};

static char *item(const struct heap *heap, size_t at)
{
	return heap->items + at * heap->item_bytes;
}

static void swap(const struct heap *heap, size_t one, size_t other)
{
	char kept[SORT_ITEM_BYTES_MAX];

	memcpy(kept, item(heap, one), heap->item_bytes);
	memcpy(item(heap, one), item(heap, other), heap->item_bytes);
	memcpy(item(heap, other), kept, heap->item_bytes);
}

/* Lets the item at top sink until it is above smaller ones only. */
static void sink(const struct heap *heap, size_t top, size_t count)
{
	for (size_t child = 2 * top + 1; child < count; child = 2 * top + 1) {
		if (child + 1 < count &&
			heap->compare(item(heap, child), item(heap, child + 1)) < 0)
			child++;
		if (heap->compare(item(heap, top), item(heap, child)) >= 0)
			return;
		swap(heap, top, child);
		top = child;
	}
}

void sort_items(void *items, size_t count, size_t item_bytes,
	int (*compare)(const void *left, const void *right))
{
	const struct heap heap = { items, item_bytes, compare };

	assert(item_bytes <= SORT_ITEM_BYTES_MAX);
	for (size_t top = count / 2; top > 0; top--)
		sink(&heap, top - 1, count);
	while (count > 1) {
		swap(&heap, 0, --count);
		sink(&heap, 0, count);
	}
}
