/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that are damaged, or that two readers take for two things. */
#include "support/hostile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define REFUSED .strict = EBADMSG, .compat = EBADMSG

static void a_size_is_a_size(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M02",
			.layer = LAYER(file("a", "x",
				PATCHED({ FIELD_SIZE, RAW("\377\377\377\377\377\377\377\377\377\377"
							  "\377\377") }))),
			REFUSED,
			.entry = "a" },
		{ .id = "M03",
			.layer = LAYER(file("a", "x",
				PATCHED({ FIELD_SIZE,
					RAW("\200\0\0\0\177\377\377\377\377\377\377\377") }))),
			REFUSED },
		{ .id = "M42",
			.layer = LAYER(
				file("a", "x", PATCHED({ FIELD_SIZE, RAW("0000000001x\0") }))),
			REFUSED },
		{ .id = "M42",
			.layer = LAYER(
				file("a", "x", PATCHED({ FIELD_SIZE, RAW("00000000019\0") }))),
			REFUSED },
		{ .id = "M42",
			.layer = LAYER(
				file("a", "x", PATCHED({ FIELD_SIZE, RAW("-0000000001\0") }))),
			REFUSED },
		{ .id = "M42",
			.layer = LAYER(
				file("a", "x", PATCHED({ FIELD_SIZE, RAW("0x000000001\0") }))),
			REFUSED },
		{ .id = "M43",
			.layer = LAYER(
				file("a", "x", PATCHED({ FIELD_SIZE, RAW("         1 \0") }))),
			.tree = "f a =x\n" },
		{ .id = "M43",
			.layer =
				LAYER(file("a", "x", PATCHED({ FIELD_SIZE, RAW("          1 ") }))),
			.tree = "f a =x\n" },
		{ .id = "M56",
			.layer = LAYER(file("a", "x",
				PATCHED({ FIELD_SIZE, RAW("\200\0\0\0\0\0\0\0\0\0\0\1") }))),
			.tree = "f a =x\n" },
		/* The size of what has no body is ignored in compat, as Go does: what follows is a
		   header. */
		{ .id = "M23",
			.layer = LAYER(directory("d", .stated_bytes = 4), file("a", "x")),
			.strict = EBADMSG,
			.entry = "d",
			.says = "body",
			.tree = "f a =x\nd d\n" },
		{ .id = "M23", .layer = LAYER(directory("d", .text = "body")), REFUSED },
		{ .id = "M24",
			.layer = LAYER(symlink_to("s", "t", .stated_bytes = 4), file("a", "x")),
			.strict = EBADMSG,
			.entry = "s",
			.tree = "f a =x\nl s -> t\n" },
		{ .id = "M24", .layer = LAYER(symlink_to("s", "t", .text = "body")), REFUSED },
		{ .id = "M25",
			.layer = LAYER(fifo("p", .stated_bytes = 4), file("a", "x")),
			.strict = EBADMSG,
			.entry = "p",
			.tree = "f a =x\np p\n" },
		{ .id = "M25",
			.layer = LAYER(character_device("c", 1, 3, .text = "body")),
			REFUSED },
		{ .id = "M23",
			.layer = LAYER(pax("size=4"), directory("d", .text = "body")),
			REFUSED,
			.entry = "d" },
		{ .id = "M09",
			.layer = LAYER(pax("size=1024"), file("outer", "", .stated_bytes = 0),
				file("inner", ""), zero_blocks(1), file("after", "y")),
			.tree = "f after =y\nf outer (1024 bytes)\n" },
		{ .id = "M19", .layer = LAYER(pax("size=-1"), file("a", "x")), REFUSED },
		{ .id = "M20", .layer = LAYER(pax("size=+1"), file("a", "x")), REFUSED },
		{ .id = "M20", .layer = LAYER(pax("size=1 "), file("a", "x")), REFUSED },
		{ .id = "M20", .layer = LAYER(pax("size=0x1"), file("a", "x")), REFUSED },
		{ .id = "M20", .layer = LAYER(pax("size="), file("a", "x")), REFUSED },
		{ .id = "M57",
			.layer = LAYER(pax("size=9223372036854775807"), file("a", "x")),
			REFUSED },
		{ .id = "M57",
			.layer = LAYER(pax("size=18446744073709551617"), file("a", "x")),
			REFUSED },
	};

	(void)state;
	RUN(cases);
}

