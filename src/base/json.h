/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as we write it: ASCII alone, an object a line. It is read elsewhere. */
#ifndef OAKUM_BASE_JSON_H
#define OAKUM_BASE_JSON_H

#include "base/sink.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_SPELT_BYTES = 13 }; /* two \uXXXX and a NUL */

/* How many bytes stand in a string as they are. */
size_t json_plain_length(const char *text);

/* "\uXXXX" */
void json_spell_unit(unsigned int unit, char spelt[JSON_SPELT_BYTES]);

/*
 * Spells the character of UTF-8 that text, which is not empty, begins with; how many bytes it
 * has. A byte that begins none is U+FFFD, and *is_text false.
 */
size_t json_spell(const char *text, char spelt[JSON_SPELT_BYTES], bool *is_text);

/* What is being written. */
struct json {
	struct sink *sink;  /* borrowed */
	const char *before; /* what the next value needs in front of it */
};

/* One object a line: from its "{" to its "}" and the end of the line. */
void json_begin_line(struct json *json, struct sink *sink);
void json_end_line(struct json *json);

/* A list of objects in it. */
void json_begin_list(struct json *json, const char *key);
void json_end_list(struct json *json);
void json_begin_object(struct json *json);
void json_end_object(struct json *json);

void json_add_number(struct json *json, const char *key, uint64_t number);
void json_add_signed(struct json *json, const char *key, int64_t number);

/* Bytes in base64. */
void json_add_bytes(struct json *json, const char *key, const void *bytes, size_t length);

/*
 * Untrusted text: where it is no UTF-8, U+FFFD stands for each byte that is none, and
 * KEY_bytes has all of them in base64.
 */
void json_add_text(struct json *json, const char *key, const char *text);

/* An error, as the keys name, stage, operation, errno, detail and message. */
void json_add_error(struct json *json, const struct oakum_error *err);

#endif
