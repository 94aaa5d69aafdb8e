/* SPDX-License-Identifier: Apache-2.0 */
/* What libarchive makes of a stream is what the raw headers say, or it is refused. */
#include "support/scratch.h"
#include "support/tarball.h"
#include "unpacker/tar_reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct limits limits = LIMITS_DEFAULT;
static struct tar_reader *reader;
static struct entry entry;
static struct oakum_error err;
static int stream_fd = -1;

static void open_stream(const struct member *layer, uint32_t profile)
{
	struct tarball tar = tarball_of(layer);
	stream_fd = memory_file(tar.bytes, tar.length);
	const struct tar_reader_options options = {
		.stream_fd = stream_fd,
		.limits = &limits,
		.profile = profile,
	};

	tarball_free(&tar);
	assert_int_equal(tar_reader_new(&options, &reader, &err), 0);
}

static int close_stream(void **state)
{
	(void)state;
	tar_reader_free(reader);
	reader = NULL;
	close(stream_fd);
	return 0;
}

static void must_read(void)
{
	if (tar_reader_next(reader, &entry, &err) != 1)
		fail_msg("%s: %s (%s)", err.entry, err.op, err.detail);
}

static void assert_refused(const struct member *layer)
{
	int r = 1;

	open_stream(layer, OAKUM_PROFILE_STRICT);
	while (r > 0)
		r = tar_reader_next(reader, &entry, &err);
	assert_int_equal(r, -EBADMSG);
	close_stream(NULL);
}

static void every_field_arrives(void **state)
{
	const struct member layer[] = {
		file("./a//b", "content", .mode = 04751, .uid = 70000, .gid = 1 << 22, .mtime = 99),
		directory("d/"),
		symlink_to("l", "../any/thing"),
		hard_link_to("h", "./a/b"),
		character_device("c", 300, 70000),
		block_device("b", 7, 1),
		fifo("p"),
		END,
	};

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.type, ENTRY_FILE);
	assert_string_equal(entry.name, "./a//b");
	assert_string_equal(entry.path, "a/b");
	assert_null(entry.link);
	assert_int_equal(entry.mode, 04751);
	assert_int_equal(entry.uid, 70000);
	assert_int_equal(entry.gid, 1 << 22);
	assert_int_equal(entry.mtime_s, 99);
	assert_int_equal(entry.logical_bytes, 7);
	must_read();
	assert_int_equal(entry.type, ENTRY_DIRECTORY);
	assert_string_equal(entry.path, "d");
	must_read();
	assert_int_equal(entry.type, ENTRY_SYMLINK);
	assert_string_equal(entry.link, "../any/thing");
	must_read();
	assert_int_equal(entry.type, ENTRY_HARD_LINK);
	assert_string_equal(entry.link, "a/b");
	must_read();
	assert_int_equal(entry.type, ENTRY_CHARACTER_DEVICE);
	assert_int_equal(entry.device_major, 300);
	assert_int_equal(entry.device_minor, 70000);
	must_read();
	assert_int_equal(entry.type, ENTRY_BLOCK_DEVICE);
	must_read();
	assert_int_equal(entry.type, ENTRY_FIFO);
	assert_int_equal(tar_reader_next(reader, &entry, &err), 0);
}

static void a_file_whose_name_ends_in_a_slash_is_an_old_directory(void **state)
{
	const struct member layer[] = { file("old/", "", .format = FORMAT_V7), END };
	const struct member with_a_body[] = { file("old/", "x"), END };

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.type, ENTRY_DIRECTORY);
	assert_string_equal(entry.path, "old");
	close_stream(NULL);
	assert_refused(with_a_body);
	open_stream(layer, OAKUM_PROFILE_STRICT);
}

/* Go writes the field of the header without all that is not ASCII: here nothing is left of it. */
static void a_target_that_only_an_extension_has_is_not_lost(void **state)
{
	const struct member layer[] = {
		pax("linkpath=\xc3\xa9"),
		symlink_to("l", ""),
		pax("linkpath=d/\xc3\xa9"),
		hard_link_to("h", ""),
		symlink_to("next", "x"),
		END,
	};

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.type, ENTRY_SYMLINK);
	assert_string_equal(entry.link, "\xc3\xa9");
	must_read();
	assert_int_equal(entry.type, ENTRY_HARD_LINK);
	assert_string_equal(entry.link, "d/\xc3\xa9");
	must_read();
	assert_string_equal(entry.link, "x");
}

/* The ACLs of star and bsdtar are not set; libarchive would mix them into the mode. */
static void a_mode_is_that_of_the_header_whatever_acls_say(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.acl.access=user::rwx,user:lisa:r-x,group::---,mask::r-x,other::---"),
		file("a", "", .mode = 0640),
		END,
	};

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.mode, 0640);
}

static void of_two_attributes_of_a_name_the_last_comes_last(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.a=2"),
		file("a", ""),
		END,
	};

	(void)state;
	open_stream(layer, OAKUM_PROFILE_COMPAT);
	must_read();
	assert_int_equal(entry.xattr_count, 2);
	assert_memory_equal(entry.xattrs[1].value, "2", 1);
}

