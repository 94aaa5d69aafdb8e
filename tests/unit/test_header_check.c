/* SPDX-License-Identifier: Apache-2.0 */
/* The raw blocks: what passes, what does not, and that it makes no difference in what pieces they
 * come. */
#include "base/error.h"
#include "layer/header_check.h"
#include "support/tarball.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS_MAX = 16 };

static const struct limits default_limits = LIMITS_DEFAULT;

struct settings {
	const struct limits *limits; /* NULL: the default ones */
	uint32_t profile;
	uint32_t trailing;
};

struct result {
	int code; /* 0: accepted */
	bool ended_early;
	bool at_end;
	struct oakum_error err;
	size_t count;
	struct header_member members[MEMBERS_MAX];
};

static struct result feed(const struct tarball *tar, const struct settings *settings, size_t piece)
{
	const struct header_check_options options = {
		.limits = settings->limits != NULL ? settings->limits : &default_limits,
		.profile = settings->profile,
		.trailing = settings->trailing,
	};
	struct header_check *check = header_check_new(&options);
	struct result result = { 0 };

	assert_non_null(check);
	for (size_t at = 0; at < tar->length && result.code == 0; at += piece) {
		size_t length = tar->length - at < piece ? tar->length - at : piece;
		result.code = -header_check_feed(check, tar->bytes + at, length, &result.err);
	}
	if (result.code == 0)
		assert_int_equal(header_check_position(check), tar->length);
	if (result.code == 0)
		result.code = -header_check_finish(check, &result.ended_early, &result.err);
	result.at_end = header_check_at_end(check);
	while (result.count < MEMBERS_MAX &&
		header_check_next(check, &result.members[result.count]) == 1)
		result.count++;
	header_check_free(check);
	return result;
}

static void assert_same_result(const struct result *left, const struct result *right)
{
	assert_int_equal(left->code, right->code);
	assert_int_equal(left->ended_early, right->ended_early);
	assert_int_equal(left->count, right->count);
	assert_memory_equal(&left->err, &right->err, sizeof(left->err));
	for (size_t i = 0; i < left->count; i++)
		assert_memory_equal(
			&left->members[i], &right->members[i], sizeof(left->members[i]));
}

static struct result check_tar(const struct tarball *tar, const struct settings *settings)
{
	struct result whole = feed(tar, settings, tar->length + 1);
	struct result in_sevens = feed(tar, settings, 7);
	struct result in_bytes = feed(tar, settings, 1);

	assert_same_result(&whole, &in_sevens);
	assert_same_result(&whole, &in_bytes);
	return whole;
}

static struct result check_layer(const struct member *layer, const struct settings *settings)
{
	struct tarball tar = tarball_of(layer);
	struct result result = check_tar(&tar, settings);

	tarball_free(&tar);
	return result;
}

static const struct settings strict = { .profile = OAKUM_PROFILE_STRICT };
static const struct settings compat = { .profile = OAKUM_PROFILE_COMPAT };

/* --- what is refused, and how it is told --- */

#define LAYER(...)              \
	(const struct member[]) \
	{                       \
		__VA_ARGS__     \
	}

#define BASE_256_NEGATIVE RAW("\377\377\377\377\377\377\377\377\377\377\377\376")
#define BASE_256_LARGEST RAW("\200\0\0\0\177\377\377\377\377\377\377\377")
#define BASE_256_TOO_LARGE RAW("\200\0\0\1\0\0\0\0\0\0\0\0")

struct row {
	const char *name;
	const struct member *layer;
	int strict; /* errno, 0: accepted */
	int compat;
	const char *says; /* in the detail, where strict refuses */
};

