/* SPDX-License-Identifier: Apache-2.0 */
/* Two readers, one archive: the header check and libarchive find the same members. */
#include "base/error.h"
#include "layer/header_check.h"
#include "support/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

static const struct limits limits = LIMITS_DEFAULT;

/* Feeds all of tar; the checker is the caller's. */
static struct header_check *check_all(const struct tarball *tar, uint32_t profile)
{
	const struct header_check_options options = { .limits = &limits, .profile = profile };
	struct header_check *check = header_check_new(&options);
	struct oakum_error err = { 0 };
	bool ended_early;

	assert_non_null(check);
	if (header_check_feed(check, tar->bytes, tar->length, &err) < 0 ||
		header_check_finish(check, &ended_early, &err) < 0)
		fail_msg("refused: %s: %s", err.entry, err.detail);
	return check;
}

static char letter_of(struct archive_entry *entry)
{
	static const struct {
		unsigned int type;
		char letter;
	} types[] = { { AE_IFREG, '0' }, { AE_IFLNK, '2' }, { AE_IFCHR, '3' }, { AE_IFBLK, '4' },
		{ AE_IFDIR, '5' }, { AE_IFIFO, '6' } };

	if (archive_entry_hardlink(entry) != NULL)
		return '1';
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (archive_entry_filetype(entry) == types[i].type)
			return types[i].letter;
	}
	return '?';
}

/* What was read of libarchive's entry: its content, holes left out. */
static uint64_t content_bytes(struct archive *archive, const char *name)
{
	const void *bytes;
	size_t length;
	la_int64_t offset;
	uint64_t sum = 0;
	int r;

	while ((r = archive_read_data_block(archive, &bytes, &length, &offset)) == ARCHIVE_OK)
		sum += length;
	if (r != ARCHIVE_EOF)
		fail_msg("%s: libarchive: %s", name, archive_error_string(archive));
	return sum;
}

static void compare_member(
	struct archive *archive, struct archive_entry *entry, const struct header_member *member)
{
	const char *name = archive_entry_pathname(entry);
	char type = member->type_flag == 'S' ? '0' : member->type_flag;
	uint64_t size = archive_entry_size_is_set(entry) ? (uint64_t)archive_entry_size(entry) : 0;

	if (archive_read_header_position(archive) != (la_int64_t)member->position)
		fail_msg("%s: at %lld, not at %llu", name,
			(long long)archive_read_header_position(archive),
			(unsigned long long)member->position);
	if (letter_of(entry) != type)
		fail_msg("%s: of type %c, not %c", name, letter_of(entry), type);
	if (size != member->logical_bytes)
		fail_msg("%s: of %llu bytes, not %llu", name, (unsigned long long)size,
			(unsigned long long)member->logical_bytes);
	if (content_bytes(archive, name) > member->stored_bytes)
		fail_msg("%s: has more content than is stored", name);
}

static struct archive *open_tar(const struct tarball *tar)
{
	struct archive *archive = archive_read_new();

	assert_non_null(archive);
	assert_int_equal(archive_read_support_format_tar(archive), ARCHIVE_OK);
	if (archive_read_open_memory(archive, tar->bytes, tar->length) != ARCHIVE_OK)
		fail_msg("libarchive: %s", archive_error_string(archive));
	return archive;
}