static void content_comes_with_its_place_in_the_file(void **state)
{
	const struct member layer[] = {
		pax_sparse_10("s", 1 << 20, "abcdefgh", REGIONS({ 4096, 4 }, { 65536, 4 })),
		file("f", "plain"),
		END,
	};
	const void *bytes;
	uint64_t offset;

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.logical_bytes, 1 << 20);
	assert_int_equal(tar_reader_content(reader, &bytes, &offset, &err), 4);
	assert_int_equal(offset, 4096);
	assert_memory_equal(bytes, "abcd", 4);
	assert_int_equal(tar_reader_content(reader, &bytes, &offset, &err), 4);
	assert_int_equal(offset, 65536);
	assert_memory_equal(bytes, "efgh", 4);
	assert_int_equal(tar_reader_content(reader, &bytes, &offset, &err), 0);
	must_read();
	assert_int_equal(tar_reader_content(reader, &bytes, &offset, &err), 5);
	assert_int_equal(offset, 0);
}

static void content_that_nobody_asks_for_is_passed_over(void **state)
{
	const struct member layer[] = { big_file("a", 700000), file("b", "x"), END };

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	must_read();
	assert_string_equal(entry.path, "b");
	assert_int_equal(tar_reader_next(reader, &entry, &err), 0);
}

static void times_before_1970_are_exact(void **state)
{
	const struct member layer[] = {
		pax("mtime=-1.25"),
		file("a", ""),
		pax("mtime=-0.000000001"),
		file("b", ""),
		END,
	};

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.mtime_s, -2);
	assert_int_equal(entry.mtime_ns, 750000000);
	must_read();
	assert_int_equal(entry.mtime_s, -1);
	assert_int_equal(entry.mtime_ns, 999999999);
}

static void a_name_in_any_encoding_keeps_every_byte(void **state)
{
	const struct member layer[] = {
		pax("path=\xff\xfe/\xc3\xa9"),
		file("a", ""),
		pax("linkpath=\xe9"),
		symlink_to("b", "x"),
		long_name("long-\xff"),
		file("c", "", .format = FORMAT_GNU),
		END,
	};

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_string_equal(entry.path, "\xff\xfe/\xc3\xa9");
	must_read();
	assert_string_equal(entry.link, "\xe9");
	must_read();
	assert_string_equal(entry.path, "long-\xff");
}

static void attributes_are_bytes(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.xattr.user.one=1", "SCHILY.xattr.user.two="),
		file("a", ""),
		file("b", ""),
		END,
	};
	size_t seen = 0;

	(void)state;
	open_stream(layer, OAKUM_PROFILE_STRICT);
	must_read();
	assert_int_equal(entry.xattr_count, 2);
	for (size_t i = 0; i < entry.xattr_count; i++) {
		if (strcmp(entry.xattrs[i].name, "user.one") == 0)
			seen += entry.xattrs[i].value_bytes == 1;
		if (strcmp(entry.xattrs[i].name, "user.two") == 0)
			seen += entry.xattrs[i].value_bytes == 0;
	}
	assert_int_equal(seen, 2);
	must_read();
	assert_int_equal(entry.xattr_count, 0);
}

static void the_first_error_is_the_last_word(void **state)
{
	const struct member layer[] = {
		file("a", "1"),
		file("b", "2", .checksum = CHECKSUM_WRONG),
		file("c", "3"),
		END,
	};
	const struct member climbing[] = { file("../a", "1"), END };
	const struct member climbing_link[] = { hard_link_to("a", "../b"), END };

	(void)state;
	assert_refused(layer);
	assert_refused(climbing);
	assert_refused(climbing_link);
	open_stream(layer, OAKUM_PROFILE_STRICT);
}

static void a_stream_that_ends_early_is_told_from_a_bad_one(void **state)
{
	const struct member cut[] = { big_file("a", 5000, .stated_bytes = 50000), END_CUT };
	const struct member bad[] = { header('M', "a"), END };
	const void *bytes;
	uint64_t offset;
	ssize_t got = 1;

	(void)state;
	assert_refused(bad);
	open_stream(cut, OAKUM_PROFILE_STRICT);
	must_read();
	while (got > 0)
		got = tar_reader_content(reader, &bytes, &offset, &err);
	assert_int_equal(got, -EBADMSG);
	assert_true(tar_reader_ended_early(reader));
}

#define STREAM(test) cmocka_unit_test_teardown(test, close_stream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM(every_field_arrives),
		STREAM(a_file_whose_name_ends_in_a_slash_is_an_old_directory),
		STREAM(a_target_that_only_an_extension_has_is_not_lost),
		STREAM(a_mode_is_that_of_the_header_whatever_acls_say),
		STREAM(of_two_attributes_of_a_name_the_last_comes_last),
		STREAM(content_comes_with_its_place_in_the_file),
		STREAM(content_that_nobody_asks_for_is_passed_over),
		STREAM(times_before_1970_are_exact),
		STREAM(a_name_in_any_encoding_keeps_every_byte),
		STREAM(attributes_are_bytes),
		STREAM(the_first_error_is_the_last_word),
		STREAM(a_stream_that_ends_early_is_told_from_a_bad_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