static const struct row header_rows[] = {
	{ "a negative size", LAYER(file("a", "", PATCHED({ FIELD_SIZE, BASE_256_NEGATIVE })), END),
		EBADMSG, EBADMSG, "size" },
	{ "the largest size", LAYER(file("a", "", PATCHED({ FIELD_SIZE, BASE_256_LARGEST })), END),
		EBADMSG, EBADMSG, "size" },
	{ "a size of more than 63 bits",
		LAYER(file("a", "", PATCHED({ FIELD_SIZE, BASE_256_TOO_LARGE })), END), EBADMSG,
		EBADMSG, "size" },
	{ "a size over the limit", LAYER(file("a", "", .stated_bytes = (1ULL << 40) + 1), END),
		EFBIG, EFBIG, "logical-bytes=1099511627776" },
	{ "junk in a size", LAYER(file("a", "", PATCHED({ FIELD_SIZE, RAW("0000000000x") })), END),
		EBADMSG, EBADMSG, "size" },
	{ "digits after the NUL of a size",
		LAYER(file("a", "", PATCHED({ FIELD_SIZE, RAW("000\000000001") })), END), EBADMSG,
		EBADMSG, "size" },
	{ "a sign in a size",
		LAYER(file("a", "", PATCHED({ FIELD_SIZE, RAW("-0000000001") })), END), EBADMSG,
		EBADMSG, "size" },
	{ "an 8 in a size", LAYER(file("a", "", PATCHED({ FIELD_SIZE, RAW("00000000008") })), END),
		EBADMSG, EBADMSG, "size" },
	{ "spaces around a size",
		LAYER(file("a", "abc", PATCHED({ FIELD_SIZE, RAW("         3 \0") })), END), 0, 0,
		NULL },
	{ "a size of twelve digits",
		LAYER(file("a", "abc", PATCHED({ FIELD_SIZE, RAW("000000000003") })), END), 0, 0,
		NULL },
	{ "a size in base-256",
		LAYER(file("a", "abc", PATCHED({ FIELD_SIZE, RAW("\200\0\0\0\0\0\0\0\0\0\0\3") })),
			END),
		0, 0, NULL },
	{ "a size of nothing but NULs",
		LAYER(file("a", "", PATCHED({ FIELD_SIZE, RAW("\0\0\0\0\0\0\0\0\0\0\0\0") })), END),
		0, 0, NULL },
	{ "a bad checksum", LAYER(file("a", "", .checksum = CHECKSUM_WRONG), END), EBADMSG, EBADMSG,
		"checksum" },
	{ "a signed checksum", LAYER(file("caf\303\251", "", .checksum = CHECKSUM_SIGNED), END), 0,
		0, NULL },
	{ "an unknown magic", LAYER(file("a", "", PATCHED({ FIELD_MAGIC, RAW("ustar 00") })), END),
		EBADMSG, EBADMSG, "format" },
	{ "junk in a mode", LAYER(file("a", "", PATCHED({ FIELD_MODE, RAW("rwxrwxr") })), END),
		EBADMSG, EBADMSG, "mode" },
	{ "uid -1", LAYER(file("a", "", .uid = UINT32_MAX), END), EBADMSG, EBADMSG, "owner" },
	{ "gid -1", LAYER(file("a", "", .gid = UINT32_MAX), END), EBADMSG, EBADMSG, "owner" },
	{ "uid 2^32", LAYER(file("a", "", .uid = 1ULL << 32), END), EBADMSG, EBADMSG, "owner" },
	{ "a negative uid", LAYER(file("a", "", .uid = (uint64_t)-1), END), EBADMSG, EBADMSG,
		"owner" },
	{ "the largest uid", LAYER(file("a", "", .uid = UINT32_MAX - 1), END), 0, 0, NULL },
	{ "junk in a gid", LAYER(file("a", "", PATCHED({ FIELD_GID, RAW("users") })), END), EBADMSG,
		EBADMSG, "owner" },
	{ "a major of 13 bits", LAYER(character_device("a", 4096, 0), END), EBADMSG, EBADMSG,
		"device" },
	{ "a minor of 21 bits", LAYER(block_device("a", 0, 1 << 20), END), EBADMSG, EBADMSG,
		"device" },
	{ "the largest device", LAYER(block_device("a", 4095, (1 << 20) - 1), END), 0, 0, NULL },
	{ "a device number on a file", LAYER(file("a", "", .device_major = 4096), END), 0, 0,
		NULL },
	{ "a device of v7", LAYER(character_device("a", 1, 3, .format = FORMAT_V7), END), EBADMSG,
		EBADMSG, "device" },
	{ "a time before 1970", LAYER(file("a", "", .mtime = -1), END), 0, 0, NULL },
	{ "a time of more than 63 bits",
		LAYER(file("a", "", PATCHED({ FIELD_MTIME, BASE_256_TOO_LARGE })), END), EBADMSG,
		EBADMSG, "time" },
	{ "regions of a sparse file on an ordinary one",
		LAYER(file("a", "", .format = FORMAT_GNU,
			      PATCHED({ FIELD_GNU_REGIONS, RAW("00000000000") })),
			END),
		EBADMSG, EBADMSG, "sparse" },
	{ "the size of a sparse file on an ordinary one",
		LAYER(file("a", "", .format = FORMAT_GNU,
			      PATCHED({ FIELD_GNU_REAL_BYTES, RAW("00000000777") })),
			END),
		EBADMSG, EBADMSG, "sparse" },
	{ "a prefix in a GNU header",
		LAYER(file("a", "", .format = FORMAT_GNU, .prefix = "usr"), END), EBADMSG, EBADMSG,
		"prefix" },
	{ "bytes after the NUL of a name",
		LAYER(file("", "", PATCHED({ FIELD_NAME, RAW("a\0b") })), END), 0, 0, NULL },
};

