/* SPDX-License-Identifier: Apache-2.0 */
/* Pax records and the numbers of headers: all that is not exactly right is refused. */
#include "base/error.h"
#include "layer/number.h"
#include "layer/pax.h"
#include "support/tarball.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The body of an x header, from a list of "key=value". */
static struct tarball records_of(const char *const *records, size_t count)
{
	const struct member member = {
		.kind = MEMBER_PAX,
		.name = "pax",
		.records = records,
		.count = count,
	};
	struct tarball tar = { 0 };

	tarball_add(&tar, &member);
	size_t length = strtoul(tar.bytes + FIELD_SIZE, NULL, 8);
	memmove(tar.bytes, tar.bytes + TAR_BLOCK_BYTES, length);
	tar.length = length;
	return tar;
}

static void check_two(const char *first, const char *second, bool is_strict, int code)
{
	const char *const records[] = { first, second };
	struct tarball body = records_of(records, second == NULL ? 1 : 2);
	struct oakum_error err = { 0 };
	struct pax pax;

	if (pax_read(&pax, body.bytes, body.length, is_strict, &err) != -code)
		fail_msg("%s: %d %s", first, err.code, err.detail);
	tarball_free(&body);
}

static const struct {
	const char *record;
	int code; /* errno, 0: accepted */
} values[] = {
	{ "path=a", 0 },
	{ "path=", 0 },
	{ "linkpath=b", 0 },
	{ "linkpath=", 0 },
	{ "size=0", 0 },
	{ "size=9223372036854775807", 0 },
	{ "size=9223372036854775808", EBADMSG },
	{ "size=99999999999999999999999", EBADMSG },
	{ "size=-1", EBADMSG },
	{ "size=+1", EBADMSG },
	{ "size= 1", EBADMSG },
	{ "size=0x10", EBADMSG },
	{ "size=1.0", EBADMSG },
	{ "size=", EBADMSG },
	{ "uid=0", 0 },
	{ "uid=4294967294", 0 },
	{ "uid=4294967295", EBADMSG },
	{ "uid=4294967296", EBADMSG },
	{ "uid=-1", EBADMSG },
	{ "uid=root", EBADMSG },
	{ "gid=4294967295", EBADMSG },
	{ "gid=", EBADMSG },
	{ "mtime=1700000000.123456789", 0 },
	{ "mtime=", EBADMSG },
	{ "mtime=now", EBADMSG },
	{ "atime=1e9", EBADMSG },
	{ "ctime=1", 0 },
	{ "uname=somebody", 0 },
	{ "comment=anything at all", 0 },
	{ "hdrcharset=BINARY", 0 },
	{ "VENDOR.key=value", 0 },
	{ "SCHILY.xattr.user.a=a=b\nc", 0 },
	{ "SCHILY.xattr.user.empty=", 0 },
	{ "SCHILY.dev=1", 0 },
	{ "LIBARCHIVE.creationtime=1", 0 },
	{ "SCHILY.realsize=10", EBADMSG },
	{ "SCHILY.devmajor=10", EBADMSG },
	{ "SUN.holesdata= 0 10", EBADMSG },
	{ "GNU.dumpdir=Ya", EBADMSG },
	{ "GNU.volume.offset=1", EBADMSG },
	{ "GNU.sparse.unheard=1", EBADMSG },
	{ "GNU.sparse.name=", EBADMSG },
	{ "GNU.sparse.offset=1", EBADMSG }, /* before its count */
	{ "GNU.sparse.numbytes=1", EBADMSG },
	{ "GNU.sparse.map=1", EBADMSG },
	{ "GNU.sparse.map=1,", EBADMSG },
	{ "GNU.sparse.map=1,2,", EBADMSG },
	{ "GNU.sparse.map=,1,2", EBADMSG },
	{ "GNU.sparse.map=-1,2", EBADMSG },
	{ "GNU.sparse.map=9223372036854775807,2", EBADMSG },
	{ "GNU.sparse.map=1,2", 0 },
	{ "GNU.sparse.map=", 0 },
};

