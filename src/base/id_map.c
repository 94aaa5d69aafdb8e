/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id_map.h"

#include <stdlib.h>
#include <string.h>

static bool take_number(const char **text, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(*text, &end, 10);

	if (end == *text || value > UINT32_MAX)
		return false;
	*text = end;
	*number = (uint32_t)value;
	return true;
}

bool id_map_next(const char **text, struct oakum_id_range *range)
{
	if (!take_number(text, &range->container) || !take_number(text, &range->host) ||
		!take_number(text, &range->count))
		return false;
	*text += strcspn(*text, "\n");
	*text += **text == '\n';
	return true;
}