static const struct row type_rows[] = {
	{ "a directory with a body", LAYER(directory("a", .stated_bytes = 512), END), EBADMSG, 0,
		"body" },
	{ "a symlink with a body", LAYER(symlink_to("a", "b", .stated_bytes = 512), END), EBADMSG,
		0, "body" },
	{ "a fifo with a body", LAYER(fifo("a", .stated_bytes = 512), END), EBADMSG, 0, "body" },
	{ "a device with a body", LAYER(block_device("a", 8, 0, .stated_bytes = 1), END), EBADMSG,
		0, "body" },
	{ "a hard link with a body", LAYER(hard_link_to("a", "b", .text = "abc"), END), EBADMSG,
		EBADMSG, "body" },
	{ "a hard link with the size of its file",
		LAYER(hard_link_to("a", "b", .stated_bytes = 3, .format = FORMAT_GNU), END),
		EBADMSG, 0, "body" },
	{ "a directory with a body in pax", LAYER(pax("size=512"), directory("a"), END), EBADMSG,
		EBADMSG, "body" },
	{ "a hard link with a body in pax",
		LAYER(pax("size=3"), hard_link_to("a", "b", .text = "abc"), END), EBADMSG, EBADMSG,
		"body" },
	{ "an old directory with a body", LAYER(file("a/", "abc"), END), EBADMSG, EBADMSG, "body" },
	{ "a contiguous file", LAYER(header('7', "a", .text = "abc"), END), 0, 0, NULL },
	{ "a volume label", LAYER(header('V', "a", .format = FORMAT_GNU), file("b", ""), END), 0, 0,
		NULL },
	{ "a volume label with a body", LAYER(header('V', "a", .text = "abc"), END), EBADMSG,
		EBADMSG, "label" },
	{ "part of a file of another volume", LAYER(header('M', "a"), END), EBADMSG, EBADMSG,
		"type" },
	{ "a list of a directory", LAYER(header('D', "a"), END), EBADMSG, EBADMSG, "type" },
	{ "an extension of Solaris", LAYER(header('X', "a", .text = "5 a=\n"), file("a", ""), END),
		EBADMSG, EBADMSG, "type" },
	{ "an ACL of Solaris", LAYER(header('A', "a"), END), EBADMSG, EBADMSG, "type" },
	{ "an old long name", LAYER(header('N', "a"), END), EBADMSG, EBADMSG, "type" },
	{ "an unknown type", LAYER(header('Z', "a"), END), EBADMSG, EBADMSG, "type" },
	{ "type 8", LAYER(header('8', "a"), END), EBADMSG, EBADMSG, "type" },
};