/* The size of pax wins: what it covers is content, and never an entry. */
static void the_size_of_pax_wins(void **state)
{
	struct tarball inner = tarball_of(LAYER(file("inner", "evil")));
	struct tarball tar = { 0 };
	char record[64];
	struct hostile_case hostile = { .id = "M09", .tree = "f after =y\nf outer (2560 bytes)\n" };

	(void)state;
	assert_int_equal(inner.length, 2048);
	tarball_add_bytes(&inner, inner.bytes, 512);
	snprintf(record, sizeof(record), "size=%zu", inner.length);
	const char *const records[] = { record };
	const struct member size = {
		.kind = MEMBER_PAX, .type_flag = 'x', .name = "pax", .records = records, .count = 1
	};
	const struct member outer = file("outer", "");
	const struct member after = file("after", "y");
	tarball_add(&tar, &size);
	tarball_add(&tar, &outer);
	tarball_add_bytes(&tar, inner.bytes, inner.length);
	tarball_add(&tar, &after);
	tarball_add(&tar, &(const struct member)END);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_COMPAT);
	hostile_end();
	tarball_free(&tar);
	tarball_free(&inner);
}

static void an_archive_ends_where_it_says(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M04",
			.layer = CUT_LAYER(file("a", "x"), raw_bytes(RAW("half a header"))),
			REFUSED,
			.says = "cut off" },
		{ .id = "M05",
			.layer = CUT_LAYER(big_file("a", 1000, .stated_bytes = 5000)),
			REFUSED,
			.entry = "a",
			.says = "cut off" },
		{ .id = "M07",
			.layer = LAYER(file("a", "x"), zero_blocks(1), file("b", "y")),
			REFUSED },
		{ .id = "M08",
			.layer = CUT_LAYER(
				file("a", "x"), zero_blocks(2), file("b", "y"), zero_blocks(2)),
			.tree = "f a =x\n",
			.trailing_bytes = 4 * TAR_BLOCK_BYTES },
		/* Zeros are padding, until something follows them. */
		{ .id = "M08",
			.layer = CUT_LAYER(file("a", "x"), zero_blocks(30), raw_bytes(RAW("\0!!"))),
			.tree = "f a =x\n",
			.trailing_bytes = 2 },
		{ .id = "M08",
			.layer = CUT_LAYER(
				file("a", "x"), zero_blocks(2), file("b", "y"), zero_blocks(2)),
			REFUSED,
			.says = "--trailing=ignore",
			.with = { .trailing = OAKUM_TRAILING_REFUSE } },
		{ .id = "M08",
			.layer = CUT_LAYER(file("a", "x"), zero_blocks(20)),
			.tree = "f a =x\n",
			.with = { .trailing = OAKUM_TRAILING_REFUSE } },
		{ .id = "M58",
			.layer = CUT_LAYER(file("a", "x")),
			.strict = EBADMSG,
			.says = "no end",
			.tree = "f a =x\n" },
		{ .id = "M58",
			.layer = CUT_LAYER(file("a", "x"), zero_blocks(1)),
			.tree = "f a =x\n" },
		{ .id = "M45",
			.layer = LAYER(file("a", "x", .format = FORMAT_V7)),
			.tree = "f a =x\n" },
		{ .id = "M44",
			.layer = LAYER(file("\344\366", "x", .checksum = CHECKSUM_SIGNED)),
			.tree = "f \\xe4\\xf6 =x\n" },
		{ .id = "M59",
			.layer = LAYER(file("a", "x", .checksum = CHECKSUM_WRONG)),
			REFUSED },
		{ .id = "M59",
			.layer = LAYER(file("a", "x"),
				raw_bytes(RAW(
					"not a header at all, and so much of it that it would fill "
					"a block: 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 012"))),
			REFUSED },
	};

	(void)state;
	RUN(cases);
}

