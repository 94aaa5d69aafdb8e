/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse maps that lie, metadata that is abused, and archives that are small but want much. */
#include "support/hostile.h"
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define REFUSED .strict = EBADMSG, .compat = EBADMSG
#define PAST_LIMIT .strict = EFBIG, .compat = EFBIG
#define TIB (UINT64_C(1) << 40)

static void a_sparse_file_has_holes_and_one_map(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "S02",
			.layer = LAYER(pax_sparse_10("s", 1 << 20, "abcd",
					       REGIONS({ 4096, 4 }, { 1 << 20, 0 })),
				file("after", "x")),
			.tree = "f after =x\nf s (1048576 bytes)\n" },
		{ .id = "S01",
			.layer = LAYER(pax_sparse_00("s", 8, "ab", REGIONS({ 2, 2 }, { 8, 0 }))),
			.tree = "f s =\n" },
		{ .id = "S01",
			.layer = LAYER(pax_sparse_01("s", 4, "ab", REGIONS({ 0, 2 }, { 4, 0 }))),
			.tree = "f s =ab\n" },
		{ .id = "S01",
			.layer = LAYER(old_sparse("s", 4, "ab", REGIONS({ 0, 2 }, { 4, 0 }))),
			.tree = "f s =ab\n" },
		{ .id = "S03",
			.layer =
				LAYER(pax_sparse_10("s", INT64_MAX, "", REGIONS({ INT64_MAX, 0 }))),
			PAST_LIMIT,
			.entry = "s",
			.says = "logical-bytes=1099511627776" },
		{ .id = "S03",
			.layer = LAYER(pax_sparse_10("s", TIB + 1, "", REGIONS({ TIB + 1, 0 }))),
			PAST_LIMIT },
		{ .id = "S05",
			.layer = LAYER(
				pax_sparse_10("s", 10, "abcdef", REGIONS({ 0, 4 }, { 2, 2 }))),
			REFUSED,
			.entry = "s" },
		{ .id = "S05",
			.layer = LAYER(pax_sparse_01("s", 10, "abcd", REGIONS({ 4, 2 }, { 0, 2 }))),
			REFUSED,
			.entry = "pax" },
		{ .id = "S05",
			.layer = LAYER(old_sparse("s", 10, "abcd", REGIONS({ 4, 2 }, { 4, 2 }))),
			REFUSED,
			.entry = "s" },
		{ .id = "S06",
			.layer = LAYER(pax_sparse_10("s", 3, "abcd", REGIONS({ 0, 4 }))),
			REFUSED,
			.entry = "s" },
		{ .id = "S06",
			.layer = LAYER(pax_sparse_10("s", 100, "ab", REGIONS({ INT64_MAX, 2 }))),
			REFUSED },
		{ .id = "S08",
			.layer = LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0",
					       "GNU.sparse.realsize=4"),
				file("s", "99\n")),
			REFUSED },
		{ .id = "S08",
			.layer = LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0",
					       "GNU.sparse.realsize=4"),
				file("s", "-1\n0\n0\n")),
			REFUSED },
		{ .id = "S08",
			.layer = LAYER(pax("GNU.sparse.major=2", "GNU.sparse.minor=0",
					       "GNU.sparse.realsize=4"),
				file("s", "0\n")),
			REFUSED },
		{ .id = "S08",
			.layer = LAYER(pax("GNU.sparse.realsize=4"), file("s", "abcd")),
			REFUSED },
		{ .id = "S08",
			.layer = LAYER(pax("GNU.sparse.size=4", "GNU.sparse.numblocks=2",
					       "GNU.sparse.map=0,2"),
				file("s", "ab")),
			REFUSED },
		{ .id = "S08",
			.layer = LAYER(pax("SUN.holesdata= 0 2 4"), file("s", "ab")),
			REFUSED },
		{ .id = "S09",
			.layer = LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0",
					       "GNU.sparse.realsize=0"),
				directory("s")),
			REFUSED },
	};

	(void)state;
	RUN(cases);
}

