/* SPDX-License-Identifier: Apache-2.0 */
/* request -> JSON, in a few lines of our own, so that the library depends on libc alone. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "wire/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Grows up to REQUEST_MAX_BYTES; the first failure sticks, so that callers check once. */
struct text {
	char *bytes;
	size_t length;
	size_t room;
	int code;
};

static bool text_reserve(struct text *text, size_t more)
{
	size_t need = text->length + more + 1;

	if (text->code != 0)
		return false;
	if (need > REQUEST_MAX_BYTES) {
		text->code = EFBIG;
		return false;
	}
	if (need > text->room) {
		size_t room = need * 2;
		char *larger = realloc(text->bytes, room);
		if (larger == NULL) {
			text->code = ENOMEM;
			return false;
		}
		text->bytes = larger;
		text->room = room;
	}
	return true;
}

static void text_add_bytes(struct text *text, const char *added, size_t length)
{
	if (!text_reserve(text, length))
		return;
	memcpy(text->bytes + text->length, added, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

static void text_add(struct text *text, const char *added)
{
	text_add_bytes(text, added, strlen(added));
}

/* A byte string: ASCII as it is, every other byte as the code point of its value. */
static void text_add_string(struct text *text, const char *string)
{
	text_add(text, "\"");
	while (*string != '\0') {
		const size_t plain = json_plain_length(string);
		text_add_bytes(text, string, plain);
		string += plain;
		if (*string != '\0') {
			char spelt[JSON_SPELT_BYTES];
			json_spell_unit((unsigned char)*string++, spelt);
			text_add(text, spelt);
		}
	}
	text_add(text, "\"");
}

static void text_add_strings(struct text *text, const char *const *list)
{
	text_add(text, "[");
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		if (i > 0)
			text_add(text, ",");
		text_add_string(text, list[i]);
	}
	text_add(text, "]");
}

/* JSON readers take signed 64-bit integers: what is larger means "none" anyway. */
static void text_add_number(struct text *text, uint64_t number)
{
	char digits[24];

	if (number > INT64_MAX) {
		text_add(text, "\"none\"");
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	text_add(text, digits);
}

static void text_add_ranges(struct text *text, const struct oakum_id_range *map)
{
	char range[64];

	text_add(text, "[");
	for (size_t i = 0; map != NULL && map[i].count > 0; i++) {
		snprintf(range, sizeof(range), "%s[%" PRIu32 ",%" PRIu32 ",%" PRIu32 "]",
			i > 0 ? "," : "", map[i].container, map[i].host, map[i].count);
		text_add(text, range);
	}
	text_add(text, "]");
}

static void text_add_digest(struct text *text, const char *digest)
{
	if (digest == NULL)
		text_add(text, "null");
	else
		text_add_string(text, digest);
}

static void text_add_option(
	struct text *text, const struct request_option *option, const struct request *request)
{
	const char *from = (const char *)request + option->offset;

	text_add(text, ",\"");
	text_add(text, option->key);
	text_add(text, "\":");
	switch (option->kind) {
	case REQUEST_U32:
		text_add_number(text, *(const uint32_t *)from);
		return;
	case REQUEST_U64:
		text_add_number(text, *(const uint64_t *)from);
		return;
	case REQUEST_STRINGS:
		text_add_strings(text, *(const char *const *const *)from);
		return;
	case REQUEST_DIGEST:
		text_add_digest(text, *(const char *const *)from);
		return;
	case REQUEST_RANGES:
		text_add_ranges(text, *(const struct oakum_id_range *const *)from);
		return;
	}
	__builtin_unreachable();
}

int request_write(
	const struct request *request, char **text, size_t *length, struct oakum_error *err)
{
	struct text json = { 0 };

	text_add(&json, "{\"version\":");
	text_add_number(&json, request->version);
	text_add(&json, ",\"operation\":");
	text_add_number(&json, request->operation);
	for (const struct request_option *option = request_table(request->operation);
		option->key != NULL; option++)
		text_add_option(&json, option, request);
	text_add(&json, "}\n");
	if (json.code != 0) {
		free(json.bytes);
		return fail_because(err, json.code, "write options", NULL,
			"all options together may take %d MiB", REQUEST_MAX_BYTES >> 20);
	}
	*text = json.bytes;
	*length = json.length;
	return 0;
}
