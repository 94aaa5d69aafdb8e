/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, byte for byte as archive/tar of Go 1.19 writes them. */
#include "packer/tar_encoder.h"
#include "support/sha256.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLAIN = TAR_BLOCK_BYTES, WITH_PAX = 3 * TAR_BLOCK_BYTES, MEBIBYTE = 1 << 20 };

/* Repeats of one character, for names that are long. */
static const char *many(char byte, size_t count)
{
	static char texts[8][400];
	static unsigned int next;
	char *text = texts[next++ % 8];

	memset(text, byte, count);
	text[count] = '\0';
	return text;
}

static const char *joined(const char *one, const char *two, const char *three)
{
	static char texts[8][800];
	static unsigned int next;
	char *text = texts[next++ % 8];

	snprintf(text, sizeof(texts[0]), "%s%s%s", one, two, three);
	return text;
}

static const char *spelt_digest(const struct bytes *bytes)
{
	static char spelt[SHA256_TEXT_BYTES];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_add(&sha, bytes->data, bytes->length);
	sha256_text(&sha, spelt);
	spelt[16] = '\0';
	return spelt;
}

/* digest: the first 8 bytes of the SHA-256 of what Go wrote for the same header. */
static void assert_encoded(const struct tar_header *header, size_t length, const char *digest)
{
	struct tar_header whole = *header;
	struct bytes stream = { 0 };
	struct oakum_error err;

	if (whole.link == NULL)
		whole.link = "";
	assert_int_equal(tar_encode(&stream, &whole, &err), 0);
	assert_int_equal(stream.length, length);
	if (strcmp(spelt_digest(&stream), digest) != 0)
		fail_msg("%s: %s", header->name, spelt_digest(&stream));
	bytes_free(&stream);
}

#define ASSERT_ENCODED(length, digest, ...) \
	assert_encoded(&(const struct tar_header){ __VA_ARGS__ }, length, digest)

static void the_fields_are_where_and_as_go_puts_them(void **state)
{
	static const struct xattr xattr = { "user.a", "1", 1 };
	static const struct tar_header header = {
		.type = TAR_FILE,
		.name = "dir/caf\xc3\xa9",
		.link = "",
		.mode = 0644,
		.uid = 3000000,
		.mtime_s = -2,
		.mtime_ns = 500000000,
		.xattrs = &xattr,
		.xattr_count = 1,
	};
	struct bytes stream = { 0 };
	struct oakum_error err;

	(void)state;
	assert_int_equal(tar_encode(&stream, &header, &err), 0);
	assert_int_equal(stream.length, WITH_PAX);
	const char *pax = stream.data;
	assert_string_equal(pax, "dir/PaxHeaders.0/caf");
	assert_memory_equal(pax + 100,
		"0000000\0"
		"0000000\0"
		"0000000\0"
		"00000000110\0"
		"00000000000\0"
		"011443\0 x",
		57);
	assert_memory_equal(pax + 257, "ustar\00000\0\0", 10);
	/* What a pax header itself does not need stays empty. */
	assert_memory_equal(pax + 329, "\0\0\0\0\0\0\0\0", 8);
	assert_string_equal(pax + 512, "25 SCHILY.xattr.user.a=1\n"
				       "14 mtime=-1.5\n"
				       "18 path=dir/caf\xc3\xa9\n"
				       "15 uid=3000000\n");
	const char *plain = stream.data + 1024;
	assert_string_equal(plain, "dir/caf");
	assert_memory_equal(plain + 100,
		"0000644\0"
		"0000000\0"
		"0000000\0"
		"00000000000\0"
		"00000000000\0"
		"010425\0 0",
		57);
	assert_memory_equal(plain + 329, "0000000\0000000000\0", 16);
	bytes_free(&stream);
}

