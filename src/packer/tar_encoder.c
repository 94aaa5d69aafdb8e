/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/tar_encoder.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/escape.h"
#include "layer/block.h"
#include "layer/go_path.h"
#include "packer/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Go has a third format, GNU's, for what neither of these two can say. That is
 * a mode or a device number of more than 21 bits, and there is none.
 */

enum {
	NAME_BYTES = sizeof(((struct block *)0)->name),
	PREFIX_BYTES = sizeof(((struct block *)0)->prefix),
	SHORT_DIGITS = 7, /* octal, before the NUL of a field of 8 */
	LONG_DIGITS = 11,
	CHECKSUM_DIGITS = 6,
	RECORD_EXTRA = 3, /* ' ', '=' and '\n' */
};

/* 1 January of the year 1: what Go takes for "no time", and writes as 1970 without a record. */
static const int64_t no_time_s = INT64_C(-62135596800);

static bool has_time(const struct tar_header *header)
{
	return header->mtime_s != no_time_s || header->mtime_ns != 0;
}

static bool fits(int64_t number, int digits)
{
	return number >= 0 && number < INT64_C(1) << 3 * digits;
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text >= 0x80)
			return false;
	}
	return true;
}

/* Where the '/' between prefix and name is; 0: the name does not fit into the two. */
static size_t split_at(const char *name)
{
	size_t whole = strlen(name);
	size_t length = whole;

	if (length <= NAME_BYTES || !is_ascii(name))
		return 0;
	if (length > PREFIX_BYTES + 1)
		length = PREFIX_BYTES + 1;
	else if (name[length - 1] == '/')
		length--;
	while (length > 0 && name[length - 1] != '/')
		length--;
	if (length <= 1)
		return 0;
	size_t rest = whole - length;
	return rest > NAME_BYTES || rest == 0 ? 0 : length - 1;
}

/* --- pax records --- */

struct pax {
	struct bytes records;
	bool is_needed; /* a long name has a record, but may do without */
	int error;	/* -ENOMEM of any of the records */
};