static void a_value_is_what_its_key_asks_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		check_two(values[i].record, NULL, true, values[i].code);
		check_two(values[i].record, NULL, false, values[i].code);
	}
}

static void a_key_stands_once_but_for_pairs_of_sparse_0_0(void **state)
{
	(void)state;
	check_two("path=a", "path=b", true, EBADMSG);
	check_two("path=a", "path=b", false, 0);
	check_two("comment=a", "comment=a", true, EBADMSG);
	check_two("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.a=2", true, EBADMSG);
	check_two("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.b=2", true, 0);
}

static void of_two_values_compat_takes_the_last(void **state)
{
	static const char *const records[] = { "path=a", "size=1", "path=bb", "size=2" };
	struct tarball body = records_of(records, 4);
	struct oakum_error err;
	struct pax pax;

	(void)state;
	assert_int_equal(pax_read(&pax, body.bytes, body.length, false, &err), 0);
	assert_int_equal(pax.size, 2);
	assert_int_equal(pax.path.length, 2);
	tarball_free(&body);
}

static void a_body_is_records_to_its_last_byte(void **state)
{
	static const struct {
		struct raw body;
		int code;
	} rows[] = {
		{ RAW(""), 0 },
		{ RAW("6 a=b\n"), 0 },
		{ RAW("06 a=\n"), 0 },
		{ RAW("5 a=\n"), 0 },
		{ RAW("6 a=b\n6 c=d\n"), 0 },
		{ RAW("7 a=b\n"), EBADMSG },
		{ RAW("5 a=b\n"), EBADMSG },
		{ RAW("99 a=b\n"), EBADMSG },
		{ RAW("0 a=b\n"), EBADMSG },
		{ RAW("1 a=b\n"), EBADMSG },
		{ RAW("2 a=b\n"), EBADMSG },
		{ RAW("-6 a=b\n"), EBADMSG },
		{ RAW("+6 a=b\n"), EBADMSG },
		{ RAW(" 6 a=b\n"), EBADMSG },
		{ RAW(" a=b\n"), EBADMSG },
		{ RAW("6\ta=b\n"), EBADMSG },
		{ RAW("6 ab\n\n"), EBADMSG },
		{ RAW("6 abc\n"), EBADMSG },
		{ RAW("5 =b\n"), EBADMSG },
		{ RAW("6 a=bc"), EBADMSG },
		{ RAW("6 a=b\n\0"), EBADMSG },
		{ RAW("6 a=b\n "), EBADMSG },
		{ RAW("6 a=b\n6"), EBADMSG },
		{ RAW("18446744073709551622 a=b\n"), EBADMSG },
		{ RAW("99999999999999999999999999 a=b\n"), EBADMSG },
		{ RAW("7 a\0=b\n"), EBADMSG },
		{ RAW("7 a=\0b\n"), 0 },
		{ RAW("10 path=\0\n"), EBADMSG },
		{ RAW("12 path=a\0b\n"), EBADMSG },
		{ RAW("16 linkpath=a\0b\n"), EBADMSG },
		{ RAW("13 uname=a\0b\n"), EBADMSG },
		{ RAW("10 size=1\0"), EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oakum_error err;
		struct pax pax;
		const struct raw *body = &rows[i].body;
		if (pax_read(&pax, body->bytes, body->length, true, &err) != -rows[i].code)
			fail_msg("row %zu: %s", i, body->bytes);
	}
}

/* libarchive passes over it, and over all that follows. */
static void a_record_of_a_megabyte_is_refused(void **state)
{
	enum { LENGTH = 1000000 };
	char *body = malloc(LENGTH);
	struct oakum_error err;
	struct pax pax;

	(void)state;
	assert_non_null(body);
	memset(body, 'x', LENGTH);
	memcpy(body, "1000000 a=", 10);
	body[LENGTH - 1] = '\n';
	assert_int_equal(pax_read(&pax, body, LENGTH, true, &err), -EBADMSG);
	memcpy(body, "999999 a=b", 10);
	body[LENGTH - 2] = '\n';
	assert_int_equal(pax_read(&pax, body, LENGTH - 1, true, &err), 0);
	free(body);
}

/* As many as the limit admits: looking for doubles must not take their square. */
static void a_flood_of_small_records_is_read_in_no_time(void **state)
{
	enum { COUNT = 100000, LENGTH = 10 };
	char *body = malloc((size_t)COUNT * LENGTH + 1);
	struct oakum_error err;
	struct pax pax;

	(void)state;
	assert_non_null(body);
	for (size_t i = 0; i < COUNT; i++)
		snprintf(body + i * LENGTH, LENGTH + 1, "10 %05zu=\n", (i * 7919) % COUNT);
	assert_int_equal(pax_read(&pax, body, (size_t)COUNT * LENGTH, true, &err), 0);
	memcpy(body, "10 00001=\n", LENGTH);
	assert_int_equal(pax_read(&pax, body, (size_t)COUNT * LENGTH, true, &err), -EBADMSG);
	assert_non_null(strstr(err.detail, "00001 stands twice"));
	free(body);
}

static void a_sparse_file_is_of_one_version(void **state)
{
	static const struct {
		const char *const records[8];
		enum pax_sparse kind;
	} rows[] = {
		{ { "path=a" }, PAX_SPARSE_NONE },
		{ { "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9",
			  "GNU.sparse.name=a" },
			PAX_SPARSE_1 },
		{ { "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9" },
			PAX_SPARSE_1 },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=1", "GNU.sparse.offset=1",
			  "GNU.sparse.numbytes=1" },
			PAX_SPARSE_0 },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=2", "GNU.sparse.offset=1",
			  "GNU.sparse.numbytes=1", "GNU.sparse.offset=2", "GNU.sparse.numbytes=1" },
			PAX_SPARSE_0 },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=1", "GNU.sparse.map=1,1" },
			PAX_SPARSE_0 },
		{ { "GNU.sparse.name=a" }, PAX_SPARSE_BAD },
		{ { "GNU.sparse.major=1", "GNU.sparse.minor=1", "GNU.sparse.realsize=9" },
			PAX_SPARSE_BAD },
		{ { "GNU.sparse.major=1", "GNU.sparse.realsize=9" }, PAX_SPARSE_BAD },
		{ { "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.size=9" },
			PAX_SPARSE_BAD },
		{ { "GNU.sparse.major=0", "GNU.sparse.minor=1", "GNU.sparse.realsize=9" },
			PAX_SPARSE_BAD },
		{ { "GNU.sparse.size=9", "GNU.sparse.map=1,1" }, PAX_SPARSE_BAD },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=2", "GNU.sparse.map=1,1" },
			PAX_SPARSE_BAD },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=1", "GNU.sparse.offset=1" },
			PAX_SPARSE_BAD },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=2", "GNU.sparse.map=1,1",
			  "GNU.sparse.offset=2", "GNU.sparse.numbytes=1" },
			PAX_SPARSE_BAD },
		{ { "GNU.sparse.size=9", "GNU.sparse.numblocks=1", "GNU.sparse.map=1,1",
			  "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9" },
			PAX_SPARSE_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t count = 0;
		struct oakum_error err = { 0 };
		struct pax pax;
		while (count < 8 && rows[i].records[count] != NULL)
			count++;
		struct tarball body = records_of(rows[i].records, count);
		if (pax_read(&pax, body.bytes, body.length, true, &err) != 0)
			fail_msg("row %zu: %s", i, err.detail);
		if (pax_sparse_kind(&pax) != rows[i].kind)
			fail_msg("row %zu: kind %d", i, (int)pax_sparse_kind(&pax));
		tarball_free(&body);
	}
}

