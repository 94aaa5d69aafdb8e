/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/pax.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/number.h"
#include "layer/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LENGTH_DIGITS_MAX = 20,
	RECORD_BYTES_MAX = 999999, /* libarchive ignores a longer one, and all after it */
	KEY_SHOWN_BYTES = 60,
};

struct record {
	struct text key;
	struct text value;
	size_t length; /* of the whole record */
};

/* "LENGTH KEY=VALUE\n", LENGTH counting itself. NULL, or why not. */
static const char *parse_record(const char *text, size_t room, struct record *record)
{
	const char *space = memchr(text, ' ', room < LENGTH_DIGITS_MAX ? room : LENGTH_DIGITS_MAX);
	uint64_t length;

	if (space == NULL || !number_of_decimal(text, (size_t)(space - text), &length))
		return "a pax record does not start with its length";
	size_t head = (size_t)(space - text) + 1;
	if (length > room)
		return "a pax record is longer than its header";
	if (length > RECORD_BYTES_MAX)
		return "a pax record is longer than 999999 bytes, which readers skip";
	if (length < head + 2)
		return "a pax record is shorter than its own start";
	if (text[length - 1] != '\n')
		return "a pax record does not end with a newline";
	const char *equals = memchr(text + head, '=', (size_t)length - head);
	if (equals == NULL)
		return "a pax record has no '='";
	*record = (struct record){
		.key = { text + head, (size_t)(equals - text) - head },
		.value = { equals + 1, (size_t)length - (size_t)(equals + 1 - text) - 1 },
		.length = (size_t)length,
	};
	if (record->key.length == 0 || text_has_nul(&record->key))
		return "a pax record has an empty key, or a NUL in it";
	return NULL;
}

static bool read_number(const struct record *record, uint64_t *number)
{
	return number_of_decimal(record->value.bytes, record->value.length, number) &&
	       *number <= INT64_MAX;
}

static bool read_path(struct pax *pax, const struct record *record)
{
	pax->path = record->value;
	return !text_has_nul(&record->value);
}

static bool read_link_path(struct pax *pax, const struct record *record)
{
	pax->link_path = record->value;
	return !text_has_nul(&record->value);
}

static bool read_text(struct pax *pax, const struct record *record)
{
	(void)pax;
	return !text_has_nul(&record->value);
}

static bool read_size(struct pax *pax, const struct record *record)
{
	pax->has_size = true;
	return read_number(record, &pax->size);
}

static bool read_mtime(struct pax *pax, const struct record *record)
{
	pax->has_mtime = true;
	return number_of_time(
		record->value.bytes, record->value.length, &pax->mtime_s, &pax->mtime_ns);
}

static bool read_atime(struct pax *pax, const struct record *record)
{
	pax->has_atime = true;
	return number_of_time(
		record->value.bytes, record->value.length, &pax->atime_s, &pax->atime_ns);
}

static bool read_other_time(struct pax *pax, const struct record *record)
{
	int64_t seconds;
	uint32_t nanoseconds;

	(void)pax;
	return number_of_time(record->value.bytes, record->value.length, &seconds, &nanoseconds);
}

/* (uid_t)-1 means "leave it" to chown(2): a file that should be nobody's would
 * stay root's. */
static bool read_id(struct pax *pax, const struct record *record)
{
	uint64_t id;

	(void)pax;
	return read_number(record, &id) && id < UINT32_MAX;
}

/* What decides where an entry ends, where it goes and whose it is. */
static const struct {
	const char *key;
	bool (*read)(struct pax *pax, const struct record *record);
} keys[] = {
	{ "path", read_path },
	{ "linkpath", read_link_path },
	{ "size", read_size },
	{ "mtime", read_mtime },
	{ "atime", read_atime },
	{ "ctime", read_other_time },
	{ "uid", read_id },
	{ "gid", read_id },
	{ "uname", read_text },
	{ "gname", read_text },
};

/* --- sparse files --- */

enum sparse_key {
	SPARSE_NAME,
	SPARSE_MAJOR,
	SPARSE_MINOR,
	SPARSE_REAL_SIZE,
	SPARSE_SIZE,
	SPARSE_BLOCKS,
	SPARSE_MAP,
	SPARSE_OFFSET,
	SPARSE_BYTES,
	SPARSE_KEYS,
};

