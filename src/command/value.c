/* SPDX-License-Identifier: Apache-2.0 */
#include "command/value.h"

#include <stddef.h>
#include <string.h>

bool value_number(const char *text, size_t length, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (*number > (UINT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return length > 0;
}

bool value_limit(const char *text, uint64_t *limit)
{
	static const char units[] = "KMGT";
	size_t length = strlen(text);
	const char *unit = length > 1 ? strchr(units, text[length - 1]) : NULL;
	unsigned int shift = 0;

	if (strcmp(text, "none") == 0) {
		*limit = UINT64_MAX;
		return true;
	}
	if (unit != NULL && *unit != '\0') {
		shift = 10 * (unsigned int)(unit - units + 1);
		length--;
	}
	if (!value_number(text, length, limit) || *limit == 0 || *limit > UINT64_MAX >> shift)
		return false;
	*limit <<= shift;
	return true;
}

/* The number up to the byte stop, which is left behind. */
static bool take_id(const char **text, char stop, uint32_t *id)
{
	size_t length = strcspn(*text, ":");
	uint64_t number;

	if (!value_number(*text, length, &number) || number >= UINT32_MAX ||
		(*text)[length] != stop)
		return false;
	*id = (uint32_t)number;
	*text += length + (stop != '\0');
	return true;
}

bool value_owner(const char *text, uint32_t *uid, uint32_t *gid)
{
	return take_id(&text, ':', uid) && take_id(&text, '\0', gid);
}

bool value_range(const char *text, struct oakum_id_range *range)
{
	return take_id(&text, ':', &range->container) && take_id(&text, ':', &range->host) &&
	       take_id(&text, '\0', &range->count) && range->count > 0;
}