static const struct row extension_rows[] = {
	{ "a pax header for a long name",
		LAYER(pax("path=a"), long_name("b"), file("c", "", .format = FORMAT_GNU), END),
		EBADMSG, EBADMSG, "disagree" },
	{ "a pax size for a long name",
		LAYER(pax("size=1024"), long_name("b"), file("c", "", .format = FORMAT_GNU), END),
		EBADMSG, EBADMSG, "disagree" },
	{ "a long name for a pax header", LAYER(long_name("b"), pax("path=a"), file("c", ""), END),
		EBADMSG, EBADMSG, "disagree" },
	{ "a pax header beside a long name that it does not touch",
		LAYER(pax("mtime=1"), long_name("b"), file("c", "", .format = FORMAT_GNU), END),
		EBADMSG, 0, "disagree" },
	{ "two pax headers", LAYER(pax("mtime=1"), pax("mtime=2"), file("a", ""), END), EBADMSG,
		EBADMSG, "second" },
	{ "two long names", LAYER(long_name("a"), long_name("b"), file("c", ""), END), EBADMSG,
		EBADMSG, "second" },
	{ "two long links", LAYER(long_link("a"), long_link("b"), symlink_to("c", "d"), END),
		EBADMSG, EBADMSG, "second" },
	{ "two global headers",
		LAYER(global_pax("comment=a"), global_pax("comment=b"), file("c", ""), END),
		EBADMSG, EBADMSG, "second" },
	{ "a global header after a pax header",
		LAYER(pax("mtime=1"), global_pax("comment=b"), file("c", ""), END), EBADMSG,
		EBADMSG, "between" },
	{ "a label after a long name", LAYER(long_name("a"), header('V', "l"), file("c", ""), END),
		EBADMSG, EBADMSG, "between" },
	{ "a pax header with no entry", LAYER(pax("mtime=1"), END), EBADMSG, EBADMSG, "no entry" },
	{ "a long name with no entry", LAYER(long_name("a"), END), EBADMSG, EBADMSG, "no entry" },
	{ "a pax header and then nothing", LAYER(pax("mtime=1"), END_CUT), EBADMSG, EBADMSG,
		"cut off" },
	{ "an empty pax header", LAYER(pax_body(RAW("")), file("a", ""), END), 0, 0, NULL },
	{ "an empty long name", LAYER(header('L', "l"), file("a", ""), END), EBADMSG, EBADMSG,
		"empty" },
	{ "a long name of NULs", LAYER(header('L', "l", .raw = RAW("\0\0")), file("a", ""), END),
		EBADMSG, EBADMSG, "empty" },
	{ "a NUL in a long name", LAYER(header('L', "l", .raw = RAW("a\0b")), file("a", ""), END),
		EBADMSG, EBADMSG, "NUL" },
	{ "a long name of 1 TiB", LAYER(header('L', "l", .stated_bytes = 1ULL << 40), END), EFBIG,
		EFBIG, "pax-bytes" },
	{ "a pax header of 1 TiB", LAYER(header('x', "l", .stated_bytes = 1ULL << 40), END), EFBIG,
		EFBIG, "pax-bytes=1048576" },
	{ "extensions over the limit together",
		LAYER(long_name("a"), header('K', "l", .stated_bytes = (1 << 20) - 1), END), EFBIG,
		EFBIG, "pax-bytes" },
	{ "a global header with a comment", LAYER(global_pax("comment=x"), file("a", ""), END), 0,
		0, NULL },
	{ "a global header with a size", LAYER(global_pax("size=512"), file("a", ""), END), EBADMSG,
		EBADMSG, "size" },
	{ "a bad record", LAYER(pax_body(RAW("x")), file("a", ""), END), EBADMSG, EBADMSG,
		"record" },
};

static const struct row end_rows[] = {
	{ "no bytes at all", LAYER(END_CUT), 0, 0, NULL },
	{ "nothing but the end", LAYER(END), 0, 0, NULL },
	{ "nothing but one block of zeros", LAYER(zero_blocks(1), END_CUT), 0, 0, NULL },
	{ "one block of zeros at the end", LAYER(file("a", ""), zero_blocks(1), END_CUT), 0, 0,
		NULL },
	{ "many blocks of zeros at the end", LAYER(file("a", ""), zero_blocks(20), END_CUT), 0, 0,
		NULL },
	{ "one block of zeros in the middle",
		LAYER(file("a", ""), zero_blocks(1), file("b", ""), END), EBADMSG, EBADMSG,
		"one block of zeros" },
	{ "no end", LAYER(file("a", "abc"), END_CUT), EBADMSG, 0, "--profile=compat" },
	{ "half a header", LAYER(file("a", "abc"), raw_bytes(RAW("abc")), END_CUT), EBADMSG,
		EBADMSG, "cut off" },
	{ "half a block of zeros",
		LAYER(file("a", ""), zero_blocks(1), raw_bytes(RAW("\0\0")), END_CUT), EBADMSG,
		EBADMSG, "cut off" },
	{ "no body", LAYER(file("a", "", .stated_bytes = 1), END_CUT), EBADMSG, EBADMSG,
		"cut off" },
	{ "half a body", LAYER(file("a", "", .stated_bytes = 100), raw_bytes(RAW("abc")), END_CUT),
		EBADMSG, EBADMSG, "cut off" },
	{ "a body without its padding",
		LAYER(file("a", "", .stated_bytes = 3), raw_bytes(RAW("abc")), END_CUT), EBADMSG,
		EBADMSG, "cut off" },
	{ "half a pax header",
		LAYER(header('x', "a", .stated_bytes = 100), raw_bytes(RAW("100 ")), END_CUT),
		EBADMSG, EBADMSG, "cut off" },
};

