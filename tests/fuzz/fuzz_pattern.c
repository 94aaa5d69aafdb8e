/* SPDX-License-Identifier: Apache-2.0 */
/* Exclude patterns and the regular expressions they become: the first byte says how long the
 * pattern is, the rest is the path. */
#include "layer/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	if (text == NULL)
		abort();
	memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct patterns *patterns;
	struct oakum_error err;

	if (size < 1)
		return 0;
	size_t length = data[0] < size - 1 ? data[0] : size - 1;
	char *pattern = text_of(data + 1, length);
	char *path = text_of(data + 1 + length, size - 1 - length);
	const char *const list[] = { pattern, NULL };
	if (patterns_new(list, &patterns, &err) == 0) {
		int r = patterns_exclude(patterns, path);
		if (r != patterns_exclude(patterns, path))
			abort();
		(void)patterns_may_except_below(patterns, path);
		patterns_free(patterns);
	}
	free(path);
	free(pattern);
	return 0;
}