/* Blocks of regions, each saying that another one follows. */
static void endless_maps_meet_their_limit(void **state)
{
	struct hostile_case hostile = { .id = "S07", PAST_LIMIT, .says = "sparse-entries=65536" };
	struct member head = header('S', "s", .format = FORMAT_GNU, .stated_bytes = 1 << 30,
		PATCHED({ FIELD_GNU_REGIONS, RAW("00000000000\0"
						 "00000001000\0"
						 "00000002000\0"
						 "00000001000\0"
						 "00000004000\0"
						 "00000001000\0"
						 "00000006000\0"
						 "00000001000\0") },
			{ FIELD_GNU_IS_EXTENDED, RAW("\1") },
			{ FIELD_GNU_REAL_BYTES, RAW("77777777777\0") }));
	struct tarball tar = { 0 };
	char block[512];

	(void)state;
	tarball_add(&tar, &head);
	for (unsigned int i = 0; i < 4000; i++) {
		memset(block, 0, sizeof(block));
		for (unsigned int j = 0; j < 21; j++)
			snprintf(block + 24 * j, 25, "%011o%c%011o", (4 + i * 21 + j) * 1024, 0,
				512);
		block[504] = 1;
		tarball_add_bytes(&tar, block, sizeof(block));
	}
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_COMPAT);
	tarball_free(&tar);

	/* And one that promises them in a line. */
	hostile.id = "S04";
	tar = tarball_of(
		LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=4"),
			file("s", "9999999\n0\n1\n")));
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_COMPAT);
	tarball_free(&tar);
	hostile_end();
}

