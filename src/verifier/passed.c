/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/passed.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* A part of a path that ends with a component, and its key: that of the part before, and a name. */
struct part {
	size_t end;
	uint64_t key;
};

/* The one after it; false when there is none. */
static bool go_on(const struct passed *passed, const char *path, size_t length, struct part *part)
{
	size_t start = part->end == 0 ? 0 : part->end + 1;
	size_t end = start;

	if (part->end >= length)
		return false;
	while (end < length && path[end] != '/')
		end++;
	part->key = key_below(&passed->secret, part->key, path + start, end - start);
	part->end = end;
	return true;
}

int passed_init(struct passed *passed)
{
	*passed = (struct passed){ .now = 1 };
	return key_make_secret(&passed->secret);
}

void passed_free(struct passed *passed)
{
	moments_free(&passed->seen);
	moments_free(&passed->renewed);
}

size_t passed_length(const struct passed *passed, const char *path, size_t length)
{
	struct part part = { 0 };
	uint64_t renewed = 0;
	size_t known = 0;

	while (go_on(passed, path, length, &part)) {
		const uint64_t of_part = moments_last(&passed->renewed, part.key);
		const uint64_t seen = moments_last(&passed->seen, part.key);
		if (of_part > renewed)
			renewed = of_part;
		if (seen == 0 || seen < renewed)
			break;
		known = part.end;
	}
	return known;
}

int passed_add(struct passed *passed, const char *path, size_t length)
{
	struct part part = { 0 };

	while (go_on(passed, path, length, &part)) {
		int r = moments_watch(&passed->seen, part.key);
		if (r < 0)
			return r;
		moments_note(&passed->seen, part.key, passed->now);
	}
	return passed->seen.count > MOMENTS_MAX ? -EFBIG : 0;
}

int passed_renew(struct passed *passed, const char *path)
{
	const size_t length = strlen(path);
	struct part part = { 0 };

	while (go_on(passed, path, length, &part))
		continue;
	if (moments_watch(&passed->renewed, part.key) < 0)
		return -ENOMEM;
	moments_note(&passed->renewed, part.key, ++passed->now);
	return 0;
}

void passed_forget(struct passed *passed)
{
	moments_free(&passed->seen);
}
