/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "sha256:";

enum {
	PREFIX_LENGTH = sizeof(prefix) - 1,
	DIGITS = 2 * DIGEST_SHA256_BYTES,
};
_Static_assert(PREFIX_LENGTH + DIGITS + 1 == DIGEST_TEXT_BYTES, "that is all of it");

static bool is_digit(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

bool digest_is_good(const char *text)
{
	if (strncmp(text, prefix, PREFIX_LENGTH) != 0)
		return false;
	for (int i = 0; i < DIGITS; i++) {
		if (!is_digit(text[PREFIX_LENGTH + i]))
			return false;
	}
	return text[PREFIX_LENGTH + DIGITS] == '\0';
}

void digest_format(const unsigned char sha256[DIGEST_SHA256_BYTES], char text[DIGEST_TEXT_BYTES])
{
	memcpy(text, prefix, PREFIX_LENGTH);
	for (size_t i = 0; i < DIGEST_SHA256_BYTES; i++)
		snprintf(text + PREFIX_LENGTH + 2 * i, 3, "%02x", sha256[i]);
}