static void every_type_is_plain_ustar(void **state)
{
	(void)state;
	ASSERT_ENCODED(PLAIN, "eb1fc096faa8d620", .type = TAR_FILE, .name = "etc/passwd",
		.mode = 0644, .uid = 1000, .gid = 100, .content_bytes = 5, .mtime_s = 86400);
	ASSERT_ENCODED(PLAIN, "bc62ed3377076e25", .type = TAR_DIRECTORY, .name = "etc/",
		.mode = 01755, .mtime_s = 86400);
	ASSERT_ENCODED(PLAIN, "cdbbcde950042d45", .type = TAR_SYMLINK, .name = "l", .link = "/a/b",
		.mode = 0777, .mtime_s = 1);
	ASSERT_ENCODED(PLAIN, "26b19741443255de", .type = TAR_HARD_LINK, .name = "h",
		.link = "etc/passwd", .mode = 0600, .mtime_s = 1);
	ASSERT_ENCODED(PLAIN, "cf3350ba8c2fff66", .type = TAR_CHARACTER_DEVICE, .name = "dev/null",
		.mode = 0666, .device_major = 1, .device_minor = 3);
	ASSERT_ENCODED(PLAIN, "5cab3bf242f1d095", .type = TAR_BLOCK_DEVICE, .name = "dev/sda",
		.mode = 0660, .device_major = 4095, .device_minor = 1048575);
	ASSERT_ENCODED(PLAIN, "90bc23f75f07a8b7", .type = TAR_FIFO, .name = "fifo", .mode = 06600);
	ASSERT_ENCODED(PLAIN, "677ce513edecbe6b", .type = TAR_DIRECTORY, .name = "./", .mode = 0755,
		.mtime_s = 9);
	ASSERT_ENCODED(PLAIN, "e36ed97bf4dca7bb", .type = TAR_FILE, .name = "", .mode = 0700);
}

static void a_long_name_is_split_or_has_a_record(void **state)
{
	char deep[300] = "";
	char deep_directory[300];

	(void)state;
	snprintf(deep_directory, sizeof(deep_directory), "%s/%s/", many('p', 50), many('n', 60));
	for (int i = 0; i < 60; i++)
		memcpy(deep + 2 * (size_t)i, "d/", 3);
	ASSERT_ENCODED(
		PLAIN, "8c5a4005037411f8", .type = TAR_FILE, .name = many('n', 100), .mode = 0600);
	ASSERT_ENCODED(WITH_PAX, "74e513d394b5c92c", .type = TAR_FILE, .name = many('n', 101),
		.mode = 0600);
	ASSERT_ENCODED(PLAIN, "d39353fa50e191dd", .type = TAR_FILE,
		.name = joined(many('p', 155), "/", many('n', 100)), .mode = 0600);
	ASSERT_ENCODED(WITH_PAX, "d7bcec3eb0c97780", .type = TAR_FILE,
		.name = joined(many('p', 156), "/", many('n', 10)), .mode = 0600);
	ASSERT_ENCODED(PLAIN, "14ba79d6c7098f93", .type = TAR_DIRECTORY, .name = deep_directory,
		.mode = 0700);
	ASSERT_ENCODED(WITH_PAX, "285e77fe16d15507", .type = TAR_DIRECTORY,
		.name = joined(many('p', 120), "/", ""), .mode = 0700);
	ASSERT_ENCODED(WITH_PAX, "781bc72e135bd078", .type = TAR_FILE,
		.name = joined(many('p', 97), "///", many('n', 120)), .mode = 0700);
	ASSERT_ENCODED(WITH_PAX, "d9339fbd1865bb1b", .type = TAR_FILE,
		.name = joined(deep, many('x', 101), ""), .mode = 0700);
	ASSERT_ENCODED(WITH_PAX, "565c4ad93dafa20e", .type = TAR_SYMLINK, .name = "l",
		.link = many('t', 101), .mode = 0777);
}