static void nothing_at_all_is_the_empty_layer(void **state)
{
	const struct hostile_case hostile = { .id = "M47", .tree = "" };

	(void)state;
	hostile_run_bytes(&hostile, "", 0, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(&hostile, "", 0, OAKUM_PROFILE_COMPAT);
	hostile_end();
}

static void extension_headers_belong_to_one_entry_in_one_way(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M10",
			.layer = LAYER(pax("size=3"), long_name("long"), file("a", "x")),
			REFUSED },
		{ .id = "M10",
			.layer = LAYER(pax("path=p"), long_name("long"), file("a", "x")),
			REFUSED },
		{ .id = "M10",
			.layer = LAYER(long_name("long"), pax("path=p"), file("a", "x")),
			REFUSED },
		{ .id = "M10",
			.layer = LAYER(long_link("long"), pax("linkpath=p"), symlink_to("a", "x")),
			REFUSED },
		{ .id = "M10",
			.layer = LAYER(long_name("long"), pax("comment=c"), file("a", "x")),
			.strict = EBADMSG,
			.says = "--profile=compat",
			.tree = "f long =x\n" },
		{ .id = "M12", .layer = LAYER(file("a", "x"), pax("path=b")), REFUSED },
		{ .id = "M12", .layer = LAYER(file("a", "x"), long_name("b")), REFUSED },
		{ .id = "M13",
			.layer = LAYER(pax("path=b"), pax("path=c"), file("a", "x")),
			REFUSED },
		{ .id = "M13",
			.layer = LAYER(long_name("b"), long_name("c"), file("a", "x")),
			REFUSED },
		{ .id = "M14",
			.layer = LAYER(pax_body(RAW("99 path=b\n")), file("a", "x")),
			REFUSED },
		{ .id = "M15",
			.layer = LAYER(pax_body(RAW("0 path=b\n")), file("a", "x")),
			REFUSED },
		{ .id = "M15",
			.layer = LAYER(pax_body(RAW("3 path=b\n")), file("a", "x")),
			REFUSED },
		{ .id = "M16",
			.layer = LAYER(pax_body(RAW("10 path=b\n\n")), file("a", "x")),
			REFUSED },
		{ .id = "M16",
			.layer = LAYER(pax_body(RAW(" 10 path=b\n")), file("a", "x")),
			REFUSED },
		{ .id = "M16",
			.layer = LAYER(pax_body(RAW("+10 path=b\n")), file("a", "x")),
			REFUSED },
		{ .id = "M16",
			.layer = LAYER(pax_body(RAW("10 path=bc")), file("a", "x")),
			REFUSED },
		{ .id = "M17",
			.layer = LAYER(pax_body(RAW("8 path\n\n")), file("a", "x")),
			REFUSED },
		{ .id = "M17", .layer = LAYER(pax_body(RAW("7 path\n")), file("a", "x")), REFUSED },
		{ .id = "M18",
			.layer = LAYER(pax("path=b", "path=c"), file("a", "x")),
			.strict = EBADMSG,
			.says = "twice",
			.tree = "f c =x\n" },
		{ .id = "M22", .layer = LAYER(global_pax("size=3"), file("a", "xyz")), REFUSED },
		{ .id = "M22", .layer = LAYER(global_pax("path=b"), file("a", "x")), REFUSED },
		{ .id = "M22", .layer = LAYER(global_pax("uid=0"), file("a", "x")), REFUSED },
		{ .id = "M60",
			.layer = LAYER(global_pax("comment=0123456789abcdef"), file("a", "x")),
			.tree = "f a =x\n" },
		{ .id = "M32",
			.layer = LAYER(header('X', "pax", .text = "10 path=b\n"), file("a", "x")),
			REFUSED },
		{ .id = "M52",
			.layer = LAYER(pax("linkpath=../outside/secret"), file("a", "x")),
			.tree = "f a =x\n" },
		{ .id = "M53", .layer = LAYER(pax("path="), file("a", "x")), .tree = "f a =x\n" },
		{ .id = "M61",
			.layer = LAYER(pax("comment=x"), directory("d"), pax("VENDOR.key=1"),
				file("a", "x")),
			.tree = "f a =x\nd d\n" },
		{ .id = "M62",
			.layer = LAYER(pax("hdrcharset=BINARY", "path=\344"), file("a", "x")),
			.tree = "f \\xe4 =x\n" },
		{ .id = "M62",
			.layer = LAYER(pax("path=\344"), file("a", "x")),
			.tree = "f \\xe4 =x\n" },
		{ .id = "M63",
			.layer = LAYER(
				header('L', "././@LongLink", .format = FORMAT_GNU, .text = ""),
				file("a", "x")),
			REFUSED },
		{ .id = "M63",
			.layer = LAYER(header('L', "././@LongLink", .format = FORMAT_GNU,
					       .raw = RAW("a\0b\0")),
				file("a", "x")),
			REFUSED },
	};

	(void)state;
	RUN(cases);
}

