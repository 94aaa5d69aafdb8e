/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/sort.h"

#include <string.h>

/* Of a heap whose largest name is on top, all but the top are in order. */
static void sink(const char **names, size_t top, size_t count)
{
	const char *sinking = names[top];

	for (size_t child = 2 * top + 1; child < count; child = 2 * top + 1) {
		if (child + 1 < count && strcmp(names[child], names[child + 1]) < 0)
			child++;
		if (strcmp(sinking, names[child]) >= 0)
			break;
		names[top] = names[child];
		top = child;
	}
	names[top] = sinking;
}

void sort_names(const char **names, size_t count)
{
	for (size_t top = count / 2; top > 0; top--)
		sink(names, top - 1, count);
	while (count > 1) {
		const char *last = names[--count];
		names[count] = names[0];
		names[0] = last;
		sink(names, 0, count);
	}
}
