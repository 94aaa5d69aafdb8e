/* SPDX-License-Identifier: Apache-2.0 */
/* Layers whose compression is damaged, doubled, a bomb, or more than one thing. */
#include "support/hostile.h"
#include "support/pack.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define GOOD_TREE "f a =content\n"

/* tar of one file, and of one file of many bytes. */
static struct tarball tar;
static struct tarball large;

static int set_up(void **state)
{
	(void)state;
	tar = tarball_of(LAYER(file("a", "content")));
	large = tarball_of(LAYER(big_file("a", 8 << 20)));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tarball_free(&tar);
	tarball_free(&large);
	return 0;
}

/* Takes the packed bytes. */
static void run_packed(const struct hostile_case *hostile, struct packed packed)
{
	hostile_run_bytes(hostile, packed.bytes, packed.length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(hostile, packed.bytes, packed.length, OAKUM_PROFILE_COMPAT);
	free(packed.bytes);
}

static void accept(const char *id, struct packed packed)
{
	run_packed(&(const struct hostile_case){ .id = id, .tree = GOOD_TREE }, packed);
}

static void refuse(const char *id, struct packed packed, const char *says)
{
	run_packed(
		&(const struct hostile_case){
			.id = id, .strict = EBADMSG, .compat = EBADMSG, .says = says },
		packed);
}

static struct packed copy(const void *bytes, size_t length)
{
	struct packed packed = { malloc(1), 0 };

	pack_append(&packed, bytes, length);
	return packed;
}

static struct packed joined(struct packed first, const void *more, size_t length)
{
	pack_append(&first, more, length);
	return first;
}

static struct packed cut(struct packed packed, size_t bytes)
{
	packed.length -= bytes;
	return packed;
}

/* One bit of the byte so far from the end is another. */
static struct packed flipped(struct packed packed, size_t from_end)
{
	packed.bytes[packed.length - from_end] ^= 1;
	return packed;
}

static struct packed (*const packers[])(const void *, size_t) = {
	pack_gzip,
	pack_zstd,
	pack_xz,
	pack_bzip2,
	pack_lz4,
};

#define PACKERS (sizeof(packers) / sizeof(packers[0]))

static void each_format_is_read_to_its_end(void **state)
{
	static const char *const ids[PACKERS] = { "Z01", "Z10", "Z16", "Z20", "Z22" };

	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		accept(ids[i], packers[i](tar.bytes, tar.length));
		/* Two members, frames or streams are one layer. */
		struct packed first = packers[i](tar.bytes, 700);
		struct packed second = packers[i](tar.bytes + 700, tar.length - 700);
		accept(i == 0	 ? "Z02"
			: i == 2 ? "Z17"
				 : "Z21",
			joined(first, second.bytes, second.length));
		free(second.bytes);
	}
	hostile_end();
}

static void no_format_is_cut_off_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		struct packed whole = packers[i](tar.bytes, tar.length);
		for (size_t missing = 1; missing < whole.length; missing += 3)
			refuse(i == 1 ? "Z14" : "Z06",
				cut(copy(whole.bytes, whole.length), missing), NULL);
		free(whole.bytes);
	}
	hostile_end();
}

static void damage_is_never_a_success(void **state)
{
	(void)state;
	refuse("Z05", flipped(pack_gzip(tar.bytes, tar.length), 8), NULL);
	refuse("Z07", flipped(pack_gzip(tar.bytes, tar.length), 1), NULL);
	refuse("Z13", flipped(pack_zstd(tar.bytes, tar.length), 1), NULL);
	refuse("Z18", flipped(pack_xz(tar.bytes, tar.length), 1), NULL);
	refuse("Z18", flipped(pack_xz(tar.bytes, tar.length), 40), NULL);
	refuse("Z26", flipped(pack_bzip2(tar.bytes, tar.length), 3), NULL);
	refuse("Z27", flipped(pack_lz4(tar.bytes, tar.length), 1), NULL);
	hostile_end();
}

