/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as tar headers spell them. */
#ifndef OAKUM_LAYER_NUMBER_H
#define OAKUM_LAYER_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A field of a header: octal digits with spaces before and spaces or NULs after
 * (POSIX ustar), or base-256 with the top bit set (GNU). An empty field is 0.
 * False for anything else, and for what does not fit.
 */
bool number_of_field(const char *field, size_t length, int64_t *number);

/* A decimal of a pax record: digits and nothing else; false when it does not fit. */
bool number_of_decimal(const char *text, size_t length, uint64_t *number);

/*
 * A time of a pax record: sign, digits, fraction of any length. Rounded down to
 * nanoseconds, so that -1.5 is second -2 and 500,000,000 ns.
 */
bool number_of_time(const char *text, size_t length, int64_t *seconds, uint32_t *nanoseconds);

#endif