static const char sparse_prefix[] = "GNU.sparse.";

static const char *const sparse_keys[SPARSE_KEYS] = {
	[SPARSE_NAME] = "GNU.sparse.name",
	[SPARSE_MAJOR] = "GNU.sparse.major",
	[SPARSE_MINOR] = "GNU.sparse.minor",
	[SPARSE_REAL_SIZE] = "GNU.sparse.realsize",
	[SPARSE_SIZE] = "GNU.sparse.size",
	[SPARSE_BLOCKS] = "GNU.sparse.numblocks",
	[SPARSE_MAP] = "GNU.sparse.map",
	[SPARSE_OFFSET] = "GNU.sparse.offset",
	[SPARSE_BYTES] = "GNU.sparse.numbytes",
};

static bool has_seen(const struct pax *pax, enum sparse_key key)
{
	return (pax->seen & UINT32_C(1) << key) != 0;
}

static bool read_sparse_offset(struct pax *pax, const struct record *record)
{
	bool is_due = has_seen(pax, SPARSE_BLOCKS) && !pax->wants_bytes;

	pax->wants_bytes = true;
	return is_due && read_number(record, &pax->sparse_offset);
}

static bool read_sparse_bytes(struct pax *pax, const struct record *record)
{
	uint64_t bytes;
	bool is_due = pax->wants_bytes;

	pax->wants_bytes = false;
	return is_due && read_number(record, &bytes) &&
	       sparse_add(&pax->regions, pax->sparse_offset, bytes);
}

static bool read_sparse(struct pax *pax, enum sparse_key key, const struct record *record)
{
	pax->seen |= UINT32_C(1) << key;
	switch (key) {
	case SPARSE_NAME:
		pax->sparse_name = record->value;
		return record->value.length > 0 && !text_has_nul(&record->value);
	case SPARSE_MAJOR:
		return read_number(record, &pax->sparse_major);
	case SPARSE_MINOR:
		return read_number(record, &pax->sparse_minor);
	case SPARSE_REAL_SIZE:
	case SPARSE_SIZE:
		return read_number(record, &pax->real_size);
	case SPARSE_BLOCKS:
		return read_number(record, &pax->sparse_blocks);
	case SPARSE_MAP:
		return sparse_add_list(&pax->regions, record->value.bytes, record->value.length);
	case SPARSE_OFFSET:
		return read_sparse_offset(pax, record);
	case SPARSE_BYTES:
		return read_sparse_bytes(pax, record);
	case SPARSE_KEYS:
		break;
	}
	__builtin_unreachable();
}

enum pax_sparse pax_sparse_kind(const struct pax *pax)
{
	const uint32_t seen = pax->seen & ~(UINT32_C(1) << SPARSE_NAME);
	const uint32_t one = UINT32_C(1) << SPARSE_MAJOR | UINT32_C(1) << SPARSE_MINOR |
			     UINT32_C(1) << SPARSE_REAL_SIZE;
	const uint32_t zero = UINT32_C(1) << SPARSE_SIZE | UINT32_C(1) << SPARSE_BLOCKS;
	const uint32_t map = UINT32_C(1) << SPARSE_MAP;
	const uint32_t pairs = UINT32_C(1) << SPARSE_OFFSET | UINT32_C(1) << SPARSE_BYTES;

	if (pax->seen == 0)
		return PAX_SPARSE_NONE;
	if (seen == one && pax->sparse_major == 1 && pax->sparse_minor == 0)
		return PAX_SPARSE_1;
	if (seen != zero && seen != (zero | map) && seen != (zero | pairs))
		return PAX_SPARSE_BAD;
	if (pax->wants_bytes || pax->sparse_blocks != pax->regions.count)
		return PAX_SPARSE_BAD;
	return PAX_SPARSE_0;
}

/* --- x --- */

/* What some readers obey, and others have never heard of. */
static bool is_disputed(const struct text *key)
{
	static const char *const disputed[] = {
		"SCHILY.realsize",
		"SCHILY.devmajor",
		"SCHILY.devminor",
		"SUN.holesdata",
		"GNU.dumpdir",
	};

	for (size_t i = 0; i < sizeof(disputed) / sizeof(disputed[0]); i++) {
		if (text_is(key, disputed[i]))
			return true;
	}
	return text_starts_with(key, sparse_prefix) || text_starts_with(key, "GNU.volume.");
}

