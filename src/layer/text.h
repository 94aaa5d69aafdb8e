/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes with a length, as they stand in somebody's buffer: compared, and
 * searched for doubles. */
#ifndef OAKUM_LAYER_TEXT_H
#define OAKUM_LAYER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	const char *bytes;
	size_t length;
};

bool text_is(const struct text *text, const char *string);
bool text_starts_with(const struct text *text, const char *start);
bool text_has_nul(const struct text *text);

/* The same of a terminated string. */
bool string_starts_with(const char *string, const char *start);

/*
 * One that is there twice, or NULL. Sorts texts, in place and never quadratic:
 * an attacker chooses them.
 */
const struct text *text_find_double(struct text *texts, size_t count);

#endif