static int decimal_length(size_t number)
{
	return snprintf(NULL, 0, "%zu", number);
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits. */
static void add_record(struct pax *pax, const char *prefix, const char *key, struct xattr value)
{
	char start[32];
	size_t bytes = strlen(prefix) + strlen(key) + value.value_bytes + RECORD_EXTRA;
	size_t length = bytes + (size_t)decimal_length(bytes);

	if (bytes + (size_t)decimal_length(length) != length)
		length = bytes + (size_t)decimal_length(length);
	snprintf(start, sizeof(start), "%zu ", length);
	if (bytes_append_text(&pax->records, start) < 0 ||
		bytes_append_text(&pax->records, prefix) < 0 ||
		bytes_append_text(&pax->records, key) < 0 ||
		bytes_append_text(&pax->records, "=") < 0 ||
		bytes_append(&pax->records, value.value, value.value_bytes) < 0 ||
		bytes_append_text(&pax->records, "\n") < 0)
		pax->error = -ENOMEM;
}

static void add_text(struct pax *pax, const char *key, const char *value)
{
	add_record(pax, "", key, (struct xattr){ .value = value, .value_bytes = strlen(value) });
}

static void need_text(struct pax *pax, const char *key, const char *value)
{
	add_text(pax, key, value);
	pax->is_needed = true;
}

static void need_number(struct pax *pax, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	need_text(pax, key, text);
}

/* "1.5", and "-0.5" for half a second before 1970, which is kept as -1 and a half. */
static void need_time(struct pax *pax, const char *key, const struct tar_header *header)
{
	char text[48];
	int64_t seconds = header->mtime_s;
	uint32_t rest = header->mtime_ns;
	const char *sign = "";

	if (rest == 0) {
		need_number(pax, key, seconds);
		return;
	}
	if (seconds < 0) {
		sign = "-";
		seconds = -(seconds + 1);
		rest = 1000000000 - rest;
	}
	int length = snprintf(text, sizeof(text), "%s%" PRId64 ".%09" PRIu32, sign, seconds, rest);
	while (text[length - 1] == '0')
		text[--length] = '\0';
	need_text(pax, key, text);
}

/* Go sorts the keys: capitals first. */
static void add_records(struct pax *pax, const struct tar_header *header)
{
	bool has_times = header->repeats_time && has_time(header);

	for (size_t i = 0; i < header->xattr_count; i++) {
		add_record(pax, "SCHILY.xattr.", header->xattrs[i].name, header->xattrs[i]);
		pax->is_needed = true;
	}
	if (has_times)
		need_time(pax, "atime", header);
	if (has_times)
		need_time(pax, "ctime", header);
	if (!fits(header->gid, SHORT_DIGITS))
		need_number(pax, "gid", header->gid);
	if (header->has_bytes)
		need_text(pax, "hdrcharset", "BINARY");
	if (strlen(header->link) > NAME_BYTES || !is_ascii(header->link))
		need_text(pax, "linkpath", header->link);
	if (has_time(header) && (!fits(header->mtime_s, LONG_DIGITS) || header->mtime_ns != 0))
		need_time(pax, "mtime", header);
	if (split_at(header->name) > 0)
		add_text(pax, "path", header->name);
	else if (strlen(header->name) > NAME_BYTES || !is_ascii(header->name))
		need_text(pax, "path", header->name);
	if (!fits((int64_t)header->content_bytes, LONG_DIGITS))
		need_number(pax, "size", (int64_t)header->content_bytes);
	if (!fits(header->uid, SHORT_DIGITS))
		need_number(pax, "uid", header->uid);
}

/* --- fields --- */

/* What does not fit is 0: a record has it. */
static void set_number(char *field, int digits, int64_t number)
{
	uint64_t rest = fits(number, digits) ? (uint64_t)number : 0;

	for (int i = digits - 1; i >= 0; i--) {
		field[i] = (char)('0' + (rest & 7));
		rest >>= 3;
	}
}

/*
 * Bytes outside ASCII are left out and the rest is cut: a record has all of it.
 * A file must not end with '/' by being cut, for some readers take it for a
 * directory then.
 */
static void set_text(char *field, size_t field_bytes, const char *text)
{
	size_t length = 0;

	for (; *text != '\0'; text++) {
		if ((unsigned char)*text >= 0x80)
			continue;
		if (length < field_bytes)
			field[length] = *text;
		length++;
	}
	if (length <= field_bytes || field[field_bytes - 1] != '/')
		return;
	length = field_bytes;
	while (length > 0 && field[length - 1] == '/')
		length--;
	field[length] = '\0';
}

static int append_block(struct bytes *stream, struct block *block)
{
	const unsigned char *byte = (const unsigned char *)block;
	int64_t sum = 0;

	memcpy(block->magic,
		"ustar\0"
		"00",
		sizeof(block->magic));
	memset(block->checksum, ' ', sizeof(block->checksum));
	for (size_t i = 0; i < sizeof(*block); i++)
		sum += byte[i];
	set_number(block->checksum, CHECKSUM_DIGITS, sum);
	block->checksum[CHECKSUM_DIGITS] = '\0';
	return bytes_append(stream, block, sizeof(*block));
}

static int append_header(struct bytes *stream, const struct tar_header *header, size_t split)
{
	struct block block = { .type_flag = header->type };

	if (split > 0)
		memcpy(block.prefix, header->name, split);
	set_text(block.name, sizeof(block.name), header->name + (split > 0 ? split + 1 : 0));
	set_text(block.link_name, sizeof(block.link_name), header->link);
	set_number(block.mode, SHORT_DIGITS, header->mode);
	set_number(block.uid, SHORT_DIGITS, header->uid);
	set_number(block.gid, SHORT_DIGITS, header->gid);
	set_number(block.size, LONG_DIGITS, (int64_t)header->content_bytes);
	set_number(block.mtime, LONG_DIGITS, has_time(header) ? header->mtime_s : 0);
	set_number(block.device_major, SHORT_DIGITS, header->device_major);
	set_number(block.device_minor, SHORT_DIGITS, header->device_minor);
	return append_block(stream, &block);
}

/* "dir/PaxHeaders.0/base", cleaned; of a directory "dir/PaxHeaders.0". */
static int pax_name(const char *name, struct bytes *whole)
{
	const char *slash = strrchr(name, '/');
	size_t directory = slash == NULL ? 0 : (size_t)(slash - name) + 1;

	if (bytes_append(whole, name, directory) < 0 ||
		bytes_append_text(whole, directory > 0 ? "/PaxHeaders.0/" : "PaxHeaders.0/") < 0 ||
		bytes_append_text(whole, name + directory) < 0)
		return -ENOMEM;
	go_path_clean(whole->data, whole->data);
	return 0;
}

static int append_pax(struct bytes *stream, const struct tar_header *header, const struct pax *pax)
{
	struct block block = { .type_flag = 'x' };
	struct bytes name = { 0 };
	size_t padding = tar_padding(pax->records.length);
	int r = pax_name(header->name, &name);

	if (r == 0)
		set_text(block.name, sizeof(block.name), name.data);
	bytes_free(&name);
	for (size_t i = sizeof(block.name); i > 0 && strchr("/", block.name[i - 1]) != NULL; i--)
		block.name[i - 1] = '\0';
	set_number(block.mode, SHORT_DIGITS, 0);
	set_number(block.uid, SHORT_DIGITS, 0);
	set_number(block.gid, SHORT_DIGITS, 0);
	set_number(block.size, LONG_DIGITS, (int64_t)pax->records.length);
	set_number(block.mtime, LONG_DIGITS, 0);
	if (r == 0)
		r = append_block(stream, &block);
	if (r == 0)
		r = bytes_append(stream, pax->records.data, pax->records.length);
	char *zeros = r == 0 ? bytes_extend(stream, padding) : NULL;
	if (zeros == NULL)
		return -ENOMEM;
	memset(zeros, 0, padding);
	return append_header(stream, header, 0);
}

/* --- the whole --- */

static bool may_end_with_slash(char type)
{
	return type == TAR_DIRECTORY || type == TAR_SYMLINK || type == TAR_HARD_LINK;
}

static int refuse_record(const struct tar_header *header, const char *key, struct oakum_error *err)
{
	char spelt[128] = "";
	size_t length = 0;

	escape_append(spelt, sizeof(spelt), &length, key);
	return fail_because(err, EINVAL, "", header->name,
		"archive/tar: cannot encode header: invalid PAX record: \"SCHILY.xattr.%s\"",
		spelt);
}

static int check(const struct tar_header *header, struct oakum_error *err)
{
	size_t length = strlen(header->name);

	if (!may_end_with_slash(header->type) && length > 0 && header->name[length - 1] == '/')
		return fail_because(err, EINVAL, "", header->name,
			"archive/tar: cannot encode header: "
			"filename may not have trailing slash");
	for (size_t i = 0; i < header->xattr_count; i++) {
		if (strchr(header->xattrs[i].name, '=') != NULL)
			return refuse_record(header, header->xattrs[i].name, err);
	}
	return 0;
}

static int append_all(struct bytes *stream, const struct tar_header *header, const struct pax *pax,
	struct oakum_error *err)
{
	size_t before = stream->length;
	int r = pax->error;

	if (r == 0 && pax->is_needed && pax->records.length > TAR_PAX_MAX_BYTES)
		return fail_because(
			err, E2BIG, "", header->name, "archive/tar: header field too long");
	if (r == 0 && pax->is_needed)
		r = append_pax(stream, header, pax);
	else if (r == 0)
		r = append_header(stream, header, split_at(header->name));
	if (r == 0)
		return 0;
	stream->length = before;
	return fail(err, -r, "make a header", header->name);
}

int tar_encode(struct bytes *stream, const struct tar_header *header, struct oakum_error *err)
{
	struct pax pax = { 0 };
	int r = check(header, err);

	if (r < 0)
		return r;
	add_records(&pax, header);
	r = append_all(stream, header, &pax, err);
	bytes_free(&pax.records);
	return r;
}

size_t tar_padding(uint64_t content_bytes)
{
	return (size_t)(-content_bytes & (TAR_BLOCK_BYTES - 1));
}
