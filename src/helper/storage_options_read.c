/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/storage_options_read.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "helper/json.h"
#include "layer/go_text.h"
#include "wire/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int bad(struct oakum_error *err, const char *key, const char *why)
{
	return fail_because(err, EPROTO, "", NULL, "read options: %s: %s", key, why);
}

/* --- values, each into its field; null leaves it as it is --- */

struct field {
	const char *key;
	int (*read)(json_t *value, const char *key, void *to, struct oakum_error *err);
	size_t offset;
};

static int read_fields(json_t *object, const struct field *fields, const char *what, void *to,
	struct oakum_error *err);

static int read_bool(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	if (!json_is_boolean(value))
		return bad(err, key, "not a bool");
	*(bool *)to = json_is_true(value);
	return 0;
}

static int read_integer(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	if (!json_is_integer(value))
		return bad(err, key, "not an integer");
	*(int64_t *)to = json_integer_value(value);
	return 0;
}

static bool has_nul(const json_t *value)
{
	return json_is_string(value) &&
	       strlen(json_string_value(value)) != json_string_length(value);
}

/* A string with a NUL is left out: no name starts with it, or matches it. */
static int read_strings(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	const char ***list = to;
	size_t kept = 0;

	if (!json_is_array(value))
		return bad(err, key, "not a list");
	const size_t count = json_array_size(value);
	for (size_t i = 0; *list != NULL && (*list)[i] != NULL; i++)
		free_const((*list)[i]);
	free(*list);
	*list = calloc(count + 1, sizeof(**list));
	if (*list == NULL)
		return fail(err, ENOMEM, "read options", NULL);
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);
		const char *string = json_is_null(item) ? "" : json_string_value(item);
		if (string == NULL)
			return bad(err, key, "not a list of strings");
		if (has_nul(item))
			continue;
		(*list)[kept] = strdup(string);
		if ((*list)[kept++] == NULL)
			return fail(err, ENOMEM, "read options", NULL);
	}
	return 0;
}

/* To leave one out would widen what is asked for: of no names at all everything is packed. */
static int read_names(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (has_nul(json_array_get(value, i)))
			return bad(err, key, "a name with a NUL");
	}
	return read_strings(value, key, to, err);
}