#define CAPABILITY "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void metadata_is_what_the_layer_says_and_no_more(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "X01",
			.layer = LAYER(file("su", "x", .mode = 06755, .uid = 5, .gid = 6),
				directory("d", .mode = 07777)),
			.tree = "d d 7777\nf su 6755 5:6 =x\n" },
		{ .id = "X01",
			.layer = LAYER(
				file("su", "x", .mode = 06755), directory("d", .mode = 07777)),
			.tree = "d d 1777\nf su 755 =x\n",
			.with = { .privileges = OAKUM_PRIVILEGES_DROP } },
		{ .id = "X02",
			.layer =
				LAYER(pax_body(RAW("57 SCHILY.xattr.security.capability=" CAPABILITY
						   "\n")),
					file("ping", "", .uid = 5)),
			.tree = "f ping 5:0 security.capability=\\x01\\x00\\x00\\x02\\x00 "
				"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
				"\\x00\n" },
		{ .id = "X02",
			.layer = LAYER(
				pax("SCHILY.xattr.security.capability=junk"), file("ping", "")),
			REFUSED,
			.entry = "ping",
			.says = "capability" },
		{ .id = "X03",
			.layer = LAYER(block_device("sda", 8, 0, .mode = 0660),
				character_device("mem", 1, 1)),
			.tree = "c mem 1:1\nb sda 8:0 660\n" },
		{ .id = "X03",
			.layer = LAYER(block_device("sda", 8, 0), file("a", "x")),
			.tree = "f a =x\n",
			.dropped_entries = 1,
			.with = { .devices = OAKUM_DEVICES_SKIP } },
		{ .id = "X04",
			.layer = LAYER(
				pax("SCHILY.xattr.security.selinux=system_u:object_r:etc_t:s0"),
				file("a", "")),
			.tree = "f a\n",
			.dropped_xattrs = 1 },
		{ .id = "X05",
			.layer = LAYER(pax("SCHILY.xattr.security.ima=signature",
					       "SCHILY.xattr.security.evm=x"),
				file("a", "")),
			.tree = "f a\n",
			.dropped_xattrs = 2 },
		{ .id = "X06",
			.layer = LAYER(pax("SCHILY.acl.access=user::rw-,user:root:rw-:0,group::r--,"
					   "mask::rw-,other::---"),
				file("a", "", .mode = 0660)),
			.tree = "f a 660 "
				"system.posix_acl_access="
				"\\x02\\x00\\x00\\x00\\x01\\x00\\x06\\x00\\xff\\xff\\xff\\xff\\x02"
				"\\x00\\x06\\x00\\x00\\x00\\x00\\x00\\x04\\x00\\x04\\x00\\xff\\xff"
				"\\xff\\xff\\x10\\x00\\x06\\x00\\xff\\xff\\xff\\xff "
				"\\x00\\x00\\x00\\xff\\xff\\xff\\xff\n" },
		{ .id = "X06",
			.layer = LAYER(pax("SCHILY.acl.access=user::rw-,user:joe:rw-,group::r--,"
					   "mask::rw-,other::---"),
				file("a", "", .mode = 0660)),
			.tree = "f a 640\n",
			.dropped_xattrs = 1 },
		{ .id = "X06",
			.layer = LAYER(
				pax("SCHILY.acl.access=user::rw-,user:9:rwx,group::r--,other::---"),
				file("a", "")),
			REFUSED,
			.entry = "a" },
		{ .id = "X07",
			.layer = LAYER(pax("SCHILY.fflags=immutable,append"), file("a", "x")),
			.tree = "f a =x\n" },
		{ .id = "X08",
			.layer = LAYER(directory(".", .mode = 0777), file("a", "x")),
			.tree = "d . 777\nf a =x\n" },
		{ .id = "X10",
			.layer = LAYER(directory("a", .mode = 0700), file("a", "x"),
				directory("a", .uid = 5), file("a/b", "y")),
			.tree = "d a 5:0\nf a/b =y\n" },
		{ .id = "X11",
			.layer = LAYER(directory("d", .mode = MODE_ZERO), file("d/a", "x"),
				directory("d/e", .mode = 0111), symlink_to("d/e/s", "t")),
			.tree = "d d 0\nf d/a =x\nd d/e 111\nl d/e/s -> t\n" },
		{ .id = "X12",
			.layer = LAYER(pax("RHT.security.selinux=system_u:object_r:etc_t:s0"),
				file("a", "")),
			.tree = "f a\n",
			.dropped_xattrs = 1 },
		{ .id = "X13",
			.layer = LAYER(pax("LIBARCHIVE.xattr.user.a=Yg"), file("a", "")),
			.tree = "f a user.a=b\n" },
		{ .id = "X14",
			.layer = LAYER(file("a", "x", .mode = MODE_ZERO)),
			.tree = "f a 0 =x\n" },
		{ .id = "X15",
			.layer = LAYER(pax("SCHILY.xattr.user.a=1"), file("a", "x"),
				hard_link_to("b", "a", .mode = 0777, .uid = 9)),
			.tree = "f a x2 user.a=1 =x\nf b x2 user.a=1 =x\n" },
		{ .id = "X16",
			.before = LAYER(directory("d", .mode = 02775, .gid = 7)),
			.layer = LAYER(file("d/a", "x"), directory("d/e")),
			.tree = "d d 2775 0:7\nf d/a =x\nd d/e\n" },
	};

	(void)state;
	RUN(cases);
}

/* --- much from little --- */

static void run_both(const struct hostile_case *hostile, struct tarball *tar)
{
	hostile_run_bytes(hostile, tar->bytes, tar->length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(hostile, tar->bytes, tar->length, OAKUM_PROFILE_COMPAT);
	hostile_end();
	tarball_free(tar);
}

static void inodes_are_counted_before_they_run_out(void **state)
{
	const struct hostile_case entries = {
		.id = "R02", PAST_LIMIT, .says = "entries=1000", .with = { .max_entries = 1000 }
	};
	struct tarball tar = { 0 };
	char name[16];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		const struct member member = file(name, "");
		tarball_add(&tar, &member);
	}
	tarball_add(&tar, &(const struct member)END);
	run_both(&entries, &tar);
}