static void bytes_outside_ascii_are_in_a_record_as_they_are(void **state)
{
	(void)state;
	ASSERT_ENCODED(WITH_PAX, "e6183677a0987931", .type = TAR_FILE, .name = "caf\xc3\xa9/x",
		.mode = 0644, .mtime_s = 5);
	ASSERT_ENCODED(WITH_PAX, "4fc6655a808f92a7", .type = TAR_FILE, .name = "b\xff\xfe",
		.mode = 0644, .mtime_s = 5);
	ASSERT_ENCODED(WITH_PAX, "6607a4753fc7c2d8", .type = TAR_SYMLINK, .name = "l",
		.link = "\xc3\xa4", .mode = 0777);
	ASSERT_ENCODED(WITH_PAX, "6e6875cf95f0fc86", .type = TAR_DIRECTORY, .name = "/\xc3\xa4/",
		.mode = 0755);
}

static void what_eight_octal_digits_cannot_say_has_a_record(void **state)
{
	(void)state;
	ASSERT_ENCODED(WITH_PAX, "a147ea0e9c2697df", .type = TAR_FILE, .name = "i", .uid = 2097151,
		.gid = 2097152, .mode = 0600);
	ASSERT_ENCODED(WITH_PAX, "b06b1294692ca328", .type = TAR_FILE, .name = "i", .uid = -5,
		.gid = 4294967295, .mode = 0600);
	ASSERT_ENCODED(PLAIN, "c2fd167ae7201b3d", .type = TAR_FILE, .name = "s",
		.content_bytes = UINT64_C(8589934591), .mode = 0600);
	ASSERT_ENCODED(WITH_PAX, "466c8c4945e0e2c8", .type = TAR_FILE, .name = "s",
		.content_bytes = UINT64_C(8589934592), .mode = 0600);
	ASSERT_ENCODED(WITH_PAX, "1d6098b03049a206", .type = TAR_FILE, .name = "t", .mode = 0600,
		.mtime_s = -5);
	ASSERT_ENCODED(WITH_PAX, "54af53e04a876779", .type = TAR_FILE, .name = "t", .mode = 0600,
		.mtime_s = INT64_C(8589934592));
}

static void a_time_with_a_fraction_has_a_record(void **state)
{
	(void)state;
	ASSERT_ENCODED(PLAIN, "8ebb9e76bbdb099c", .type = TAR_FILE, .name = "t", .mode = 0600,
		.mtime_s = 7);
	ASSERT_ENCODED(WITH_PAX, "28ae5e76726afa07", .type = TAR_FILE, .name = "t", .mode = 0600,
		.mtime_s = 7, .mtime_ns = 120000000);
	ASSERT_ENCODED(WITH_PAX, "fca11b9a3da5de88", .type = TAR_FILE, .name = "a/t", .mode = 0600,
		.mtime_s = -2, .mtime_ns = 500000001);
	ASSERT_ENCODED(WITH_PAX, "48e5095ba929c20e", .type = TAR_DIRECTORY, .name = "a/b/",
		.mode = 0700, .mtime_s = 7, .repeats_time = true);
	ASSERT_ENCODED(WITH_PAX, "d402bb548234e1bc", .type = TAR_DIRECTORY, .name = "./a/../b/",
		.mode = 0700, .mtime_s = 7, .mtime_ns = 1, .repeats_time = true);
}

static void the_year_1_is_no_time_at_all(void **state)
{
	(void)state;
	ASSERT_ENCODED(PLAIN, "e655401e9bb887b0", .type = TAR_FILE, .name = "z", .mode = 0700,
		.mtime_s = INT64_C(-62135596800), .repeats_time = true);
}