static void assert_agree(const struct tarball *tar, uint32_t profile, size_t count)
{
	struct header_check *check = check_all(tar, profile);
	struct archive *archive = open_tar(tar);
	struct archive_entry *entry;
	struct header_member member;
	size_t found = 0;
	int r;

	while ((r = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		found++;
		if (header_check_next(check, &member) == 0)
			fail_msg("%s: only libarchive finds it", archive_entry_pathname(entry));
		compare_member(archive, entry, &member);
	}
	if (r != ARCHIVE_EOF)
		fail_msg("libarchive: %s", archive_error_string(archive));
	assert_int_equal(header_check_next(check, &member), 0);
	assert_int_equal(found, count);
	archive_read_free(archive);
	header_check_free(check);
}

#define A100                                                 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name;
	uint32_t profile;
	size_t count; /* of entries */
	const struct member *members;
} rows[] = {
	{ "all types of ustar", OAKUM_PROFILE_STRICT, 7,
		(const struct member[]){
			directory("d/"),
			file("d/f", "content"),
			symlink_to("d/s", "f"),
			hard_link_to("d/h", "d/f"),
			character_device("d/c", 1, 3),
			block_device("d/b", 8, 0),
			fifo("d/p"),
			END,
		} },
	{ "v7", OAKUM_PROFILE_STRICT, 4,
		(const struct member[]){
			header('\0', "d/", .format = FORMAT_V7),
			header('\0', "d/f", .text = "abc", .format = FORMAT_V7),
			symlink_to("d/s", "f", .format = FORMAT_V7),
			hard_link_to("d/h", "d/f", .format = FORMAT_V7),
			END,
		} },
	{ "a file with a slash is a directory, contiguous ones are files", OAKUM_PROFILE_STRICT, 3,
		(const struct member[]){
			header('0', "d/"),
			header('7', "f", .text = "abc"),
			header('7', "e/"),
			END,
		} },
	{ "prefixes and names of full length", OAKUM_PROFILE_STRICT, 2,
		(const struct member[]){
			file(A100, "abc", .prefix = "b/c"),
			file(A100, "abc", .format = FORMAT_GNU),
			END,
		} },
	{ "long names", OAKUM_PROFILE_STRICT, 3,
		(const struct member[]){
			long_name(A100 "/" A100),
			file("short", "abc", .format = FORMAT_GNU),
			long_link(A100 "/" A100),
			symlink_to("s", "short", .format = FORMAT_GNU),
			long_link(A100 "/" A100),
			long_name(A100 "/d/"),
			directory("d", .format = FORMAT_GNU),
			END,
		} },
	{ "pax records", OAKUM_PROFILE_STRICT, 4,
		(const struct member[]){
			pax("path=" A100 "/" A100, "mtime=-1.5", "uid=70000", "size=3"),
			file("short", "abc", PATCHED({ FIELD_SIZE, RAW("00000000000") })),
			pax("linkpath=" A100 A100),
			symlink_to("s", "short"),
			pax("path=d/"),
			file("f", ""),
			pax("path="),
			file("g", "abc"),
			END,
		} },
	{ "a link's target on what is no link", OAKUM_PROFILE_STRICT, 3,
		(const struct member[]){
			file("f", "abc"),
			pax("linkpath=f"),
			file("g", "abc"),
			pax("linkpath=f"),
			directory("d"),
			END,
		} },
	{ "global headers and volume labels", OAKUM_PROFILE_STRICT, 2,
		(const struct member[]){
			header('V', "label", .format = FORMAT_GNU),
			global_pax("comment=0123456789012345678901234567890123456789"),
			file("f", "abc"),
			global_pax("comment=again"),
			pax("mtime=1"),
			file("g", "abc"),
			END,
		} },
	{ "a global header with nothing after it", OAKUM_PROFILE_STRICT, 0,
		(const struct member[]){ global_pax("comment=git archive of nothing"), END } },
	{ "a label with nothing after it", OAKUM_PROFILE_STRICT, 0,
		(const struct member[]){ header('V', "label", .format = FORMAT_GNU), END } },
	{ "an archive of nothing", OAKUM_PROFILE_STRICT, 0, (const struct member[]){ END } },
	{ "one block of zeros", OAKUM_PROFILE_STRICT, 1,
		(const struct member[]){ file("f", "abc"), zero_blocks(1), END_CUT } },
	{ "no block of zeros", OAKUM_PROFILE_COMPAT, 1,
		(const struct member[]){ file("f", "abc"), END_CUT } },
	{ "something after the end", OAKUM_PROFILE_STRICT, 1,
		(const struct member[]){
			file("f", "abc"), zero_blocks(2), raw_bytes(RAW("garbage")), END_CUT } },
	{ "another archive after the end", OAKUM_PROFILE_STRICT, 1,
		(const struct member[]){
			file("f", "abc"), zero_blocks(2), file("hidden", "abc"), END } },
	{ "sizes that links and directories do not have", OAKUM_PROFILE_COMPAT, 5,
		(const struct member[]){
			directory("d", .stated_bytes = 512),
			symlink_to("s", "f", .stated_bytes = 512),
			fifo("p", .stated_bytes = 512),
			hard_link_to("h", "f", .stated_bytes = 512, .format = FORMAT_GNU),
			file("f", "abc"),
			END,
		} },
	{ "old GNU sparse files", OAKUM_PROFILE_STRICT, 5,
		(const struct member[]){
			old_sparse("a", 4096, "abcd", REGIONS({ 0, 2 }, { 1024, 2 }, { 4096, 0 })),
			old_sparse("b", 99999, "abcdefgh",
				REGIONS({ 0, 1 }, { 10, 1 }, { 20, 1 }, { 30, 1 }, { 40, 1 },
					{ 50, 3 }, { 99999, 0 })),
			old_sparse("c", 8192, "", REGIONS({ 8192, 0 })),
			long_name(A100 "/sparse"),
			old_sparse("d", 1024, "x", REGIONS({ 0, 1 })),
			file("end", "abc"),
			END,
		} },
	{ "an old GNU sparse file with many blocks of regions", OAKUM_PROFILE_STRICT, 2,
		(const struct member[]){
			old_sparse("a", 1 << 20, "",
				REGIONS({ 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 },
					{ 6, 0 }, { 7, 0 }, { 8, 0 }, { 9, 0 }, { 10, 0 },
					{ 11, 0 }, { 12, 0 }, { 13, 0 }, { 14, 0 }, { 15, 0 },
					{ 16, 0 }, { 17, 0 }, { 18, 0 }, { 19, 0 }, { 20, 0 },
					{ 21, 0 }, { 22, 0 }, { 23, 0 }, { 24, 0 }, { 25, 0 },
					{ 26, 0 }, { 27, 0 })),
			file("end", "abc"),
			END,
		} },
	{ "pax sparse files of all versions", OAKUM_PROFILE_STRICT, 7,
		(const struct member[]){
			pax_sparse_00("a", 4096, "abcd", REGIONS({ 0, 2 }, { 1024, 2 })),
			pax_sparse_01("b", 4096, "abcd", REGIONS({ 0, 2 }, { 1024, 2 })),
			pax_sparse_10("c", 4096, "abcd", REGIONS({ 0, 2 }, { 1024, 2 })),
			pax_sparse_10("d", 4096, "", REGIONS({ 4096, 0 })),
			pax_sparse_01("e", 4096, "", REGIONS({ 4096, 0 })),
			pax_sparse_10("f", 1ULL << 39, "z", REGIONS({ (1ULL << 39) - 1, 1 })),
			file("end", "abc"),
			END,
		} },
};

