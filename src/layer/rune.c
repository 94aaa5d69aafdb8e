/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/rune.h"

static size_t length_by_first(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

uint32_t rune_of(const char *text, size_t *length)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	const size_t wanted = length_by_first(byte[0]);
	uint32_t rune = wanted > 1 ? byte[0] & (0xffU >> (wanted + 1)) : byte[0];

	*length = 1;
	if (wanted == 0)
		return RUNE_ERROR;
	/* The NUL at the end is no continuation: nothing behind it is read. */
	for (size_t i = 1; i < wanted; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return RUNE_ERROR;
		rune = rune << 6 | (byte[i] & 0x3f);
	}
	if (rune < smallest[wanted] || rune > RUNE_MAX || (rune >= 0xd800 && rune < 0xe000))
		return RUNE_ERROR;
	*length = wanted;
	return rune;
}
