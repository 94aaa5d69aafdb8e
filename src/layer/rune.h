/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of UTF-8, as Go takes them from a string. */
#ifndef OAKUM_LAYER_RUNE_H
#define OAKUM_LAYER_RUNE_H

#include <stddef.h>
#include <stdint.h>

enum {
	RUNE_MAX = 0x10ffff,
	RUNE_ERROR = 0xfffd,
};

/*
 * The first character of a text that is not empty, and how many bytes it has:
 * RUNE_ERROR and 1 where it is no UTF-8.
 */
uint32_t rune_of(const char *text, size_t *length);

#endif
