/* SPDX-License-Identifier: Apache-2.0 */
/* Which codec a layer is for, told by its first bytes. */
#include "decompressor/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
	const char *head;
	size_t length;
	enum oakum_compression id;
} heads[] = {
	{ BYTES("\x1f\x8b\x08"), OAKUM_COMPRESSION_GZIP },
	{ BYTES("\x28\xb5\x2f\xfd"), OAKUM_COMPRESSION_ZSTD },
	{ BYTES("\x50\x2a\x4d\x18"), OAKUM_COMPRESSION_ZSTD },
	{ BYTES("\x5f\x2a\x4d\x18"), OAKUM_COMPRESSION_ZSTD },
	{ BYTES("\xfd"
		"7zXZ\0"),
		OAKUM_COMPRESSION_XZ },
	{ BYTES("BZh11AY&SY"), OAKUM_COMPRESSION_BZIP2 },
	{ BYTES("BZh91AY&SY"), OAKUM_COMPRESSION_BZIP2 },
	{ BYTES("BZh9\x17\x72\x45\x38\x50\x90"), OAKUM_COMPRESSION_BZIP2 },
	{ BYTES("\x04\x22\x4d\x18"), OAKUM_COMPRESSION_LZ4 },
	{ BYTES("\x02\x21\x4c\x18"), OAKUM_COMPRESSION_LZ4 },
	{ BYTES(""), OAKUM_COMPRESSION_NONE },
	{ BYTES("\0\0\0\0\0\0\0\0\0\0"), OAKUM_COMPRESSION_NONE },
	{ BYTES("etc/passwd"), OAKUM_COMPRESSION_NONE },
	/* Names of files, all of them. */
	{ BYTES("BZhang/cv.pdf"), OAKUM_COMPRESSION_NONE },
	{ BYTES("BZh9/photos"), OAKUM_COMPRESSION_NONE },
	{ BYTES("P*M/"), OAKUM_COMPRESSION_NONE },
	{ BYTES("7zXZ/readme"), OAKUM_COMPRESSION_NONE },
	/* Formats that no layer has. */
	{ BYTES("PK\x03\x04zipzip"), OAKUM_COMPRESSION_NONE },
	{ BYTES("\x1f\x9d\x90"), OAKUM_COMPRESSION_NONE },
	{ BYTES("\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff"), OAKUM_COMPRESSION_NONE },
};

static void a_format_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct codec *codec =
			codec_detect((const unsigned char *)heads[i].head, heads[i].length);
		if (codec->id != heads[i].id)
			fail_msg("head %zu is taken for %s", i, codec->name);
	}
}

static void a_magic_that_is_cut_off_is_known_as_such(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const unsigned char *head = (const unsigned char *)heads[i].head;
		size_t length = 0;
		assert_false(codec_is_cut_off(head, 0));
		if (heads[i].id == OAKUM_COMPRESSION_NONE)
			continue;
		while (codec_detect(head, ++length)->id == OAKUM_COMPRESSION_NONE)
			assert_true(codec_is_cut_off(head, length));
		assert_false(codec_is_cut_off(head, heads[i].length));
	}
}

static void no_byte_beyond_the_length_is_looked_at(void **state)
{
	static const unsigned char head[] = "\x28\xb5\x2f\xfd";

	(void)state;
	for (size_t length = 0; length < 4; length++)
		assert_int_equal(codec_detect(head, length)->id, OAKUM_COMPRESSION_NONE);
}

static void a_name_that_only_starts_like_a_magic_is_not_cut_off(void **state)
{
	(void)state;
	assert_false(codec_is_cut_off((const unsigned char *)"BZhang", 6));
	assert_false(codec_is_cut_off((const unsigned char *)"etc", 3));
	assert_false(codec_is_cut_off((const unsigned char *)"\0\0", 2));
}

static void every_codec_has_the_name_that_the_library_tells(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct codec *codec =
			codec_detect((const unsigned char *)heads[i].head, heads[i].length);
		assert_string_equal(codec->name, oakum_compression_name(codec->id));
		assert_string_not_equal(oakum_engine_name(codec->engine), "unknown");
		assert_int_equal(
			codec->engine == OAKUM_ENGINE_NONE, codec->id == OAKUM_COMPRESSION_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_format_is_known_by_its_first_bytes),
		cmocka_unit_test(a_magic_that_is_cut_off_is_known_as_such),
		cmocka_unit_test(no_byte_beyond_the_length_is_looked_at),
		cmocka_unit_test(a_name_that_only_starts_like_a_magic_is_not_cut_off),
		cmocka_unit_test(every_codec_has_the_name_that_the_library_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