static void stacked_headers_are_refused_at_the_second(void **state)
{
	const struct hostile_case hostile = { .id = "R03", REFUSED };
	const struct member extension = pax("comment=x");
	struct tarball tar = { 0 };

	(void)state;
	for (int i = 0; i < 20000; i++)
		tarball_add(&tar, &extension);
	tarball_add(&tar, &(const struct member)file("a", "x"));
	tarball_add(&tar, &(const struct member)END);
	run_both(&hostile, &tar);
}

/* count attributes of value_bytes each on one file. */
static void add_attributes(struct tarball *tar, unsigned int count, unsigned int value_bytes)
{
	char **records = calloc(count, sizeof(*records));

	assert_non_null(records);
	for (unsigned int i = 0; i < count; i++)
		assert_true(asprintf(&records[i], "SCHILY.xattr.user.a%u=%0*u", i, (int)value_bytes,
				    0U) > 0);
	const struct member member = { .kind = MEMBER_PAX,
		.type_flag = 'x',
		.name = "pax",
		.records = (const char *const *)records,
		.count = count };
	tarball_add(tar, &member);
	for (unsigned int i = 0; i < count; i++)
		free(records[i]);
	free(records);
}

static void attributes_are_counted_and_measured(void **state)
{
	const struct hostile_case flood = {
		.id = "R04", PAST_LIMIT, .entry = "a", .says = "entry-xattrs=1024"
	};
	const struct hostile_case huge = {
		.id = "M50", PAST_LIMIT, .entry = "a", .says = "xattr-bytes=65536"
	};
	struct tarball tar = { 0 };

	(void)state;
	add_attributes(&tar, 5000, 1);
	tarball_add(&tar, &(const struct member)file("a", "x"));
	tarball_add(&tar, &(const struct member)END);
	run_both(&flood, &tar);
	tar = (struct tarball){ 0 };
	add_attributes(&tar, 1, 65537);
	tarball_add(&tar, &(const struct member)file("a", "x"));
	tarball_add(&tar, &(const struct member)END);
	run_both(&huge, &tar);
}

/* Its reader compares each entry of a list with all before it: 50,000 of them took seconds. */
static void a_flood_of_acl_entries_is_counted_before_it_is_read(void **state)
{
	enum { COUNT = 50000, ENTRY_BYTES = sizeof(",user:x:rw-:12345") };
	static const char start[] = "SCHILY.acl.access=user::rw-,group::r--,other::r--,mask::rw-";
	const struct hostile_case hostile = {
		.id = "R07", PAST_LIMIT, .says = "entry-xattrs=1024"
	};
	char *record = malloc(sizeof(start) + (size_t)COUNT * ENTRY_BYTES);
	const char *const records[] = { record };
	const struct member acl = {
		.kind = MEMBER_PAX, .type_flag = 'x', .name = "pax", .records = records, .count = 1
	};
	struct tarball tar = { 0 };
	int length = 0;

	(void)state;
	assert_non_null(record);
	length += sprintf(record, "%s", start);
	for (int i = 0; i < COUNT; i++)
		length += sprintf(record + length, ",user:x:rw-:%d", i);
	tarball_add(&tar, &acl);
	tarball_add(&tar, &(const struct member)file("a", "x"));
	tarball_add(&tar, &(const struct member)END);
	free(record);
	run_both(&hostile, &tar);
}

/* So long a list is sorted, which qsort(3) would not do without a call that no list allows. */
static void a_long_acl_is_sorted_behind_the_walls(void **state)
{
	enum { COUNT = 200, ENTRY_BYTES = sizeof(",user:x:rw-:12345") };
	static const char start[] = "SCHILY.acl.access=mask::rwx,other::r--";
	const struct hostile_case hostile = { .id = "X17" };
	char record[sizeof(start) + COUNT * ENTRY_BYTES + 64];
	const char *const records[] = { record };
	const struct member acl = {
		.kind = MEMBER_PAX, .type_flag = 'x', .name = "pax", .records = records, .count = 1
	};
	struct tarball tar = { 0 };
	int length = sprintf(record, "%s", start);

	(void)state;
	for (int i = 0; i < COUNT; i++)
		length += sprintf(record + length, ",user:x:rw-:%d", 7919 * i % 65521);
	sprintf(record + length, ",group::r--,user::rw-");
	tarball_add(&tar, &acl);
	tarball_add(&tar, &(const struct member)file("a", "x"));
	tarball_add(&tar, &(const struct member)END);
	run_both(&hostile, &tar);
}

