/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/request_read.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "helper/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int bad(struct oakum_error *err, const char *key, const char *why)
{
	return fail_because(err, EPROTO, "read options", NULL, "%s: %s", key, why);
}

static int read_number(const json_t *value, const struct request_option *option, uint64_t *number,
	struct oakum_error *err)
{
	if (option->kind == REQUEST_U64 && json_is_string(value) &&
		strcmp(json_string_value(value), "none") == 0) {
		*number = UINT64_MAX;
		return 0;
	}
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return bad(err, option->key, "not a number");
	*number = (uint64_t)json_integer_value(value);
	if (*number > option->max)
		return bad(err, option->key, "out of range");
	return 0;
}

/* UTF-8 of code points up to U+00FF -> the bytes they stand for; in place, it only shrinks. */
static int fold_bytes(char *string)
{
	unsigned char *from = (unsigned char *)string;
	unsigned char *to = (unsigned char *)string;

	while (*from != '\0') {
		if (*from < 0x80) {
			*to++ = *from++;
		} else if (*from == 0xc2 || *from == 0xc3) {
			*to++ = (unsigned char)((*from & 0x03) << 6 | (from[1] & 0x3f));
			from += 2;
		} else {
			return -EPROTO;
		}
	}
	*to = '\0';
	return 0;
}

static int read_string(
	const json_t *value, const char *key, const char **string, struct oakum_error *err)
{
	const char *text = json_string_value(value);

	if (text == NULL || strlen(text) != json_string_length(value))
		return bad(err, key, "not a string");
	char *copy = strdup(text);
	if (copy == NULL)
		return fail(err, ENOMEM, "read options", NULL);
	*string = copy;
	if (fold_bytes(copy) < 0)
		return bad(err, key, "a code point over U+00FF is no byte");
	return 0;
}

static int read_strings(
	const json_t *value, const char *key, const char *const **strings, struct oakum_error *err)
{
	if (!json_is_array(value))
		return bad(err, key, "not a list");
	size_t count = json_array_size(value);
	const char **list = calloc(count + 1, sizeof(*list));
	if (list == NULL)
		return fail(err, ENOMEM, "read options", NULL);
	*strings = list;
	for (size_t i = 0; i < count; i++) {
		int r = read_string(json_array_get(value, i), key, &list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool read_id(const json_t *list, size_t at, uint32_t *id)
{
	const json_t *value = json_array_get(list, at);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > UINT32_MAX)
		return false;
	*id = (uint32_t)json_integer_value(value);
	return true;
}

/* No ranges at all are no map. */
static int read_ranges(const json_t *value, const char *key, const struct oakum_id_range **map,
	struct oakum_error *err)
{
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > REQUEST_RANGES_MAX)
		return bad(err, key, "not a list of ranges");
	if (count == 0)
		return 0;
	struct oakum_id_range *list = calloc(count + 1, sizeof(*list));
	if (list == NULL)
		return fail(err, ENOMEM, "read options", NULL);
	*map = list;
	for (size_t i = 0; i < count; i++) {
		const json_t *range = json_array_get(value, i);
		if (json_array_size(range) != 3 || !read_id(range, 0, &list[i].container) ||
			!read_id(range, 1, &list[i].host) || !read_id(range, 2, &list[i].count) ||
			list[i].count == 0)
			return bad(err, key, "not a range of ids");
	}
	return 0;
}

static int read_option(const json_t *value, const struct request_option *option,
	struct request *request, struct oakum_error *err)
{
	char *to = (char *)request + option->offset;
	uint64_t number = 0;
	int r;

	if (option->kind == REQUEST_STRINGS)
		return read_strings(value, option->key, (const char *const **)(void *)to, err);
	if (option->kind == REQUEST_DIGEST)
		return json_is_null(value)
			       ? 0
			       : read_string(value, option->key, (const char **)(void *)to, err);
	if (option->kind == REQUEST_RANGES)
		return read_ranges(
			value, option->key, (const struct oakum_id_range **)(void *)to, err);
	r = read_number(value, option, &number, err);
	if (r < 0)
		return r;
	if (option->kind == REQUEST_U64) {
		memcpy(to, &number, sizeof(number));
	} else {
		uint32_t narrow = (uint32_t)number;
		memcpy(to, &narrow, sizeof(narrow));
	}
	return 0;
}

static int read_head_number(
	const json_t *root, const char *key, uint32_t *number, struct oakum_error *err)
{
	const json_t *value = json_object_get(root, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > UINT32_MAX)
		return bad(err, key, "not a number");
	*number = (uint32_t)json_integer_value(value);
	return 0;
}

/* First of all: another version may have other keys. */
static int read_head(const json_t *root, struct request *request, struct oakum_error *err)
{
	int r = read_head_number(root, "version", &request->version, err);

	if (r == 0)
		r = request_check(request, err);
	if (r == 0)
		r = read_head_number(root, "operation", &request->operation, err);
	return r < 0 ? r : request_check(request, err);
}

int request_parse(const char *text, size_t length, struct request *request, struct oakum_error *err)
{
	json_error_t where;
	size_t known = 2;

	request_init(request);
	cleanup_json json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);

	if (root == NULL)
		return fail_because(err, EPROTO, "read options", NULL, "line %d, column %d: %s",
			where.line, where.column, where.text);
	if (!json_is_object(root))
		return bad(err, "options", "not an object");
	int r = read_head(root, request, err);
	if (r < 0)
		return r;
	for (const struct request_option *option = request_table(request->operation);
		option->key != NULL; option++) {
		const json_t *value = json_object_get(root, option->key);
		if (value == NULL)
			return bad(err, option->key, "missing");
		r = read_option(value, option, request, err);
		if (r < 0)
			return r;
		known++;
	}
	if (json_object_size(root) != known)
		return bad(err, "options", "there is a key that is not known");
	return request_check(request, err);
}

void request_free(struct request *request)
{
	for (size_t i = 0; request->exclude != NULL && request->exclude[i] != NULL; i++)
		free_const(request->exclude[i]);
	free_const(request->exclude);
	free_const(request->uid_map);
	free_const(request->gid_map);
	free_const(request->expect_digest);
	free_const(request->expect_diff_id);
	request->exclude = NULL;
	request->uid_map = NULL;
	request->gid_map = NULL;
	request->expect_digest = NULL;
	request->expect_diff_id = NULL;
}

int request_read(int fd, struct request *request, struct oakum_error *err)
{
	cleanup_free char *text = NULL;
	size_t length;

	request_init(request);
	int r = fd_read_all(fd, REQUEST_MAX_BYTES, &text, &length);

	if (r < 0)
		return fail_because(err, -r, "read options", NULL, "at most %d MiB are taken",
			REQUEST_MAX_BYTES >> 20);
	seed_json();
	return request_parse(text, length, request, err);
}