/* Each entry of a list but the last ends with one of these. */
static void count_acl(struct pax *pax, const struct text *list)
{
	pax->acl_entries++;
	for (size_t i = 0; i < list->length; i++)
		pax->acl_entries += list->bytes[i] == ',' || list->bytes[i] == '\n';
}

static const char *take_record(struct pax *pax, const struct record *record)
{
	static const char bad_value[] = "has a value that cannot be";

	if (text_starts_with(&record->key, "SCHILY.acl."))
		count_acl(pax, &record->value);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (text_is(&record->key, keys[i].key))
			return keys[i].read(pax, record) ? NULL : bad_value;
	}
	for (enum sparse_key key = 0; key < SPARSE_KEYS; key++) {
		if (text_is(&record->key, sparse_keys[key]))
			return read_sparse(pax, key, record) ? NULL : bad_value;
	}
	if (text_is(&record->key, "SCHILY.xattr.") || text_is(&record->key, "LIBARCHIVE.xattr."))
		return "names no attribute";
	return is_disputed(&record->key) ? "is a key that readers disagree on" : NULL;
}

static int refuse_key(struct oakum_error *err, const struct text *key, const char *why)
{
	int shown = (int)(key->length < KEY_SHOWN_BYTES ? key->length : KEY_SHOWN_BYTES);

	return fail_because(
		err, EBADMSG, "read pax header", NULL, "%.*s %s", shown, key->bytes, why);
}

/* Only pax sparse 0.0 has keys that stand there more than once, by design. */
static bool may_repeat(const struct text *key)
{
	return text_is(key, sparse_keys[SPARSE_OFFSET]) || text_is(key, sparse_keys[SPARSE_BYTES]);
}

static int check_doubles(const char *text, size_t length, size_t count, struct oakum_error *err)
{
	cleanup_free struct text *found = calloc(count, sizeof(*found));
	struct record record;
	size_t used = 0;

	if (found == NULL)
		return fail(err, ENOMEM, "read pax header", NULL);
	for (size_t at = 0; at < length && parse_record(text + at, length - at, &record) == NULL;
		at += record.length) {
		if (!may_repeat(&record.key))
			found[used++] = record.key;
	}
	const struct text *twice = text_find_double(found, used);
	return twice == NULL
		       ? 0
		       : refuse_key(err, twice,
				 "stands twice in one pax header; --profile=compat takes the last");
}

int pax_read(struct pax *pax, const char *text, size_t length, bool strict, struct oakum_error *err)
{
	size_t count = 0;

	*pax = (struct pax){ 0 };
	for (size_t at = 0; at < length; count++) {
		struct record record;
		const char *why = parse_record(text + at, length - at, &record);
		if (why != NULL)
			return fail_because(err, EBADMSG, "read pax header", NULL, "%s", why);
		why = take_record(pax, &record);
		if (why != NULL)
			return refuse_key(err, &record.key, why);
		at += record.length;
	}
	return strict && count > 1 ? check_doubles(text, length, count, err) : 0;
}

/* --- g --- */

/* GNU tar's label of a volume, star's words on itself and its volume (star(5),
 * "VOLUME HEADER"), and what git archive says. */
static bool changes_nothing(const struct text *key)
{
	return text_is(key, "comment") || text_is(key, "GNU.volume.label") ||
	       text_is(key, "SCHILY.archtype") || text_is(key, "SCHILY.release") ||
	       text_starts_with(key, "SCHILY.volhdr.");
}

int pax_check_global(const char *text, size_t length, bool is_ignored, struct oakum_error *err)
{
	for (size_t at = 0; at < length;) {
		struct record record;
		const char *why = parse_record(text + at, length - at, &record);
		if (why != NULL)
			return fail_because(err, EBADMSG, "read pax header", NULL, "%s", why);
		if (!is_ignored && !changes_nothing(&record.key))
			return refuse_key(err, &record.key,
				"is set for all entries to come, which readers disagree on");
		at += record.length;
	}
	return 0;
}
