/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/prefixes.h"
#include "layer/text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Sorted bytewise, and none starts with another: then of all that are not after
 * a name only the last can be its start.
 */
struct prefixes {
	size_t count;
	const char *strings[];
};

static int compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void drop_longer(struct prefixes *prefixes)
{
	size_t kept = 0;

	for (size_t i = 0; i < prefixes->count; i++) {
		const char *string = prefixes->strings[i];
		if (kept == 0 || !string_starts_with(string, prefixes->strings[kept - 1]))
			prefixes->strings[kept++] = string;
	}
	prefixes->count = kept;
}

struct prefixes *prefixes_new(const char *const *list)
{
	size_t count = 0;

	while (list != NULL && list[count] != NULL)
		count++;
	struct prefixes *prefixes =
		malloc(sizeof(*prefixes) + (count + 1) * sizeof(prefixes->strings[0]));
	if (prefixes == NULL)
		return NULL;
	prefixes->count = count;
	for (size_t i = 0; i < count; i++)
		prefixes->strings[i] = list[i];
	qsort(prefixes->strings, count, sizeof(prefixes->strings[0]), compare);
	drop_longer(prefixes);
	return prefixes;
}

void prefixes_free(struct prefixes *prefixes)
{
	free(prefixes);
}

bool prefixes_match(const struct prefixes *prefixes, const char *name)
{
	size_t low = 0;
	size_t high = prefixes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(prefixes->strings[middle], name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && string_starts_with(name, prefixes->strings[low - 1]);
}