static void an_extension_is_measured_before_it_is_read(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M54",
			.layer = CUT_LAYER(header('L', "././@LongLink", .format = FORMAT_GNU,
				.stated_bytes = UINT64_C(1) << 40)),
			.strict = EFBIG,
			.compat = EFBIG,
			.says = "pax-bytes=1048576" },
		{ .id = "M55",
			.layer = CUT_LAYER(header('x', "pax", .stated_bytes = UINT64_C(1) << 40)),
			.strict = EFBIG,
			.compat = EFBIG,
			.says = "pax-bytes=1048576" },
		{ .id = "M55",
			.layer = CUT_LAYER(header('g', "pax", .stated_bytes = UINT64_C(1) << 40)),
			.strict = EFBIG,
			.compat = EFBIG },
	};

	(void)state;
	RUN(cases);
}

static void a_type_is_one_that_all_readers_know(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M27", .layer = LAYER(header('7', "a", .text = "x")), .tree = "f a =x\n" },
		{ .id = "M27", .layer = LAYER(header('\0', "a", .text = "x")), .tree = "f a =x\n" },
		{ .id = "M28",
			.layer = LAYER(header('V', "label", .format = FORMAT_GNU), file("a", "x")),
			.tree = "f a =x\n",
			.volume_labels = 1 },
		{ .id = "M28",
			.layer = LAYER(header('V', "label", .format = FORMAT_GNU, .text = "body"),
				file("a", "x")),
			REFUSED },
		{ .id = "M29",
			.layer = LAYER(header('M', "a", .format = FORMAT_GNU, .text = "x")),
			REFUSED,
			.entry = "a" },
		{ .id = "M30",
			.layer = LAYER(header('D', "a", .format = FORMAT_GNU, .text = "Yb\0")),
			REFUSED,
			.entry = "a" },
		{ .id = "M31",
			.layer = LAYER(header('N', "a", .format = FORMAT_GNU, .text = "x")),
			REFUSED },
		{ .id = "M31", .layer = LAYER(header('A', "a", .text = "x")), REFUSED },
		{ .id = "M31", .layer = LAYER(header('I', "a", .text = "x")), REFUSED },
		{ .id = "M31", .layer = LAYER(header('8', "a", .text = "x")), REFUSED },
		{ .id = "M31", .layer = LAYER(header('\377', "a", .text = "x")), REFUSED },
	};

	(void)state;
	RUN(cases);
}

