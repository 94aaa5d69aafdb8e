/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/number.h"

/* Big-endian two's complement; the first byte has the marker in its top bit, the sign in the next.
 */
static bool base_256(const unsigned char *field, size_t length, int64_t *number)
{
	bool is_negative = (field[0] & 0x40) != 0;
	uint64_t value = is_negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = field[i];
		if (i == 0)
			byte = is_negative ? byte | 0x80 : byte & 0x7f;
		/* What is pushed out must be nothing but sign. */
		if (value >> 55 != (is_negative ? UINT64_MAX >> 55 : 0))
			return false;
		value = value << 8 | byte;
	}
	*number = (int64_t)value;
	return true;
}

bool number_of_field(const char *field, size_t length, int64_t *number)
{
	uint64_t value = 0;
	size_t at = 0;

	if (((unsigned char)field[0] & 0x80) != 0)
		return base_256((const unsigned char *)field, length, number);
	while (at < length && field[at] == ' ')
		at++;
	for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) {
		if (value > INT64_MAX >> 3)
			return false;
		value = value << 3 | (uint64_t)(field[at] - '0');
	}
	for (; at < length; at++) {
		if (field[at] != ' ' && field[at] != '\0')
			return false;
	}
	*number = (int64_t)value;
	return true;
}

bool number_of_decimal(const char *text, size_t length, uint64_t *number)
{
	uint64_t value = 0;

	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

bool number_of_time(const char *text, size_t length, int64_t *seconds, uint32_t *nanoseconds)
{
	bool is_negative = length > 0 && text[0] == '-';
	size_t at = is_negative;
	size_t start = at;
	uint32_t fraction = 0;
	uint32_t unit = 100000000;
	bool has_rest = false;
	uint64_t whole;

	while (at < length && text[at] != '.')
		at++;
	if (!number_of_decimal(text + start, at - start, &whole) || whole > INT64_MAX)
		return false;
	for (at += at < length; at < length; at++) {
		if (text[at] < '0' || text[at] > '9')
			return false;
		fraction += unit * (uint32_t)(text[at] - '0');
		has_rest |= unit == 0 && text[at] != '0';
		unit /= 10;
	}
	*seconds = (int64_t)whole;
	*nanoseconds = fraction;
	if (!is_negative)
		return true;
	/* Down, not towards zero: -(w + f) = -(w + 1) + (1 - f). */
	fraction += has_rest;
	*seconds = -(int64_t)whole - (fraction > 0);
	*nanoseconds = fraction > 0 ? 1000000000 - fraction : 0;
	return true;
}