static void what_follows_the_end_is_zeros_or_refused(void **state)
{
	static const char zeros[1000];

	(void)state;
	accept("Z03", joined(pack_gzip(tar.bytes, tar.length), zeros, sizeof(zeros)));
	refuse("Z04", joined(pack_gzip(tar.bytes, tar.length), "garbage", 7), NULL);
	refuse("Z04", joined(pack_zstd(tar.bytes, tar.length), "garbage", 7), NULL);
	refuse("Z04", joined(pack_xz(tar.bytes, tar.length), "garbage", 7), NULL);
	refuse("Z04", joined(pack_bzip2(tar.bytes, tar.length), "garbage", 7), NULL);
	refuse("Z04", joined(pack_lz4(tar.bytes, tar.length), "garbage", 7), NULL);
	/* Another member behind the padding: readers disagree whether it counts. */
	struct packed padded = joined(pack_gzip(tar.bytes, tar.length), zeros, 100);
	struct packed again = pack_gzip(tar.bytes, tar.length);
	refuse("Z28", joined(padded, again.bytes, again.length), NULL);
	free(again.bytes);
	hostile_end();
}

/* The header of gzip with more in it than usual; what is packed follows its ten bytes. */
static struct packed gzip_with(unsigned char flags, const void *extra, size_t length)
{
	struct packed usual = pack_gzip(tar.bytes, tar.length);
	struct packed packed = copy(usual.bytes, 10);

	packed.bytes[3] = flags;
	pack_append(&packed, extra, length);
	pack_append(&packed, usual.bytes + 10, usual.length - 10);
	free(usual.bytes);
	return packed;
}

static void the_header_of_gzip_is_checked_and_never_kept(void **state)
{
	char *name = malloc(1 << 20);
	static const unsigned char header[] = { 0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3 };
	(void)state;
	assert_non_null(name);
	memset(name, 'n', 1 << 20);
	name[(1 << 20) - 1] = '\0';
	accept("Z08", gzip_with(8, "name", 5));
	accept("Z08", gzip_with(16, "comment", 8));
	accept("Z08", gzip_with(4, "\4\0abcd", 6));
	/* Passed over as it comes: nobody keeps it. */
	accept("Z08", gzip_with(8, name, 1 << 20));
	accept("Z08", gzip_with(16, name, 1 << 20));
	refuse("Z29", gzip_with(0x20, "", 0), NULL);
	refuse("Z29", gzip_with(0x80, "", 0), NULL);
	refuse("Z30", gzip_with(2, "\0\0", 2), NULL);
	struct packed usual = pack_gzip(tar.bytes, tar.length);
	uLong crc = crc32(0, header, sizeof(header));
	memcpy(usual.bytes, header, sizeof(header));
	const char right[2] = { (char)(crc & 0xff), (char)(crc >> 8 & 0xff) };
	struct packed checked = copy(usual.bytes, 10);
	pack_append(&checked, right, 2);
	accept("Z30", joined(checked, usual.bytes + 10, usual.length - 10));
	free(usual.bytes);
	free(name);
	hostile_end();
}

static void a_window_is_asked_for_in_vain(void **state)
{
	struct hostile_case past_limit = {
		.id = "Z15", .strict = EFBIG, .compat = EFBIG, .says = "window-bytes=134217728"
	};
	/* A frame with a window of 2 GiB and one block that is its last. */
	static const char zstd[] = "\x28\xb5\x2f\xfd\x00\xa8\x09\x00\x00x";

	(void)state;
	run_packed(&past_limit, copy(zstd, sizeof(zstd) - 1));
	struct packed xz = pack_xz(tar.bytes, tar.length);
	size_t header_bytes = 4 * ((size_t)xz.bytes[12] + 1);
	for (size_t i = 14; i < 12 + header_bytes - 4; i++) {
		if (xz.bytes[i] == 0x21) { /* LZMA2: its size of one byte, then the dictionary */
			xz.bytes[i + 2] = 40;
			break;
		}
	}
	refuse("Z19", copy(xz.bytes, xz.length), NULL);
	uLong crc = crc32(0, xz.bytes + 12, (uInt)header_bytes - 4);
	for (size_t i = 0; i < 4; i++)
		xz.bytes[12 + header_bytes - 4 + i] = (unsigned char)(crc >> 8 * i);
	past_limit.id = "Z19";
	run_packed(&past_limit, xz);
	hostile_end();
}

