/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/text.h"

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
static int compare(const struct text *left, const struct text *right)
{
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->bytes, right->bytes, left->length);
}

static void swap(struct text *left, struct text *right)
{
	struct text kept = *left;

	*left = *right;
	*right = kept;
}

/* Lets texts[root] sink until it is above smaller ones only. */
static void sink(struct text *texts, size_t root, size_t count)
{
	while (2 * root + 1 < count) {
		size_t child = 2 * root + 1;
		if (child + 1 < count && compare(&texts[child], &texts[child + 1]) < 0)
			child++;
		if (compare(&texts[root], &texts[child]) >= 0)
			return;
		swap(&texts[root], &texts[child]);
		root = child;
	}
}

const struct text *text_find_double(struct text *texts, size_t count)
{
	for (size_t root = count / 2; root-- > 0;)
		sink(texts, root, count);
	for (size_t left = count; left > 1;) {
		swap(&texts[0], &texts[--left]);
		sink(texts, 0, left);
	}
	for (size_t i = 1; i < count; i++) {
		if (compare(&texts[i - 1], &texts[i]) == 0)
			return &texts[i];
	}
	return NULL;
}
