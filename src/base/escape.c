/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_plain(char byte)
{
	return byte >= ' ' && byte < 0x7f && byte != '\\';
}

size_t escape_plain_length(const char *text)
{
	size_t length = 0;

	while (is_plain(text[length]))
		length++;
	return length;
}

void escape_byte(unsigned char byte, char spelt[ESCAPED_BYTE_BYTES])
{
	switch (byte) {
	case '\n':
		memcpy(spelt, "\\n", sizeof("\\n"));
		return;
	case '\t':
		memcpy(spelt, "\\t", sizeof("\\t"));
		return;
	case '\\':
		memcpy(spelt, "\\\\", sizeof("\\\\"));
		return;
	default:
		snprintf(spelt, ESCAPED_BYTE_BYTES, "\\x%02x", byte);
		return;
	}
}

static void append(char *buffer, size_t buffer_bytes, size_t *length, const char *added)
{
	const size_t bytes = strlen(added);

	if (*length + bytes < buffer_bytes)
		memcpy(buffer + *length, added, bytes + 1);
	else if (*length < buffer_bytes)
		buffer[*length] = '\0';
	*length += bytes;
}

/* An escape is kept whole or left out: half of one would read as something else. */
void escape_append(char *buffer, size_t buffer_bytes, size_t *length, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		char spelt[ESCAPED_BYTE_BYTES] = { *at, '\0' };
		if (!is_plain(*at))
			escape_byte((unsigned char)*at, spelt);
		append(buffer, buffer_bytes, length, spelt);
	}
}