static void a_bomb_meets_its_limit(void **state)
{
	const struct hostile_case hostile = { .id = "Z09",
		.strict = EFBIG,
		.compat = EFBIG,
		.entry = "a",
		.says = "content-bytes=1048576",
		.with = { .max_content_bytes = 1 << 20 } };
	struct packed zeros;
	char *nothing = calloc(1, 80 << 20);

	(void)state;
	assert_non_null(nothing);
	for (size_t i = 0; i < PACKERS; i++)
		run_packed(&hostile, packers[i](large.bytes, large.length));
	/* Zeros without an entry are a trailer. */
	zeros = pack_zstd(nothing, 80 << 20);
	run_packed(&(const struct hostile_case){ .id = "Z09",
			   .strict = EFBIG,
			   .compat = EFBIG,
			   .says = "trailing-bytes=67108864" },
		zeros);
	free(nothing);
	hostile_end();
}

static void there_is_one_filter_and_its_name_is_known(void **state)
{
	static const struct {
		const char *id;
		const char *bytes;
		size_t length;
	} others[] = {
#define BYTES(literal) literal, sizeof(literal) - 1
		{ "Z24", BYTES("\x1f\x8b") },
		{ "Z24", BYTES("\x28\xb5\x2f\xfd") },
		{ "Z24", BYTES("\xfd"
			       "7zXZ\0") },
		{ "Z24", BYTES("BZh9") },
		{ "Z31", BYTES("\x1f\x9d\x90 compress of old") },
		{ "Z31", BYTES("LZIP\1 and more of it") },
		{ "Z31", BYTES("7z\xbc\xaf\x27\x1c and more of it") },
		{ "Z31", BYTES("Rar!\x1a\7\1\0 and more of it") },
		{ "Z31", BYTES("PK\3\4 and more of it") },
		{ "Z31", BYTES("\x02\x21\x4c\x18 legacy lz4") },
		{ "Z31", BYTES("{\"schemaVersion\": 2}") },
		{ "Z31", BYTES("<html>404</html>") },
		{ "Z31", BYTES("\x1f\x8b\x07 a method that is none") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		refuse(others[i].id, copy(others[i].bytes, others[i].length), NULL);
	for (size_t i = 0; i < PACKERS * PACKERS; i++) {
		struct packed once = packers[i / PACKERS](tar.bytes, tar.length);
		refuse("Z23", packers[i % PACKERS](once.bytes, once.length), NULL);
		free(once.bytes);
	}
	hostile_end();
}

static void nothing_packed_is_the_empty_layer(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++)
		run_packed(
			&(const struct hostile_case){ .id = "Z25", .tree = "" }, packers[i]("", 0));
	hostile_end();
}

static void frames_to_skip_are_skipped(void **state)
{
	static const char skippable[] = "\x50\x2a\x4d\x18\5\0\0\0hello";
	static const char endless[] = "\x50\x2a\x4d\x18\xff\xff\xff\xffhello";
	struct packed zstd = pack_zstd(tar.bytes, tar.length);
	struct packed lz4 = pack_lz4(tar.bytes, tar.length);

	(void)state;
	accept("Z12", joined(copy(skippable, sizeof(skippable) - 1), zstd.bytes, zstd.length));
	accept("Z12", joined(copy(zstd.bytes, zstd.length), skippable, sizeof(skippable) - 1));
	accept("Z32", joined(copy(lz4.bytes, lz4.length), skippable, sizeof(skippable) - 1));
	refuse("Z33", joined(copy(endless, sizeof(endless) - 1), zstd.bytes, zstd.length), NULL);
	refuse("Z33", joined(copy(zstd.bytes, zstd.length), endless, sizeof(endless) - 1), NULL);
	free(zstd.bytes);
	free(lz4.bytes);
	hostile_end();
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_is_read_to_its_end),
		cmocka_unit_test(no_format_is_cut_off_anywhere),
		cmocka_unit_test(damage_is_never_a_success),
		cmocka_unit_test(what_follows_the_end_is_zeros_or_refused),
		cmocka_unit_test(the_header_of_gzip_is_checked_and_never_kept),
		cmocka_unit_test(a_window_is_asked_for_in_vain),
		cmocka_unit_test(a_bomb_meets_its_limit),
		cmocka_unit_test(there_is_one_filter_and_its_name_is_known),
		cmocka_unit_test(nothing_packed_is_the_empty_layer),
		cmocka_unit_test(frames_to_skip_are_skipped),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

int main(void)
{
	return hostile_main(run);
}