static void numbers_fit_what_they_number(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M33",
			.layer = LAYER(file("a", "", .uid = 4294967295)),
			REFUSED,
			.entry = "a" },
		{ .id = "M33", .layer = LAYER(file("a", "", .gid = 4294967295)), REFUSED },
		{ .id = "M33",
			.layer = LAYER(pax("uid=4294967295"), file("a", "", .mode = 04755)),
			REFUSED },
		{ .id = "M34", .layer = LAYER(file("a", "", .uid = UINT64_C(1) << 32)), REFUSED },
		{ .id = "M34", .layer = LAYER(pax("gid=4294967296"), file("a", "")), REFUSED },
		{ .id = "M35",
			.layer = LAYER(file("a", "",
				PATCHED({ FIELD_UID, RAW("\377\377\377\377\377\377\377\377") }))),
			REFUSED },
		{ .id = "M35", .layer = LAYER(pax("uid=-1"), file("a", "")), REFUSED },
		{ .id = "M36",
			.layer = LAYER(file("a", "", .uid = 4294967294, .gid = 2097152)),
			.tree = "f a 4294967294:2097152\n" },
		{ .id = "M36",
			.layer = LAYER(pax("uid=4294967294", "gid=3000000000"), file("a", "")),
			.tree = "f a 4294967294:3000000000\n" },
		{ .id = "M37",
			.layer = LAYER(character_device("c", 4096, 0)),
			REFUSED,
			.entry = "c" },
		{ .id = "M37", .layer = LAYER(block_device("b", 0, 1 << 20)), REFUSED },
		{ .id = "M37",
			.layer = LAYER(character_device("c", 4095, 1048575)),
			.tree = "c c 4095:1048575\n" },
		{ .id = "M64",
			.layer = LAYER(file("a", "", PATCHED({ FIELD_MODE, RAW("100644 \0") }))),
			.tree = "f a\n" },
		{ .id = "M64",
			.layer = LAYER(file("a", "", PATCHED({ FIELD_MODE, RAW("rw-r--r-") }))),
			REFUSED },
	};

	(void)state;
	RUN(cases);
}

static void attributes_have_names_and_sizes(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M48", .layer = LAYER(pax("SCHILY.xattr.=x"), file("a", "")), REFUSED },
		{ .id = "M49",
			.layer = LAYER(pax("SCHILY.xattr.nonamespace=x"), file("a", "")),
			REFUSED,
			.entry = "a",
			.says = "namespace" },
		{ .id = "M49",
			.layer = LAYER(pax("SCHILY.xattr.user.=x"), file("a", "")),
			REFUSED },
		{ .id = "M65",
			.layer = LAYER(
				pax_body(RAW("29 SCHILY.xattr.user.a\0b=xyz\n")), file("a", "")),
			REFUSED },
		{ .id = "M66",
			.layer = LAYER(pax_body(RAW("30 SCHILY.xattr.user.a=\0\1\2\3\n\377\n")),
				file("a", "")),
			.tree = "f a user.a=\\x00\\x01\\x02\\x03\\x0a\\xff\n" },
		/* bsdtar writes both; of two that differ some readers know the first alone. */
		{ .id = "M67",
			.layer = LAYER(pax("SCHILY.xattr.user.a=b", "LIBARCHIVE.xattr.user.a=Yg"),
				file("a", "")),
			.tree = "f a user.a=b\n" },
		{ .id = "M67",
			.layer = LAYER(pax("SCHILY.xattr.user.a=1", "LIBARCHIVE.xattr.user.a=Yg"),
				file("a", "")),
			.strict = EBADMSG,
			.entry = "a",
			.says = "twice",
			.tree = "f a user.a=b\n" },
		{ .id = "M67",
			.layer = LAYER(
				pax("LIBARCHIVE.xattr.user.a=Yg", "LIBARCHIVE.xattr.user.%61=Yw"),
				file("a", "")),
			.strict = EBADMSG,
			.entry = "a",
			.tree = "f a user.a=c\n" },
	};

	(void)state;
	RUN(cases);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_is_a_size),
		cmocka_unit_test(the_size_of_pax_wins),
		cmocka_unit_test(an_archive_ends_where_it_says),
		cmocka_unit_test(nothing_at_all_is_the_empty_layer),
		cmocka_unit_test(extension_headers_belong_to_one_entry_in_one_way),
		cmocka_unit_test(an_extension_is_measured_before_it_is_read),
		cmocka_unit_test(a_type_is_one_that_all_readers_know),
		cmocka_unit_test(numbers_fit_what_they_number),
		cmocka_unit_test(attributes_have_names_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return hostile_main(run);
}