static void the_name_of_a_sparse_file_stands_apart_from_its_path(void **state)
{
	static const char *const records[] = { "GNU.sparse.name=real", "path=GNUSparseFile.0/a" };
	struct tarball body = records_of(records, 2);
	struct oakum_error err;
	struct pax pax;

	(void)state;
	assert_int_equal(pax_read(&pax, body.bytes, body.length, true, &err), 0);
	assert_int_equal(pax.sparse_name.length, 4);
	assert_memory_equal(pax.sparse_name.bytes, "real", 4);
	assert_int_equal(pax.path.length, 17);
	tarball_free(&body);
}

static void a_global_header_changes_no_entry(void **state)
{
	static const struct {
		const char *record;
		int code;
	} rows[] = {
		{ "comment=0123456789012345678901234567890123456789", 0 },
		{ "SCHILY.archtype=exustar", 0 },
		{ "SCHILY.release=star 1.6 (x86_64-unknown-linux-gnu) 2019/04/01", 0 },
		{ "SCHILY.volhdr.dumpdate=1647478879.579980900", 0 },
		{ "SCHILY.volhdr.volno=1", 0 },
		{ "SCHILY.volhdr=x", EBADMSG },
		{ "GNU.volume.label=backup", 0 },
		{ "path=a", EBADMSG },
		{ "linkpath=a", EBADMSG },
		{ "size=1", EBADMSG },
		{ "uid=0", EBADMSG },
		{ "gid=0", EBADMSG },
		{ "mtime=0", EBADMSG },
		{ "uname=root", EBADMSG },
		{ "hdrcharset=BINARY", EBADMSG },
		{ "GNU.sparse.major=1", EBADMSG },
		{ "SCHILY.xattr.user.a=b", EBADMSG },
		{ "LIBARCHIVE.xattr.user.a=Yg==", EBADMSG },
		{ "VENDOR.key=value", EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tarball body = records_of(&rows[i].record, 1);
		struct oakum_error err;
		if (pax_check_global(body.bytes, body.length, false, &err) != -rows[i].code)
			fail_msg("%s", rows[i].record);
		tarball_free(&body);
	}
}

/* --- numbers --- */

static void a_time_is_read_exactly_and_rounded_down(void **state)
{
	static const struct {
		const char *text;
		bool is_time;
		int64_t seconds;
		uint32_t nanoseconds;
	} rows[] = {
		{ "0", true, 0, 0 },
		{ "1", true, 1, 0 },
		{ "1.5", true, 1, 500000000 },
		{ "1.", true, 1, 0 },
		{ "1.123456789", true, 1, 123456789 },
		{ "1.1234567899999999999", true, 1, 123456789 },
		{ "1.000000001", true, 1, 1 },
		{ "-1", true, -1, 0 },
		{ "-0", true, 0, 0 },
		{ "-1.0", true, -1, 0 },
		{ "-1.5", true, -2, 500000000 },
		{ "-0.5", true, -1, 500000000 },
		{ "-0.000000001", true, -1, 999999999 },
		{ "-0.0000000001", true, -1, 999999999 },
		{ "-1.9999999999", true, -2, 0 },
		{ "-1.9999999990", true, -2, 1 },
		{ "253402300800", true, 253402300800, 0 },
		{ "4611686018427387903", true, 4611686018427387903, 0 },
		{ "9223372036854775807", true, INT64_MAX, 0 },
		{ "9223372036854775808", false, 0, 0 },
		{ "-9223372036854775807.5", true, INT64_MIN, 500000000 },
		{ "-9223372036854775808", false, 0, 0 },
		{ "99999999999999999999999999", false, 0, 0 },
		{ "", false, 0, 0 },
		{ "-", false, 0, 0 },
		{ ".5", false, 0, 0 },
		{ "-.5", false, 0, 0 },
		{ "+1", false, 0, 0 },
		{ "--1", false, 0, 0 },
		{ "1.5.5", false, 0, 0 },
		{ "1.-5", false, 0, 0 },
		{ "1,5", false, 0, 0 },
		{ " 1", false, 0, 0 },
		{ "1e9", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t seconds = 0;
		uint32_t nanoseconds = 0;
		bool is_time =
			number_of_time(rows[i].text, strlen(rows[i].text), &seconds, &nanoseconds);
		if (is_time != rows[i].is_time)
			fail_msg("%s", rows[i].text);
		if (is_time && (seconds != rows[i].seconds || nanoseconds != rows[i].nanoseconds))
			fail_msg("%s: %lld %u", rows[i].text, (long long)seconds, nanoseconds);
	}
}

static void a_field_is_octal_or_base_256(void **state)
{
	static const struct {
		struct raw field;
		bool is_number;
		int64_t number;
	} rows[] = {
		{ RAW("0000644\0"), true, 0644 },
		{ RAW("    644 "), true, 0644 },
		{ RAW("644\0\0\0\0\0"), true, 0644 },
		{ RAW("77777777"), true, 077777777 },
		{ RAW("        "), true, 0 },
		{ RAW("\0\0\0\0\0\0\0\0"), true, 0 },
		{ RAW("644 \0 \0 "), true, 0644 },
		{ RAW("\0000644\0\0"), false, 0 },
		{ RAW("0000648\0"), false, 0 },
		{ RAW("64 4\0\0\0\0"), false, 0 },
		{ RAW("-000644\0"), false, 0 },
		{ RAW("\t000644\0"), false, 0 },
		{ RAW("0x00644\0"), false, 0 },
		{ RAW("777777777777777777777\0"), true, INT64_MAX },
		{ RAW("1000000000000000000000\0"), false, 0 },
		{ RAW("\200\0\0\0\0\0\0\1"), true, 1 },
		{ RAW("\200\177\377\377\377\377\377\377"), true, INT64_MAX >> 8 },
		{ RAW("\377\377\377\377\377\377\377\377"), true, -1 },
		{ RAW("\377\0\0\0\0\0\0\0"), true, -(INT64_C(1) << 56) },
		{ RAW("\200\0\0\0\177\377\377\377\377\377\377\377"), true, INT64_MAX },
		{ RAW("\200\0\0\0\200\0\0\0\0\0\0\0"), false, 0 },
		{ RAW("\200\0\0\1\0\0\0\0\0\0\0\0"), false, 0 },
		{ RAW("\377\377\377\377\200\0\0\0\0\0\0\0"), true, INT64_MIN },
		{ RAW("\377\377\377\377\177\377\377\377\377\377\377\377"), false, 0 },
		{ RAW("\377\377\377\376\0\0\0\0\0\0\0\0"), false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct raw *field = &rows[i].field;
		int64_t number = 0;
		bool is_number = number_of_field(field->bytes, field->length, &number);
		if (is_number != rows[i].is_number || (is_number && number != rows[i].number))
			fail_msg("row %zu: %d %lld", i, is_number, (long long)number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_what_its_key_asks_for),
		cmocka_unit_test(a_key_stands_once_but_for_pairs_of_sparse_0_0),
		cmocka_unit_test(of_two_values_compat_takes_the_last),
		cmocka_unit_test(a_body_is_records_to_its_last_byte),
		cmocka_unit_test(a_record_of_a_megabyte_is_refused),
		cmocka_unit_test(a_flood_of_small_records_is_read_in_no_time),
		cmocka_unit_test(a_sparse_file_is_of_one_version),
		cmocka_unit_test(the_name_of_a_sparse_file_stands_apart_from_its_path),
		cmocka_unit_test(a_global_header_changes_no_entry),
		cmocka_unit_test(a_time_is_read_exactly_and_rounded_down),
		cmocka_unit_test(a_field_is_octal_or_base_256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