static void both_readers_find_the_same_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tarball tar = tarball_of(rows[i].members);
		print_message("           %s\n", rows[i].name);
		assert_agree(&tar, rows[i].profile, rows[i].count);
		tarball_free(&tar);
	}
}

/* --- archives that libarchive has written --- */

static la_ssize_t keep(struct archive *archive, void *to, const void *bytes, size_t length)
{
	(void)archive;
	tarball_add_bytes(to, bytes, length);
	return (la_ssize_t)length;
}

static void write_entry(struct archive *archive, struct archive_entry *entry, const char *content)
{
	if (content != NULL)
		archive_entry_set_size(entry, (la_int64_t)strlen(content));
	int r = archive_write_header(archive, entry);
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		fail_msg("%s: %s", archive_entry_pathname(entry), archive_error_string(archive));
	if (content != NULL)
		assert_true(archive_write_data(archive, content, strlen(content)) >= 0);
	assert_true(archive_write_finish_entry(archive) >= ARCHIVE_WARN);
}

static struct archive_entry *new_entry(const char *name, unsigned int type)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 1700000000, 0);
	return entry;
}

static void write_plain(
	struct archive *archive, const char *name, unsigned int type, const char *content)
{
	struct archive_entry *entry = new_entry(name, type);

	if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, "some/target");
	if (type == AE_IFCHR || type == AE_IFBLK)
		archive_entry_set_rdev(entry, makedev(8, 3));
	write_entry(archive, entry, content);
	archive_entry_free(entry);
}