static void a_hole_takes_no_space(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "R05",
			.layer = LAYER(pax_sparse_10("s", TIB, "", REGIONS({ TIB, 0 }))),
			.tree = "f s (1099511627776 bytes, empty)\n" },
		{ .id = "R05",
			.layer = LAYER(old_sparse(
				"s", UINT64_C(1) << 32, "", REGIONS({ UINT64_C(1) << 32, 0 }))),
			.tree = "f s (4294967296 bytes, empty)\n" },
		{ .id = "R06",
			.layer = LAYER(pax_sparse_10("s", TIB, "", REGIONS({ TIB, 0 }))),
			PAST_LIMIT,
			.entry = "s",
			.with = { .max_logical_bytes = TIB - 1 } },
	};

	(void)state;
	RUN(cases);
}

static void times_are_exact(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "M38",
			.layer = LAYER(pax("mtime=-1.5"), file("a", "")),
			.tree = "f a @-2.500000000\n",
			.shows_times = true },
		{ .id = "M38",
			.layer = LAYER(file("a", "", .mtime = -86400)),
			.tree = "f a @-86400.000000000\n",
			.shows_times = true },
		{ .id = "M40",
			.layer = LAYER(pax("mtime=1.123456789"), file("a", ""),
				pax("mtime=2.000000001"), directory("d"), pax("mtime=3.5"),
				symlink_to("s", "t"), file("d/late", "", .mtime = 9)),
			.tree = "f a @1.123456789\nd d @2.000000001\nf d/late @9.000000000\nl s "
				"@3.500000000 -> t\n",
			.shows_times = true },
		{ .id = "M40",
			.layer = LAYER(pax("mtime=1.1234567891"), file("a", "")),
			.tree = "f a @1.123456789\n",
			.shows_times = true },
		{ .id = "M39",
			.layer = LAYER(pax("mtime=99999999999999999999"), file("a", "")),
			REFUSED },
		{ .id = "M39", .layer = LAYER(pax("mtime=1e9"), file("a", "")), REFUSED },
		{ .id = "M39", .layer = LAYER(pax("mtime="), file("a", "")), REFUSED },
	};

	(void)state;
	RUN(cases);
}

/* How far a file system gets is its own affair: it stops there, and does not begin anew. */
static void the_last_time_is_late(void **state)
{
	struct tarball tar = tarball_of(LAYER(pax("mtime=9223372036854775807"), file("a", ""),
		pax("mtime=9223372036854775807"), directory("d"), pax("mtime=9223372036854775807"),
		symlink_to("s", "t")));
	static const char *const names[] = { "a", "d", "s" };
	int layer_fd = memory_file(tar.bytes, tar.length);
	struct oakum_error err;
	struct scratch scratch;
	struct stat status;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			fstatat(scratch.rootfs_fd, names[i], &status, AT_SYMLINK_NOFOLLOW), 0);
		assert_true(status.st_mtime >= INT32_MAX);
	}
	close(layer_fd);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sparse_file_has_holes_and_one_map),
		cmocka_unit_test(endless_maps_meet_their_limit),
		cmocka_unit_test(metadata_is_what_the_layer_says_and_no_more),
		cmocka_unit_test(inodes_are_counted_before_they_run_out),
		cmocka_unit_test(stacked_headers_are_refused_at_the_second),
		cmocka_unit_test(attributes_are_counted_and_measured),
		cmocka_unit_test(a_flood_of_acl_entries_is_counted_before_it_is_read),
		cmocka_unit_test(a_long_acl_is_sorted_behind_the_walls),
		cmocka_unit_test(a_hole_takes_no_space),
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(the_last_time_is_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return hostile_main(run);
}