static void a_record_counts_the_digits_of_its_own_length(void **state)
{
	static const struct {
		size_t value_bytes;
		const char *digest;
	} rows[] = { { 74, "628c3b3721dbeced" }, { 75, "9caf65a062cab639" },
		{ 76, "2572a78a569a66f2" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct xattr xattr = { "user.x", many('v', rows[i].value_bytes),
			rows[i].value_bytes };
		ASSERT_ENCODED(WITH_PAX, rows[i].digest, .type = TAR_FILE, .name = "z",
			.mode = 0700, .xattrs = &xattr, .xattr_count = 1);
	}
}

static void xattrs_are_records_of_any_bytes_and_a_split_name_has_one_too_then(void **state)
{
	static const struct xattr xattrs[] = {
		{ "security.capability", "\x01\x00=\n", 4 },
		{ "user.a", "", 0 },
		{ "user.b", "2", 1 },
	};

	(void)state;
	ASSERT_ENCODED(WITH_PAX, "a31524951f80e216", .type = TAR_FILE,
		.name = joined(many('p', 60), "/", many('n', 60)), .mode = 0600, .xattrs = xattrs,
		.xattr_count = 3);
}

static void assert_refused(const struct tar_header *header, int code, const char *reason)
{
	struct bytes stream = { 0 };
	struct oakum_error err;

	assert_int_equal(bytes_append_text(&stream, "before"), 0);
	assert_int_equal(tar_encode(&stream, header, &err), -code);
	assert_string_equal(err.detail, reason);
	assert_string_equal(err.op, "");
	assert_int_equal(stream.length, strlen("before"));
	bytes_free(&stream);
}

static void what_cannot_be_written_is_refused_with_go_s_text(void **state)
{
	static const struct xattr with_sign = { "user.a=b", "v", 1 };
	const struct tar_header slash = { .type = TAR_FILE, .name = "a/", .link = "" };
	const struct tar_header sign = {
		.type = TAR_FILE, .name = "a", .link = "", .xattrs = &with_sign, .xattr_count = 1
	};

	(void)state;
	assert_refused(&slash, EINVAL,
		"archive/tar: cannot encode header: filename may not have trailing slash");
	assert_refused(&sign, EINVAL,
		"archive/tar: cannot encode header: "
		"invalid PAX record: \"SCHILY.xattr.user.a=b\"");
}

static void records_may_fill_a_mebibyte(void **state)
{
	char *value = malloc(MEBIBYTE);
	struct xattr xattr = { "user.a", value, MEBIBYTE - 29 };
	const struct tar_header header = { .type = TAR_FILE,
		.name = "a",
		.link = "",
		.mode = 0700,
		.xattrs = &xattr,
		.xattr_count = 1 };

	(void)state;
	assert_non_null(value);
	memset(value, 'v', MEBIBYTE);
	assert_encoded(&header, MEBIBYTE + 2 * TAR_BLOCK_BYTES, "5503c87a1f228fea");
	xattr.value_bytes++;
	assert_refused(&header, E2BIG, "archive/tar: header field too long");
	free(value);
}

static void content_is_filled_up_to_a_block(void **state)
{
	(void)state;
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	assert_int_equal(tar_padding(UINT64_C(8589934593)), 511);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fields_are_where_and_as_go_puts_them),
		cmocka_unit_test(every_type_is_plain_ustar),
		cmocka_unit_test(a_long_name_is_split_or_has_a_record),
		cmocka_unit_test(bytes_outside_ascii_are_in_a_record_as_they_are),
		cmocka_unit_test(what_eight_octal_digits_cannot_say_has_a_record),
		cmocka_unit_test(a_time_with_a_fraction_has_a_record),
		cmocka_unit_test(the_year_1_is_no_time_at_all),
		cmocka_unit_test(a_record_counts_the_digits_of_its_own_length),
		cmocka_unit_test(xattrs_are_records_of_any_bytes_and_a_split_name_has_one_too_then),
		cmocka_unit_test(what_cannot_be_written_is_refused_with_go_s_text),
		cmocka_unit_test(records_may_fill_a_mebibyte),
		cmocka_unit_test(content_is_filled_up_to_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
