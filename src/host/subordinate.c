/* SPDX-License-Identifier: Apache-2.0 */
#include "host/subordinate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A field of a line: up to the next colon, or the end of the line. */
struct field {
	const char *bytes;
	size_t length;
};

static struct field take_field(const char **at)
{
	struct field field = { *at, strcspn(*at, ":\n") };

	*at += field.length;
	*at += **at == ':';
	return field;
}

static void skip_line(const char **at)
{
	*at += strcspn(*at, "\n");
	*at += **at == '\n';
}

static bool is_text(struct field field, const char *text)
{
	return field.length == strlen(text) && memcmp(field.bytes, text, field.length) == 0;
}

/* Decimal digits and nothing else, of a number that an id can be. */
static bool is_number(struct field field, uint32_t *number)
{
	uint64_t value = 0;

	if (field.length == 0)
		return false;
	for (size_t i = 0; i < field.length; i++) {
		if (field.bytes[i] < '0' || field.bytes[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(field.bytes[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*number = (uint32_t)value;
	return true;
}

void subordinate_user_name(const char *passwd, uint32_t uid, char name[SUBORDINATE_NAME_BYTES])
{
	name[0] = '\0';
	for (const char *at = passwd; *at != '\0'; skip_line(&at)) {
		struct field user = take_field(&at);
		uint32_t number;
		(void)take_field(&at); /* the password */
		if (!is_number(take_field(&at), &number) || number != uid || user.length == 0 ||
			user.length >= SUBORDINATE_NAME_BYTES)
			continue;
		memcpy(name, user.bytes, user.length);
		name[user.length] = '\0';
		return;
	}
}

static bool is_of(struct field owner, const struct subordinate_user *user)
{
	uint32_t number;

	if (*user->name != '\0' && is_text(owner, user->name))
		return true;
	return is_number(owner, &number) && number == user->uid;
}

/* A range that leaves no room for its ids, here or there, is none. */
static bool fits(const struct oakum_id_range *range)
{
	return range->count > 0 && range->count <= UINT32_MAX - range->container &&
	       range->count <= UINT32_MAX - range->host;
}

size_t subordinate_ranges(const char *text, const struct subordinate_user *user, uint32_t first,
	struct oakum_id_range *ranges, size_t max)
{
	size_t count = 0;

	for (const char *at = text; *at != '\0' && count < max; skip_line(&at)) {
		struct oakum_id_range range = { .container = first };
		struct field owner = take_field(&at);
		if (!is_of(owner, user) || !is_number(take_field(&at), &range.host) ||
			!is_number(take_field(&at), &range.count) || !fits(&range))
			continue;
		ranges[count++] = range;
		first += range.count;
	}
	return count;
}