static const struct row sparse_rows[] = {
	{ "a logical size of 8 EiB",
		LAYER(pax_sparse_10("a", INT64_MAX, "", REGIONS({ INT64_MAX, 0 })), END), EFBIG,
		EFBIG, "logical-bytes" },
	{ "an old one of 8 EiB",
		LAYER(old_sparse("a", INT64_MAX, "", REGIONS({ INT64_MAX, 0 })), END), EFBIG, EFBIG,
		"logical-bytes" },
	{ "regions that overlap",
		LAYER(old_sparse("a", 4096, "abcd", REGIONS({ 0, 2 }, { 1, 2 })), END), EBADMSG,
		EBADMSG, "region" },
	{ "regions that go backwards",
		LAYER(old_sparse("a", 4096, "abcd", REGIONS({ 1024, 2 }, { 0, 2 })), END), EBADMSG,
		EBADMSG, "region" },
	{ "regions that overlap in 0.0",
		LAYER(pax_sparse_00("a", 4096, "abcd", REGIONS({ 0, 2 }, { 1, 2 })), END), EBADMSG,
		EBADMSG, "GNU.sparse.numbytes" },
	{ "regions that overlap in 0.1",
		LAYER(pax_sparse_01("a", 4096, "abcd", REGIONS({ 0, 2 }, { 1, 2 })), END), EBADMSG,
		EBADMSG, "GNU.sparse.map" },
	{ "regions that overlap in 1.0",
		LAYER(pax_sparse_10("a", 4096, "abcd", REGIONS({ 0, 2 }, { 1, 2 })), END), EBADMSG,
		EBADMSG, "map" },
	{ "a region past the end", LAYER(old_sparse("a", 10, "abcd", REGIONS({ 8, 4 })), END),
		EBADMSG, EBADMSG, "past its end" },
	{ "a region past the end in 0.0",
		LAYER(pax_sparse_00("a", 10, "abcd", REGIONS({ 8, 4 })), END), EBADMSG, EBADMSG,
		"past its end" },
	{ "a region past the end in 1.0",
		LAYER(pax_sparse_10("a", 10, "abcd", REGIONS({ 8, 4 })), END), EBADMSG, EBADMSG,
		"past its end" },
	{ "more content than regions", LAYER(old_sparse("a", 99, "abcd", REGIONS({ 8, 3 })), END),
		EBADMSG, EBADMSG, "contains unreferenced data" },
	{ "less content than regions", LAYER(pax_sparse_01("a", 99, "ab", REGIONS({ 8, 3 })), END),
		EBADMSG, EBADMSG, "references non-existent data" },
	{ "more content than regions in 1.0",
		LAYER(pax_sparse_10("a", 99, "abcd", REGIONS({ 8, 3 })), END), EBADMSG, EBADMSG,
		"contains unreferenced data" },
	{ "a map promising more than it has",
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", "3\n0\n0\n"), END),
		EBADMSG, EBADMSG, "map" },
	{ "a map longer than its body",
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", "1\n9\n0\n"), END),
		EBADMSG, EBADMSG, "longer than its body" },
	{ "a map with a comment",
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", "#\n1\n9\n0\n", .filled_bytes = 600), END),
		EBADMSG, EBADMSG, "map" },
	{ "a map of a billion regions",
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", "1000000000\n", .filled_bytes = 600), END),
		EFBIG, EFBIG, "sparse-entries=65536" },
	{ "a map whose count wraps round",
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", "9223372036854775808\n", .filled_bytes = 600), END),
		EFBIG, EFBIG, "sparse-entries" },
	{ "no map",
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", ""), END),
		EBADMSG, EBADMSG, "map" },
	{ "a version to come",
		LAYER(pax("GNU.sparse.major=2", "GNU.sparse.minor=0", "GNU.sparse.realsize=9"),
			file("a", "abc"), END),
		EBADMSG, EBADMSG, "map" },
	{ "a sparse directory",
		LAYER(pax("GNU.sparse.size=9", "GNU.sparse.numblocks=0"), directory("a"), END),
		EBADMSG, EBADMSG, "no file" },
	{ "a sparse file with a slash", LAYER(old_sparse("a/", 9, "", REGIONS({ 9, 0 })), END),
		EBADMSG, EBADMSG, "no file" },
	{ "two kinds at once",
		LAYER(pax("GNU.sparse.size=9", "GNU.sparse.numblocks=0"),
			old_sparse("a", 9, "", REGIONS({ 9, 0 })), END),
		EBADMSG, EBADMSG, "two kinds" },
	{ "an old one with a size in pax",
		LAYER(pax("size=1"), old_sparse("a", 9, "a", REGIONS({ 0, 1 })), END), EBADMSG,
		EBADMSG, "two kinds" },
	{ "an old one that is not GNU's", LAYER(header('S', "a"), END), EBADMSG, EBADMSG,
		"not GNU's" },
	{ "a gap in the regions of an old one",
		LAYER(old_sparse("a", 99, "a", REGIONS({ 0, 1 }, { 9, 0 }),
			      PATCHED({ FIELD_GNU_REGIONS + 24, RAW("\0\0\0\0\0\0\0\0\0\0\0\0") })),
			END),
		EBADMSG, EBADMSG, "region" },
	{ "more blocks after the last region",
		LAYER(old_sparse("a", 99, "a", REGIONS({ 0, 1 }),
			      PATCHED({ FIELD_GNU_IS_EXTENDED, RAW("\1") })),
			zero_blocks(1), END),
		EBADMSG, EBADMSG, "region" },
};

