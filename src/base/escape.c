/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <stdio.h>
#include <string.h>

static void spell(unsigned char byte, char *to, size_t to_bytes)
{
	switch (byte) {
	case '\n':
		snprintf(to, to_bytes, "\\n");
		return;
	case '\t':
		snprintf(to, to_bytes, "\\t");
		return;
	case '\\':
		snprintf(to, to_bytes, "\\\\");
		return;
	default:
		snprintf(to, to_bytes, byte < ' ' || byte >= 0x7f ? "\\x%02x" : "%c", byte);
		return;
	}
}

/* An escape is kept whole or left out: half of one would read as something else. */
void escape_append(char *buffer, size_t buffer_bytes, size_t *length, const char *text)
{
	for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
		char spelt[8];
		spell(*byte, spelt, sizeof(spelt));
		size_t added = strlen(spelt);
		if (*length + added < buffer_bytes)
			memcpy(buffer + *length, spelt, added + 1);
		else if (*length < buffer_bytes)
			buffer[*length] = '\0';
		*length += added;
	}
}
