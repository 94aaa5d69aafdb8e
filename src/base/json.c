/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum {
	REPLACEMENT = 0xfffd,
	PADDING = 64,	       /* of base64: its letter behind the others */
	LINE_BYTES = 12 << 10, /* an error, with a name of 2 KiB and every byte of it escaped */
};

static bool is_plain(char byte)
{
	return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

size_t json_plain_length(const char *text)
{
	size_t length = 0;

	while (is_plain(text[length]))
		length++;
	return length;
}

void json_spell_unit(unsigned int unit, char spelt[JSON_SPELT_BYTES])
{
	snprintf(spelt, JSON_SPELT_BYTES, "\\u%04x", unit & 0xffff);
}

/* The code point that text begins with, and its bytes; 0 if that is no UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *text, unsigned int *point)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = 1;

	*point = text[0];
	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc0 && text[0] < 0xf8)
		length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	*point = text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (text[i] & 0x3f);
	}
	if (length == 1 || *point < least[length] || *point > 0x10ffff ||
		(*point >= 0xd800 && *point < 0xe000))
		return 0;
	return length;
}

size_t json_spell(const char *text, char spelt[JSON_SPELT_BYTES], bool *is_text)
{
	unsigned int point;
	size_t length = decode((const unsigned char *)text, &point);

	if (length == 0) {
		*is_text = false;
		json_spell_unit(REPLACEMENT, spelt);
		return 1;
	}
	if (point >= 0x10000)
		snprintf(spelt, JSON_SPELT_BYTES, "\\u%04x\\u%04x",
			0xd800 + ((point - 0x10000) >> 10 & 0x3ff), 0xdc00 + (point & 0x3ff));
	else if (is_plain(*text))
		snprintf(spelt, JSON_SPELT_BYTES, "%c", *text);
	else
		json_spell_unit(point, spelt);
	return length;
}

/* --- a line --- */

void json_begin_line(struct json *json, struct sink *sink)
{
	*json = (struct json){ .sink = sink, .before = "" };
	json_begin_object(json);
}

void json_end_line(struct json *json)
{
	json_end_object(json);
	sink_add_text(json->sink, "\n");
}

static void add_key(struct json *json, const char *key)
{
	sink_add_text(json->sink, json->before);
	sink_add_text(json->sink, "\"");
	sink_add_text(json->sink, key);
	sink_add_text(json->sink, "\":");
	json->before = ",";
}

void json_begin_list(struct json *json, const char *key)
{
	add_key(json, key);
	sink_add_text(json->sink, "[");
	json->before = "";
}

void json_end_list(struct json *json)
{
	sink_add_text(json->sink, "]");
	json->before = ",";
}

void json_begin_object(struct json *json)
{
	sink_add_text(json->sink, json->before);
	sink_add_text(json->sink, "{");
	json->before = "";
}

void json_end_object(struct json *json)
{
	sink_add_text(json->sink, "}");
	json->before = ",";
}

void json_add_number(struct json *json, const char *key, uint64_t number)
{
	add_key(json, key);
	sink_add_number(json->sink, number);
}

void json_add_signed(struct json *json, const char *key, int64_t number)
{
	add_key(json, key);
	if (number < 0)
		sink_add_text(json->sink, "-");
	sink_add_number(json->sink, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static void add_base64(struct sink *sink, const unsigned char *bytes, size_t length)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

	for (size_t at = 0; at < length; at += 3) {
		const size_t left = length - at;
		const unsigned int bits = (unsigned int)bytes[at] << 16 |
					  (left > 1 ? (unsigned int)bytes[at + 1] << 8 : 0) |
					  (left > 2 ? bytes[at + 2] : 0);
		const char four[] = {
			letters[bits >> 18],
			letters[bits >> 12 & 0x3f],
			letters[left > 1 ? bits >> 6 & 0x3f : PADDING],
			letters[left > 2 ? bits & 0x3f : PADDING],
		};
		sink_add(sink, four, sizeof(four));
	}
}

static void add_base64_value(struct json *json, const void *bytes, size_t length)
{
	sink_add_text(json->sink, "\"");
	add_base64(json->sink, bytes, length);
	sink_add_text(json->sink, "\"");
}

void json_add_bytes(struct json *json, const char *key, const void *bytes, size_t length)
{
	add_key(json, key);
	add_base64_value(json, bytes, length);
}

/* False if it is no UTF-8. */
static bool add_string(struct sink *sink, const char *text)
{
	bool is_text = true;

	sink_add_text(sink, "\"");
	while (*text != '\0') {
		char spelt[JSON_SPELT_BYTES];
		const size_t plain = json_plain_length(text);
		sink_add(sink, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		text += json_spell(text, spelt, &is_text);
		sink_add_text(sink, spelt);
	}
	sink_add_text(sink, "\"");
	return is_text;
}

void json_add_text(struct json *json, const char *key, const char *text)
{
	add_key(json, key);
	if (add_string(json->sink, text))
		return;
	sink_add_text(json->sink, ",\"");
	sink_add_text(json->sink, key);
	sink_add_text(json->sink, "_bytes\":");
	add_base64_value(json, text, strlen(text));
}

void json_add_error(struct json *json, const struct oakum_error *err)
{
	const char *name = strerrorname_np(err->code);
	char line[LINE_BYTES];

	error_format(err, line, sizeof(line));
	json_add_text(json, "name", err->entry);
	json_add_text(json, "stage", stage_name(err->stage));
	json_add_text(json, "operation", err->op);
	json_add_text(json, "errno", name == NULL ? "unknown" : name);
	json_add_text(json, "detail", err->detail);
	json_add_text(json, "message", line);
}