static int read_map(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	static const struct field fields[] = {
		{ "container_id", read_integer, offsetof(struct idmap_range, container_id) },
		{ "host_id", read_integer, offsetof(struct idmap_range, host_id) },
		{ "size", read_integer, offsetof(struct idmap_range, size) },
		{ NULL, NULL, 0 },
	};
	struct idmap *map = to;

	if (!json_is_array(value))
		return bad(err, key, "not a list");
	const size_t count = json_array_size(value);
	struct idmap_range *ranges = calloc(count + 1, sizeof(*ranges));
	if (ranges == NULL)
		return fail(err, ENOMEM, "read options", NULL);
	free_const(map->ranges);
	*map = (struct idmap){ .is_given = true, .ranges = ranges, .count = count };
	for (size_t i = 0; i < count; i++) {
		int r = read_fields(json_array_get(value, i), fields, key, &ranges[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_chown(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	static const struct field fields[] = {
		{ "UID", read_integer, offsetof(struct storage_options, chown_uid) },
		{ "GID", read_integer, offsetof(struct storage_options, chown_gid) },
		{ NULL, NULL, 0 },
	};
	struct storage_options *options = to;

	options->has_chown = true;
	return read_fields(value, fields, key, options, err);
}

static int read_renames(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	struct storage_options *options = to;
	size_t kept = 0;
	const char *from;
	json_t *name;

	if (!json_is_object(value))
		return bad(err, key, "not an object");
	struct storage_rename *renames = calloc(json_object_size(value) + 1, sizeof(*renames));
	if (renames == NULL)
		return fail(err, ENOMEM, "read options", NULL);
	for (size_t i = 0; options->renames != NULL && options->renames[i].from != NULL; i++) {
		free_const(options->renames[i].from);
		free_const(options->renames[i].to);
	}
	free_const(options->renames);
	options->renames = renames;
	json_object_foreach(value, from, name)
	{
		const char *string = json_is_null(name) ? "" : json_string_value(name);
		if (string == NULL)
			return bad(err, key, "not an object of strings");
		if (has_nul(name))
			return bad(err, key, "a name with a NUL");
		renames[kept].to = strdup(string);
		if (renames[kept].to == NULL)
			return fail(err, ENOMEM, "read options", NULL);
		renames[kept].from = strdup(from);
		if (renames[kept++].from == NULL)
			return fail(err, ENOMEM, "read options", NULL);
	}
	return 0;
}

/* Go's os.FileMode has its own bits for set-id and sticky, and those of chmod(2) mean nothing. */
static int read_force_mask(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	struct storage_options *options = to;
	int64_t number = -1;

	if (read_integer(value, key, &number, err) < 0 || number < 0 || number > UINT32_MAX)
		return bad(err, key, "not a file mode");
	options->has_force_mask = true;
	options->force_mask = (uint32_t)number & 0777;
	options->force_mask |= (number & 1 << 23) != 0 ? 04000 : 0;
	options->force_mask |= (number & 1 << 22) != 0 ? 02000 : 0;
	options->force_mask |= (number & 1 << 20) != 0 ? 01000 : 0;
	return 0;
}

/* --- RFC 3339, as Go's time.Time reads it --- */

static bool take_digits(const char **at, size_t count, int *number)
{
	*number = 0;
	for (size_t i = 0; i < count; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*number = *number * 10 + (**at - '0');
	}
	return true;
}

static bool take(const char **at, char wanted)
{
	return *(*at)++ == wanted;
}

/* As many digits as there are; the nanoseconds of the first nine. */
static bool take_fraction(const char **at, uint32_t *nanoseconds)
{
	uint32_t unit = 100000000;

	*nanoseconds = 0;
	if (**at != '.')
		return true;
	(*at)++;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
		*nanoseconds += unit * (uint32_t)(**at - '0');
	return true;
}

static bool take_zone(const char **at, int *seconds)
{
	const char sign = *(*at)++;
	int hours;
	int minutes;

	*seconds = 0;
	if (sign == 'Z')
		return true;
	if (sign != '+' && sign != '-')
		return false;
	if (!take_digits(at, 2, &hours) || !take(at, ':') || !take_digits(at, 2, &minutes))
		return false;
	*seconds = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	return hours < 24 && minutes < 60;
}

static int days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static bool take_date(const char **at, struct tm *parts)
{
	int year;
	int month;

	if (!take_digits(at, 4, &year) || !take(at, '-') || !take_digits(at, 2, &month) ||
		!take(at, '-') || !take_digits(at, 2, &parts->tm_mday))
		return false;
	parts->tm_year = year - 1900;
	parts->tm_mon = month - 1;
	return month >= 1 && month <= 12 && parts->tm_mday >= 1 &&
	       parts->tm_mday <= days_in(month, year);
}

static bool take_clock(const char **at, struct tm *parts)
{
	if (!take_digits(at, 2, &parts->tm_hour) || !take(at, ':') ||
		!take_digits(at, 2, &parts->tm_min) || !take(at, ':') ||
		!take_digits(at, 2, &parts->tm_sec))
		return false;
	return parts->tm_hour < 24 && parts->tm_min < 60 && parts->tm_sec < 60;
}

static int read_timestamp(json_t *value, const char *key, void *to, struct oakum_error *err)
{
	struct storage_options *options = to;
	const char *at = json_string_value(value);
	struct tm parts = { 0 };
	int zone_s;

	if (at == NULL || strlen(at) != json_string_length(value))
		return bad(err, key, "not a time");
	if (!take_date(&at, &parts) || !take(&at, 'T') || !take_clock(&at, &parts) ||
		!take_fraction(&at, &options->timestamp_ns) || !take_zone(&at, &zone_s) ||
		*at != '\0')
		return bad(err, key, "not a time as RFC 3339 writes it");
	options->has_timestamp = true;
	options->timestamp_s = (int64_t)timegm(&parts) - zone_s;
	return 0;
}

/* --- the whole --- */

#define IN(field) offsetof(struct storage_options, field)

static const struct field all_fields[] = {
	{ "IncludeFiles", read_names, IN(include_files) },
	{ "ExcludePatterns", read_strings, IN(exclude_patterns) },
	{ "Compression", read_integer, IN(compression) },
	{ "NoLchown", read_bool, IN(no_lchown) },
	{ "UIDMaps", read_map, IN(uids) },
	{ "GIDMaps", read_map, IN(gids) },
	{ "IgnoreChownErrors", read_bool, IN(ignore_chown_errors) },
	{ "ChownOpts", read_chown, 0 },
	{ "IncludeSourceDir", read_bool, IN(includes_source_dir) },
	{ "WhiteoutFormat", read_integer, IN(whiteouts) },
	{ "NoOverwriteDirNonDir", read_bool, IN(no_overwrite_dir_non_dir) },
	{ "RebaseNames", read_renames, 0 },
	{ "InUserNS", read_bool, IN(in_user_namespace) },
	{ "CopyPass", read_bool, IN(copy_pass) },
	{ "ForceMask", read_force_mask, 0 },
	{ "Timestamp", read_timestamp, 0 },
	{ NULL, NULL, 0 },
};

static const struct field *find_field(const struct field *fields, const char *key)
{
	while (fields->key != NULL && strcasecmp(fields->key, key) != 0)
		fields++;
	return fields->key == NULL ? NULL : fields;
}

static int read_fields(json_t *object, const struct field *fields, const char *what, void *to,
	struct oakum_error *err)
{
	const char *key;
	json_t *value;

	if (json_is_null(object))
		return 0;
	if (!json_is_object(object))
		return bad(err, what, "not an object");
	json_object_foreach(object, key, value)
	{
		const struct field *field = find_field(fields, key);
		if (field == NULL || json_is_null(value))
			continue;
		int r = field->read(value, field->key, (char *)to + field->offset, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Two empty lists are no maps at all: every id stays. */
static void settle_maps(struct storage_options *options)
{
	if (options->uids.count > 0 || options->gids.count > 0)
		return;
	options->uids.is_given = false;
	options->gids.is_given = false;
}

int storage_options_parse(const char *text, size_t length, enum storage_options_tail tail,
	struct storage_options *options, struct oakum_error *err)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL |
			     (tail == STORAGE_TAIL_IGNORED ? JSON_DISABLE_EOF_CHECK : 0);
	json_error_t where;

	*options = (struct storage_options){ 0 };
	if (strspn(text, " \t\r\n") >= length)
		return fail_because(err, EPROTO, "", NULL, "EOF");
	seed_json();
	cleanup_json json_t *root = json_loadb(text, length, flags, &where);
	if (root == NULL)
		return fail_because(err, EPROTO, "", NULL, "read options: line %d, column %d: %s",
			where.line, where.column, where.text);
	int r = read_fields(root, all_fields, "options", options, err);
	settle_maps(options);
	return r;
}

/* Whoever writes is let write to the end, and what is over is thrown away. */
static int read_all(int fd, char **text, size_t *length)
{
	char rest[4096];
	int r = fd_read_all(fd, REQUEST_MAX_BYTES, text, length);
	ssize_t got = r == -EFBIG || r == -ENOMEM;

	while (got > 0)
		got = fd_read(fd, rest, sizeof(rest));
	return r;
}

int storage_options_read(int fd, struct storage_options *options, struct oakum_error *err)
{
	cleanup_free char *text = NULL;
	size_t length;

	*options = (struct storage_options){ 0 };
	int r = read_all(fd, &text, &length);
	if (r == -EFBIG)
		return fail_because(err, EFBIG, "", NULL, "read options: more than %d MiB",
			REQUEST_MAX_BYTES >> 20);
	if (r < 0)
		return fail_because(err, -r, "", NULL, "read options: %s", go_errno_text(-r));
	return storage_options_parse(text, length, STORAGE_TAIL_IGNORED, options, err);
}

static void free_strings(const char *const *list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free_const(list[i]);
	free_const(list);
}

void storage_options_free(struct storage_options *options)
{
	free_strings(options->include_files);
	free_strings(options->exclude_patterns);
	for (size_t i = 0; options->renames != NULL; i++) {
		free_const(options->renames[i].to);
		if (options->renames[i].from == NULL)
			break;
		free_const(options->renames[i].from);
	}
	free_const(options->renames);
	free_const(options->uids.ranges);
	free_const(options->gids.ranges);
	*options = (struct storage_options){ 0 };
}
