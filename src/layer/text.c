/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/text.h"

#include "base/sort.h"

#include <string.h>

bool text_is(const struct text *text, const char *string)
{
	return strlen(string) == text->length && memcmp(text->bytes, string, text->length) == 0;
}

bool text_starts_with(const struct text *text, const char *start)
{
	size_t length = strlen(start);

	return text->length >= length && memcmp(text->bytes, start, length) == 0;
}

bool string_starts_with(const char *string, const char *start)
{
	return strncmp(string, start, strlen(start)) == 0;
}

bool text_has_nul(const struct text *text)
{
	return memchr(text->bytes, '\0', text->length) != NULL;
}

/* Any total order will do: lengths first is the cheapest. */
static int compare(const void *left, const void *right)
{
	const struct text *one = left;
	const struct text *other = right;

	if (one->length != other->length)
		return one->length < other->length ? -1 : 1;
	return memcmp(one->bytes, other->bytes, one->length);
}

const struct text *text_find_double(struct text *texts, size_t count)
{
	sort_items(texts, count, sizeof(*texts), compare);
	for (size_t i = 1; i < count; i++) {
		if (compare(&texts[i - 1], &texts[i]) == 0)
			return &texts[i];
	}
	return NULL;
}