static bool is_right(const struct result *result, int code, const char *says)
{
	return result->code == code &&
	       (code == 0 || says == NULL || strstr(result->err.detail, says) != NULL);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct result in_strict = check_layer(rows[i].layer, &strict);
		struct result in_compat = check_layer(rows[i].layer, &compat);
		if (!is_right(&in_strict, rows[i].strict, rows[i].says))
			fail_msg("%s: strict: %d %s", rows[i].name, in_strict.code,
				in_strict.err.detail);
		if (!is_right(&in_compat, rows[i].compat, rows[i].says))
			fail_msg("%s: compat: %d %s", rows[i].name, in_compat.code,
				in_compat.err.detail);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void a_header_says_one_thing_or_is_refused(void **state)
{
	(void)state;
	CHECK_ROWS(header_rows);
}

static void a_type_has_the_body_that_all_readers_give_it(void **state)
{
	(void)state;
	CHECK_ROWS(type_rows);
}

static void an_entry_has_extensions_in_one_way_only(void **state)
{
	(void)state;
	CHECK_ROWS(extension_rows);
}

static void an_archive_ends_where_all_readers_end_it(void **state)
{
	(void)state;
	CHECK_ROWS(end_rows);
}

static void a_sparse_file_has_one_canonical_map(void **state)
{
	(void)state;
	CHECK_ROWS(sparse_rows);
}

/* --- what is found --- */

static void a_member_is_described_as_the_headers_say(void **state)
{
	const struct member layer[] = {
		directory("d/"),
		global_pax("comment=x"),
		pax("path=long", "mtime=-1.5", "size=1025"),
		file("short", "", .filled_bytes = 1025,
			PATCHED({ FIELD_SIZE, RAW("00000000000") })),
		header('\0', "old/", .format = FORMAT_V7),
		pax_sparse_10("s", 4096, "abcd", REGIONS({ 0, 2 }, { 1024, 2 })),
		old_sparse("o", 4096, "ab", REGIONS({ 1024, 2 })),
		END,
	};
	const struct header_member expected[] = {
		{ .position = 0, .type_flag = '5' },
		{ .position = 512,
			.stored_bytes = 1025,
			.logical_bytes = 1025,
			.type_flag = '0',
			.has_mtime = true,
			.mtime_s = -2,
			.mtime_ns = 500000000 },
		{ .position = 4608, .type_flag = '5' },
		{ .position = 5120, .stored_bytes = 516, .logical_bytes = 4096, .type_flag = '0' },
		{ .position = 7680, .stored_bytes = 2, .logical_bytes = 4096, .type_flag = 'S' },
	};
	struct result result = check_layer(layer, &strict);

	(void)state;
	if (result.code != 0)
		fail_msg("%s", result.err.detail);
	assert_true(result.at_end);
	assert_int_equal(result.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < result.count; i++) {
		const struct header_member *found = &result.members[i];
		assert_int_equal(found->position, expected[i].position);
		assert_int_equal(found->stored_bytes, expected[i].stored_bytes);
		assert_int_equal(found->logical_bytes, expected[i].logical_bytes);
		assert_int_equal(found->type_flag, expected[i].type_flag);
		assert_int_equal(found->has_mtime, expected[i].has_mtime);
		assert_int_equal(found->mtime_s, expected[i].mtime_s);
		assert_int_equal(found->mtime_ns, expected[i].mtime_ns);
	}
}

/* CVE-2025-62518: a reader that believes the 0 takes the body for headers. */
static void a_size_in_pax_hides_no_archive_in_a_file(void **state)
{
	const struct member hidden[] = { file("hidden", ""), END };
	struct tarball inner = tarball_of(hidden);
	char size[64];
	const char *const records[] = { size };
	const struct member layer[] = {
		{ .kind = MEMBER_PAX, .name = "pax", .records = records, .count = 1 },
		file("shown", NULL, .raw = { inner.bytes, inner.length },
			PATCHED({ FIELD_SIZE, RAW("00000000000") })),
		file("after", ""),
		END,
	};

	(void)state;
	snprintf(size, sizeof(size), "size=%zu", inner.length);
	struct result result = check_layer(layer, &strict);
	assert_int_equal(result.code, 0);
	assert_int_equal(result.count, 2);
	assert_int_equal(result.members[0].stored_bytes, inner.length);
	tarball_free(&inner);
}

static void an_empty_path_in_pax_leaves_the_name_of_the_header(void **state)
{
	const struct member slash_in_header[] = { pax("path="), file("a/", ""), END };
	const struct member slash_in_pax[] = { pax("path=a/"), file("a", ""), END };
	const struct member slash_hidden[] = { pax("path=a"), file("a/", ""), END };

	(void)state;
	assert_int_equal(check_layer(slash_in_header, &strict).members[0].type_flag, '5');
	assert_int_equal(check_layer(slash_in_pax, &strict).members[0].type_flag, '5');
	assert_int_equal(check_layer(slash_hidden, &strict).members[0].type_flag, '0');
}

static void an_error_names_the_entry_and_the_place(void **state)
{
	const struct {
		const struct member *layer;
		const char *entry;
		const char *says;
	} errors[] = {
		{ LAYER(file("a", ""), file("etc/passwd", "", .uid = UINT32_MAX), END),
			"etc/passwd", "at byte 512 " },
		{ LAYER(file("b", "", .prefix = "a", .uid = UINT32_MAX), END), "a/b",
			"at byte 0 " },
		{ LAYER(pax("path=from/pax"), file("b", "", .uid = UINT32_MAX), END), "from/pax",
			"at byte 1024 " },
		{ LAYER(long_name("from/long"), file("b", "", .uid = UINT32_MAX), END), "from/long",
			"at byte 1024 " },
		{ LAYER(file("a", ""), pax("size=-1"), file("b", ""), END), "pax",
			"size has a value that cannot be; its header is at byte 512 " },
		{ LAYER(file("a", ""), file("b", "", .checksum = CHECKSUM_WRONG), END), "",
			"at byte 512 " },
		{ LAYER(header('D', "dump"), END), "dump", "type" },
		{ LAYER(file("cut", "", .stated_bytes = 1), END_CUT), "cut", "after byte 512" },
		{ LAYER(file("a", ""), raw_bytes(RAW("abc")), END_CUT), "", "after byte 515" },
		{ LAYER(pax_sparse_10("sparse", 1, "a", REGIONS({ 1, 1 })), END), "sparse",
			"past its end" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct result result = check_layer(errors[i].layer, &strict);
		assert_int_equal(result.code, EBADMSG);
		assert_string_equal(result.err.entry, errors[i].entry);
		if (strstr(result.err.detail, errors[i].says) == NULL)
			fail_msg("row %zu: %s", i, result.err.detail);
	}
}

static void only_what_is_missing_is_an_early_end(void **state)
{
	const struct {
		const struct member *layer;
		bool ended_early;
	} rows[] = {
		{ LAYER(file("a", "", .stated_bytes = 1), END_CUT), true },
		{ LAYER(file("a", ""), END_CUT), true },
		{ LAYER(file("a", ""), raw_bytes(RAW("abc")), END_CUT), true },
		{ LAYER(long_name("a"), END_CUT), true },
		{ LAYER(long_name("a"), END), false },
		{ LAYER(file("a", "", .uid = UINT32_MAX), END_CUT), false },
		{ LAYER(file("a", ""), END), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			check_layer(rows[i].layer, &strict).ended_early, rows[i].ended_early);
}

/* --- limits --- */

static void what_follows_the_end_is_counted_and_refused_if_asked(void **state)
{
	const struct limits few = { .logical_bytes = 100, .pax_bytes = 100, .trailing_bytes = 600 };
	const struct settings limited = { .limits = &few };
	const struct settings refusing = { .trailing = OAKUM_TRAILING_REFUSE };
	const struct member zeros[] = { file("a", ""), zero_blocks(3), END_CUT };
	const struct member data[] = { file("a", ""), zero_blocks(2), raw_bytes(RAW("x")),
		END_CUT };
	const struct member more_zeros[] = { file("a", ""), zero_blocks(4), END_CUT };
	const struct member archive[] = { file("a", ""), zero_blocks(2), file("b", ""), END };
	const struct settings both = { .limits = &few, .trailing = OAKUM_TRAILING_REFUSE };
	const struct member much_data[] = { file("a", ""), zero_blocks(2), raw_bytes(RAW("x")),
		zero_blocks(2), END_CUT };
	const struct member late_data[] = { file("a", ""), zero_blocks(4), raw_bytes(RAW("x")),
		END_CUT };

	(void)state;
	assert_int_equal(check_layer(zeros, &limited).code, 0);
	assert_int_equal(check_layer(zeros, &refusing).code, 0);
	assert_int_equal(check_layer(data, &strict).code, 0);
	assert_int_equal(check_layer(archive, &strict).code, 0);
	assert_int_equal(check_layer(archive, &strict).count, 1);
	assert_int_equal(check_layer(data, &refusing).code, EBADMSG);
	assert_int_equal(check_layer(archive, &refusing).code, EBADMSG);
	assert_int_equal(check_layer(more_zeros, &limited).code, EFBIG);
	/* What comes first is said, be it all in one piece. */
	assert_int_equal(check_layer(much_data, &both).code, EBADMSG);
	assert_int_equal(check_layer(late_data, &both).code, EFBIG);
}

/* As in CVE-2026-32288: regions without end; what was read of them is not kept. */
static void a_flood_of_regions_meets_its_limit(void **state)
{
	enum { REGIONS_WANTED = 200000 };
	struct region *regions = calloc(REGIONS_WANTED, sizeof(*regions));
	struct member flood = { .kind = MEMBER_SPARSE_OLD, .name = "flood" };
	struct tarball tar = { 0 };

	(void)state;
	assert_non_null(regions);
	for (size_t i = 0; i < REGIONS_WANTED; i++)
		regions[i].offset = i;
	flood.real_bytes = REGIONS_WANTED;
	flood.regions = regions;
	flood.region_count = REGIONS_WANTED;
	tarball_add(&tar, &flood);
	struct result result = feed(&tar, &strict, tar.length);
	assert_int_equal(result.code, EFBIG);
	assert_string_equal(result.err.entry, "flood");
	tarball_free(&tar);

	flood.region_count = default_limits.sparse_entries;
	tarball_add(&tar, &flood);
	tarball_add(&tar, &(const struct member)END);
	assert_int_equal(feed(&tar, &strict, tar.length).code, 0);
	tarball_free(&tar);
	free(regions);
}

static void take_members(struct header_check *check, size_t count, uint64_t *expected)
{
	struct header_member member;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(header_check_next(check, &member), 1);
		assert_int_equal(member.position, *expected);
		*expected += TAR_BLOCK_BYTES;
	}
}

static void members_wait_until_they_are_asked_for(void **state)
{
	const struct header_check_options options = { .limits = &default_limits };
	struct header_check *check = header_check_new(&options);
	const struct member one = file("a", "");
	struct header_member member;
	struct oakum_error err;
	struct tarball tar = { 0 };
	uint64_t expected = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		tarball_add(&tar, &one);
	for (size_t round = 0; round < 3; round++) {
		assert_int_equal(header_check_feed(check, tar.bytes, tar.length, &err), 0);
		take_members(check, 700, &expected);
	}
	take_members(check, 900, &expected);
	assert_int_equal(header_check_next(check, &member), 0);
	header_check_free(check);
	tarball_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_says_one_thing_or_is_refused),
		cmocka_unit_test(a_type_has_the_body_that_all_readers_give_it),
		cmocka_unit_test(an_entry_has_extensions_in_one_way_only),
		cmocka_unit_test(an_archive_ends_where_all_readers_end_it),
		cmocka_unit_test(a_sparse_file_has_one_canonical_map),
		cmocka_unit_test(a_member_is_described_as_the_headers_say),
		cmocka_unit_test(a_size_in_pax_hides_no_archive_in_a_file),
		cmocka_unit_test(an_empty_path_in_pax_leaves_the_name_of_the_header),
		cmocka_unit_test(an_error_names_the_entry_and_the_place),
		cmocka_unit_test(only_what_is_missing_is_an_early_end),
		cmocka_unit_test(what_follows_the_end_is_counted_and_refused_if_asked),
		cmocka_unit_test(a_flood_of_regions_meets_its_limit),
		cmocka_unit_test(members_wait_until_they_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