static size_t write_all_types(struct archive *archive, bool has_devices)
{
	struct archive_entry *link;

	write_plain(archive, "d/", AE_IFDIR, NULL);
	write_plain(archive, "d/f", AE_IFREG, "content of a file");
	write_plain(archive, "d/empty", AE_IFREG, "");
	write_plain(archive, "d/s", AE_IFLNK, NULL);
	link = new_entry("d/h", AE_IFREG);
	archive_entry_set_hardlink(link, "d/f");
	write_entry(archive, link, NULL);
	archive_entry_free(link);
	if (!has_devices)
		return 5;
	write_plain(archive, "d/c", AE_IFCHR, NULL);
	write_plain(archive, "d/b", AE_IFBLK, NULL);
	write_plain(archive, "d/p", AE_IFIFO, NULL);
	return 8;
}

/* Long names, odd times, large ids, extended attributes: what makes a writer use extensions. */
static size_t write_extremes(struct archive *archive)
{
	struct archive_entry *entry = new_entry(A100 "/" A100 "/" A100 "/f", AE_IFREG);

	archive_entry_set_mtime(entry, -2, 500000000);
	archive_entry_set_uid(entry, 3000000000);
	archive_entry_set_gid(entry, 3000000001);
	archive_entry_xattr_add_entry(entry, "user.binary", "a\0=\nb", 5);
	write_entry(archive, entry, "abc");
	archive_entry_free(entry);
	entry = new_entry(A100 "/" A100 "/s", AE_IFLNK);
	archive_entry_set_symlink(entry, A100 A100 A100);
	write_entry(archive, entry, NULL);
	archive_entry_free(entry);
	entry = new_entry(A100 "/" A100 "/" A100 "/d/", AE_IFDIR);
	write_entry(archive, entry, NULL);
	archive_entry_free(entry);
	return 3;
}

static size_t write_sparse(struct archive *archive)
{
	static const char zeros[8192];
	struct archive_entry *entry = new_entry("sparse", AE_IFREG);

	archive_entry_set_size(entry, sizeof(zeros));
	archive_entry_sparse_add_entry(entry, 512, 512);
	archive_entry_sparse_add_entry(entry, 4096, 1024);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(archive_write_finish_entry(archive), ARCHIVE_OK);
	archive_entry_free(entry);
	return 1;
}

static void what_libarchive_writes_is_read_alike(void **state)
{
	static const struct {
		int (*set_format)(struct archive *archive);
		bool has_devices;
		bool has_extremes;
		bool has_sparse;
	} formats[] = {
		{ archive_write_set_format_v7tar, false, false, false },
		{ archive_write_set_format_ustar, true, false, false },
		{ archive_write_set_format_gnutar, true, false, false },
		{ archive_write_set_format_pax_restricted, true, true, true },
		{ archive_write_set_format_pax, true, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct archive *archive = archive_write_new();
		struct tarball tar = { 0 };
		size_t count;

		assert_int_equal(formats[i].set_format(archive), ARCHIVE_OK);
		assert_int_equal(archive_write_open(archive, &tar, NULL, keep, NULL), ARCHIVE_OK);
		count = write_all_types(archive, formats[i].has_devices);
		if (formats[i].has_extremes)
			count += write_extremes(archive);
		if (formats[i].has_sparse)
			count += write_sparse(archive);
		write_plain(archive, "last", AE_IFREG, "abc");
		assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
		archive_write_free(archive);
		assert_agree(&tar, OAKUM_PROFILE_STRICT, count + 1);
		tarball_free(&tar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_readers_find_the_same_members),
		cmocka_unit_test(what_libarchive_writes_is_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
