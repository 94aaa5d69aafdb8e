/* SPDX-License-Identifier: Apache-2.0 */
/* The values of options as people type them. Pure. */
#ifndef OAKUM_COMMAND_VALUE_H
#define OAKUM_COMMAND_VALUE_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each is false for what is no such value; the result is then of no use. */

/* Decimal digits and nothing else. */
bool value_number(const char *text, size_t length, uint64_t *number);

/* A number above 0 with K, M, G or T (of 1024) behind it, or "none". */
bool value_limit(const char *text, uint64_t *limit);

/* "UID:GID". */
bool value_owner(const char *text, uint32_t *uid, uint32_t *gid);

/* "CONTAINER:HOST:COUNT". */
bool value_range(const char *text, struct oakum_id_range *range);

#endif
