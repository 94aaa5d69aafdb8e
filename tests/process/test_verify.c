/* SPDX-License-Identifier: Apache-2.0 */
/* A layer and a tree: what differs, and nothing else; and that the tree is read, and no more. */
#include "jail/jail.h"
#include "support/host_state.h"
#include "support/manifest.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_AGO = 86400, TEXT_MAX = 1 << 20, BIG = 700000, NOBODY = 65534 };

static struct scratch scratch;
static struct oakum_stats stats;
static struct oakum_error err;
static char text[TEXT_MAX];

static int set_up(void **state)
{
	(void)state;
	umask(0);
	scratch_make(&scratch);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	return 0;
}

/* --- running it --- */

static void unpack_with(const struct member *layer, const struct oakum_unpack_options *options)
{
	struct tarball tar = tarball_of(layer);
	int layer_fd = memory_file(tar.bytes, tar.length);

	if (oakum_unpack(layer_fd, scratch.rootfs_fd, options, NULL, &err) < 0) {
		oakum_error_format(&err, text, sizeof(text));
		fail_msg("%s", text);
	}
	close(layer_fd);
	tarball_free(&tar);
}

static void unpack(const struct member *layer)
{
	unpack_with(layer, NULL);
}

/* The result; what was written is in text. */
static int verify_bytes(
	const void *bytes, size_t length, const struct oakum_unpack_options *options)
{
	struct oakum_job *job;
	int layer_fd = memory_file(bytes, length);
	int text_fd = memory_file("", 0);

	stats = (struct oakum_stats)OAKUM_STATS_INIT;
	memset(&err, 0, sizeof(err));
	int r = oakum_verify_start(layer_fd, scratch.rootfs_fd, text_fd, options, &job, &err);
	if (r == 0)
		r = oakum_job_wait(&job, &stats, &err);
	ssize_t got = pread(text_fd, text, sizeof(text) - 1, 0);
	assert_true(got >= 0);
	text[got] = '\0';
	close(text_fd);
	close(layer_fd);
	return r;
}

static int verify_with(const struct member *layer, const struct oakum_unpack_options *options)
{
	struct tarball tar = tarball_of(layer);
	int r = verify_bytes(tar.bytes, tar.length, options);

	tarball_free(&tar);
	return r;
}

static uint64_t count_lines(void)
{
	uint64_t count = 0;

	for (const char *at = text; *at != '\0'; at++)
		count += *at == '\n';
	return count;
}

static void assert_differs_with(const struct member *layer, const char *expected,
	const struct oakum_unpack_options *options)
{
	int r = verify_with(layer, options);
	char line[4096];

	if (r < 0) {
		oakum_error_format(&err, line, sizeof(line));
		fail_msg("%s", line);
	}
	assert_string_equal(text, expected);
	assert_int_equal(stats.differences, count_lines());
	assert_int_equal(stats.denied_calls, 0);
}

static void assert_differs(const struct member *layer, const char *expected)
{
	assert_differs_with(layer, expected, NULL);
}

static void assert_same(const struct member *layer)
{
	assert_differs(layer, "");
}

static const struct oakum_unpack_options with_extra = {
	.size = sizeof(with_extra),
	.verifying = OAKUM_VERIFYING_EXTRA,
};

static const struct oakum_unpack_options in_json = {
	.size = sizeof(in_json),
	.verifying = OAKUM_VERIFYING_JSON,
};

/* --- changing the tree --- */

static int open_at(const char *path, int flags)
{
	int fd = openat(scratch.rootfs_fd, path, flags | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	return fd;
}

static void set_time(const char *path, time_t seconds)
{
	const struct timespec times[2] = { { seconds, 0 }, { seconds, 0 } };

	assert_int_equal(utimensat(scratch.rootfs_fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void write_at(const char *path, const char *content, off_t offset)
{
	int fd = open_at(path, O_WRONLY | O_CREAT);

	assert_int_equal(pwrite(fd, content, strlen(content), offset), strlen(content));
	close(fd);
}

static void remove_name(const char *path)
{
	if (unlinkat(scratch.rootfs_fd, path, 0) < 0)
		assert_int_equal(unlinkat(scratch.rootfs_fd, path, AT_REMOVEDIR), 0);
}

static void make_directory(const char *path)
{
	assert_int_equal(mkdirat(scratch.rootfs_fd, path, 0755), 0);
}

static void set_xattr(const char *path, const char *name, const char *value)
{
	int fd = open_at(path, O_RDONLY);

	assert_int_equal(fsetxattr(fd, name, value, strlen(value), 0), 0);
	close(fd);
}

static char *manifest_of_rootfs(void)
{
	char path[512];
	char failed_at[4096];
	char *bytes = NULL;
	size_t length;
	FILE *out = open_memstream(&bytes, &length);

	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	assert_int_equal(manifest_print(path, out, failed_at), 0);
	fclose(out);
	assert_int_equal(chdir("/"), 0);
	return bytes;
}

/* --- the same --- */

static const struct member of_every_kind[] = {
	directory("./", .mode = 0750, .mtime = LONG_AGO),
	directory("d", .mode = 0700, .uid = 5, .gid = 6, .mtime = LONG_AGO),
	file("d/f", "content", .mode = 0640, .uid = 7, .mtime = LONG_AGO),
	file("set-id", "", .mode = 06755, .uid = 7, .mtime = LONG_AGO),
	big_file("big", BIG, .mtime = LONG_AGO),
	symlink_to("s", "d/f", .uid = 9, .mtime = LONG_AGO),
	symlink_to("sd", "d", .mtime = LONG_AGO),
	file("sd/through", "a symlink", .mtime = LONG_AGO),
	hard_link_to("h", "d/f", .mode = 0777, .mtime = 5),
	hard_link_to("hs", "s"),
	fifo("p", .mode = 0600, .mtime = LONG_AGO),
	character_device("c", 1, 3, .mode = 0666, .mtime = LONG_AGO),
	block_device("b", 7, 300, .mtime = LONG_AGO),
	pax("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.b=", "mtime=-1.5"),
	file("x", "attributes"),
	pax("SCHILY.acl.access=user::rw-,user:root:r--:0,group::r--,mask::rw-,other::r--"),
	file("acl", "list", .mode = 0640, .mtime = LONG_AGO),
	pax("SCHILY.acl.access=user::rw-,group::r--,other::r--"),
	file("acl-of-mode", "list", .mode = 0640, .mtime = LONG_AGO),
	pax("SCHILY.acl.default=user::rwx,group::r-x,other::r-x"),
	directory("acl-default", .mtime = LONG_AGO),
	pax_sparse_10("holes", 300000, "abcdefgh", REGIONS({ 0, 4 }, { 200000, 4 }, { 300000, 0 })),
	END,
};

static void what_was_unpacked_has_no_differences(void **state)
{
	(void)state;
	unpack(of_every_kind);
	assert_differs_with(of_every_kind, "", &with_extra);
	assert_int_equal(stats.entries, 18);
	assert_int_equal(stats.content_bytes, 7 + BIG + 9 + 10 + 4 + 4 + 8);
#ifndef OAKUM_SANITIZED
	assert_int_equal(stats.level, OAKUM_LEVEL_DETACHED);
#endif
}

static void the_options_of_the_unpack_are_those_of_the_comparison(void **state)
{
	static const struct member layer[] = {
		directory("d", .uid = 1),
		file("d/f", "", .mode = 04755, .uid = 1, .gid = 1),
		file("e/f", "left out"),
		character_device("c", 1, 3),
		END,
	};
	static const char *const exclude[] = { "e", NULL };
	static const struct oakum_id_range map[] = { { 0, 100000, 65536 }, { 0 } };
	const struct oakum_unpack_options *options = OAKUM_UNPACK_OPTIONS(.exclude = exclude,
		.uid_map = map, .gid_map = map, .devices = OAKUM_DEVICES_SKIP,
		.privileges = OAKUM_PRIVILEGES_DROP, .verifying = OAKUM_VERIFYING_EXTRA);

	(void)state;
	unpack_with(layer, options);
	assert_differs_with(layer, "", options);
	assert_int_equal(stats.skipped, 2);
	assert_differs(layer, "d: owner 100001:100000, in the layer 1:0\n"
			      "d/f: mode 0755, in the layer 4755\n"
			      "d/f: owner 100001:100001, in the layer 1:1\n"
			      "e/f: missing\n"
			      "c: missing\n");
}

/* --- each kind of difference --- */

static const struct member one_file[] = { file("f", "content", .mtime = LONG_AGO), END };

static void a_byte_of_content_is_found(void **state)
{
	static const struct member layer[] = { big_file("f", BIG, .mtime = LONG_AGO), END };

	(void)state;
	unpack(layer);
	write_at("f", "y", BIG - 1);
	set_time("f", LONG_AGO);
	assert_differs(layer, "f: content differs at byte 699999\n");
	write_at("f", "xy", 300000);
	set_time("f", LONG_AGO);
	assert_differs(layer, "f: content differs at byte 300001\n");
}

static void a_byte_in_a_hole_is_found(void **state)
{
	const struct member layer[] = {
		pax_sparse_10("f", 300000, "abcd", REGIONS({ 100000, 4 }, { 300000, 0 })),
		END,
	};

	(void)state;
	unpack(layer);
	write_at("f", "y", 290000);
	set_time("f", 0);
	assert_differs(layer, "f: content differs at byte 290000\n");
	write_at("f", "y", 50000);
	set_time("f", 0);
	assert_differs(layer, "f: content differs at byte 50000\n");
}

static void a_hole_on_both_sides_is_not_read_however_long(void **state)
{
	const struct member layer[] = {
		pax_sparse_10("f", 1ULL << 38, "", REGIONS({ 1ULL << 38, 0 })),
		END,
	};

	(void)state;
	unpack(layer);
	assert_same(layer);
	write_at("f", "y", 1L << 37);
	set_time("f", 0);
	assert_differs(layer, "f: content differs at byte 137438953472\n");
}

static void zeros_that_are_written_out_are_as_good_as_a_hole(void **state)
{
	const struct member layer[] = {
		pax_sparse_10("f", 300000, "abcd", REGIONS({ 100000, 4 }, { 300000, 0 })),
		END,
	};
	static const char zeros[300000];

	(void)state;
	int fd = open_at("f", O_WRONLY | O_CREAT);
	assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(pwrite(fd, "abcd", 4, 100000), 4);
	close(fd);
	set_time("f", 0);
	assert_same(layer);
}

static void a_file_that_is_longer_or_shorter_differs_in_size(void **state)
{
	(void)state;
	unpack(one_file);
	write_at("f", "content and more", 0);
	set_time("f", LONG_AGO);
	assert_differs(one_file, "f: size 16, in the layer 7\n");
	int fd = open_at("f", O_WRONLY | O_TRUNC);
	close(fd);
	set_time("f", LONG_AGO);
	assert_differs(one_file, "f: size 0, in the layer 7\n");
}

static void a_mode_that_differs_is_told(void **state)
{
	(void)state;
	unpack(one_file);
	assert_int_equal(fchmodat(scratch.rootfs_fd, "f", 04644, 0), 0);
	assert_differs(one_file, "f: mode 4644, in the layer 0644\n");
	assert_int_equal(fchmodat(scratch.rootfs_fd, "f", 0, 0), 0);
	assert_differs(one_file, "f: mode 0000, in the layer 0644\n");
}

static void an_owner_that_differs_is_told(void **state)
{
	(void)state;
	unpack(one_file);
	assert_int_equal(fchownat(scratch.rootfs_fd, "f", 0, 1, 0), 0);
	assert_differs(one_file, "f: owner 0:1, in the layer 0:0\n");
	assert_int_equal(fchownat(scratch.rootfs_fd, "f", 70000, 0, 0), 0);
	assert_differs(one_file, "f: owner 70000:0, in the layer 0:0\n");
}

static void a_time_that_differs_is_told_to_the_nanosecond(void **state)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT }, { LONG_AGO, 1 } };

	(void)state;
	unpack(one_file);
	assert_int_equal(utimensat(scratch.rootfs_fd, "f", times, 0), 0);
	assert_differs(one_file, "f: mtime 86400.000000001, in the layer 86400.000000000\n");
	set_time("f", -2);
	assert_differs(one_file, "f: mtime -2.000000000, in the layer 86400.000000000\n");
}

static void a_time_before_1970_is_told_as_the_fraction_that_it_is(void **state)
{
	const struct member layer[] = { pax("mtime=-1.25"), file("f", ""), END };
	const struct timespec times[2] = { { 0, UTIME_OMIT }, { -1, 999999999 } };

	(void)state;
	unpack(layer);
	assert_same(layer);
	assert_int_equal(utimensat(scratch.rootfs_fd, "f", times, 0), 0);
	assert_differs(layer, "f: mtime -0.000000001, in the layer -1.250000000\n");
}

static void what_is_missing_is_told_and_what_is_extra_if_asked_for(void **state)
{
	(void)state;
	unpack(one_file);
	remove_name("f");
	make_directory("d");
	write_at("d/g", "", 0);
	assert_differs(one_file, "f: missing\n");
	assert_differs_with(
		one_file, "f: missing\nd/g: not in the layer\nd: not in the layer\n", &with_extra);
}

static void a_directory_that_only_paths_tell_of_is_not_extra(void **state)
{
	static const struct member layer[] = { file("a/b/c", ""), file("a/e/f", ""), END };

	(void)state;
	unpack(layer);
	assert_differs_with(layer, "", &with_extra);
	make_directory("a/b/g");
	make_directory("a/d");
	write_at("a/d/f", "", 0);
	assert_differs_with(layer,
		"a/b/g: not in the layer\na/d/f: not in the layer\na/d: not in the layer\n",
		&with_extra);
}

static void a_thing_of_another_kind_is_told_and_not_opened(void **state)
{
	static const struct member as_directory[] = { directory("f"), END };
	static const struct member as_link[] = { symlink_to("f", "x"), END };

	(void)state;
	assert_int_equal(mknodat(scratch.rootfs_fd, "f", S_IFIFO | 0644, 0), 0);
	assert_differs(one_file, "f: a fifo, in the layer a file\n");
	remove_name("f");
	assert_int_equal(mknodat(scratch.rootfs_fd, "f", S_IFCHR | 0644, makedev(5, 0)), 0);
	assert_differs(one_file, "f: a character device, in the layer a file\n");
	remove_name("f");
	assert_int_equal(symlinkat("x", scratch.rootfs_fd, "f"), 0);
	assert_differs(one_file, "f: a symlink, in the layer a file\n");
	assert_differs(as_directory, "f: a symlink, in the layer a directory\n");
	remove_name("f");
	make_directory("f");
	assert_differs(one_file, "f: a directory, in the layer a file\n");
	assert_differs(as_link, "f: a directory, in the layer a symlink\n");
}

static void where_a_symlink_leads_is_compared_and_not_followed(void **state)
{
	static const struct member layer[] = { symlink_to("s", "/etc/passwd"), END };

	(void)state;
	assert_int_equal(symlinkat("/etc/shadow", scratch.rootfs_fd, "s"), 0);
	set_time("s", 0);
	assert_differs(layer, "s: leads to /etc/shadow, in the layer /etc/passwd\n");
}

static void a_device_has_its_number(void **state)
{
	static const struct member layer[] = { character_device("c", 1, 3, .mode = 0600), END };

	(void)state;
	assert_int_equal(mknodat(scratch.rootfs_fd, "c", S_IFCHR | 0600, makedev(1, 5)), 0);
	set_time("c", 0);
	assert_differs(layer, "c: device 1:5, in the layer 1:3\n");
}

static void hard_links_are_one_file(void **state)
{
	static const struct member layer[] = {
		file("a", "content"),
		hard_link_to("b", "a"),
		END,
	};

	(void)state;
	unpack(layer);
	remove_name("b");
	write_at("b", "content", 0);
	set_time("b", 0);
	assert_differs(layer, "b: not the same file as a\n");
	remove_name("b");
	assert_differs(layer, "b: missing\n");
}

static void attributes_are_compared_both_ways(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.b=2"),
		file("f", ""),
		pax("SCHILY.xattr.user.a=1"),
		directory("d"),
		END,
	};
	int fd;

	(void)state;
	unpack(layer);
	set_xattr("f", "user.a", "3");
	set_xattr("f", "user.c", "4");
	fd = open_at("f", O_RDONLY);
	assert_int_equal(fremovexattr(fd, "user.b"), 0);
	close(fd);
	set_xattr("d", "user.b", "");
	assert_differs(layer, "f: attribute not in the layer: user.c\n"
			      "f: attribute has another value: user.a\n"
			      "f: attribute missing: user.b\n"
			      "d: attribute not in the layer: user.b\n");
}

static void a_file_capability_that_nobody_brought_is_told(void **state)
{
	static const unsigned char value[20] = { 1, 0, 0, 2, 0, 0x20 }; /* cap_net_raw+ep */

	(void)state;
	unpack(one_file);
	int fd = open_at("f", O_RDONLY);
	assert_int_equal(fsetxattr(fd, "security.capability", value, sizeof(value), 0), 0);
	close(fd);
	assert_differs(one_file, "f: attribute not in the layer: security.capability\n");
}

static void the_rootfs_itself_is_compared(void **state)
{
	static const struct member layer[] = { directory("./", .mode = 0700, .uid = 1), END };

	(void)state;
	set_time(".", 0);
	assert_differs(layer, ".: mode 0755, in the layer 0700\n.: owner 0:0, in the layer 1:0\n");
}

static void names_are_escaped(void **state)
{
	static const struct member layer[] = { file("a\nb\033[2J\\", ""), END };

	(void)state;
	assert_differs(layer, "a\\nb\\x1b[2J\\\\: missing\n");
	assert_differs_with(layer,
		"{\"path\":\"a\\u000ab\\u001b[2J\\u005c\",\"difference\":\"missing\"}\n", &in_json);
}

static void objects_have_names_as_those_of_listings(void **state)
{
	const struct member layer[] = {
		file("\303\274", ""),
		symlink_to("s", "\"\377"),
		pax("SCHILY.xattr.user.\303\274=1"),
		file("f\376", ""),
		END,
	};

	(void)state;
	assert_int_equal(symlinkat("a\377", scratch.rootfs_fd, "s"), 0);
	set_time("s", 0);
	write_at("f\376", "", 0);
	set_time("f\376", 0);
	assert_differs_with(layer,
		"{\"path\":\"\\u00fc\",\"difference\":\"missing\"}\n"
		"{\"path\":\"s\",\"difference\":\"target\","
		"\"tree\":\"a\\ufffd\",\"tree_bytes\":\"Yf8=\","
		"\"layer\":\"\\u0022\\ufffd\",\"layer_bytes\":\"Iv8=\"}\n"
		"{\"path\":\"f\\ufffd\",\"path_bytes\":\"Zv4=\",\"difference\":\"xattr-missing\","
		"\"of\":\"user.\\u00fc\"}\n",
		&in_json);
}

static void objects_have_both_sides(void **state)
{
	(void)state;
	unpack(one_file);
	assert_int_equal(fchmodat(scratch.rootfs_fd, "f", 0600, 0), 0);
	write_at("f", "C", 0);
	set_time("f", LONG_AGO);
	assert_differs_with(one_file,
		"{\"path\":\"f\",\"difference\":\"mode\",\"tree\":\"0600\",\"layer\":\"0644\"}\n"
		"{\"path\":\"f\",\"difference\":\"content\",\"of\":\"0\"}\n",
		&in_json);
}

/* --- entries that replace others --- */

struct replacement {
	struct member members[12];
};

static const struct replacement replacements[] = {
	{ { file("f", "one", .mode = 0600), file("f", "two", .uid = 1), END } },
	{ { directory("d", .mode = 0700), directory("d", .mode = 0711, .uid = 3), END } },
	{ { directory("d"), file("d/f", "gone"), file("d/e/f", "gone"), file("d", "a file"),
		END } },
	{ { file("d", "gone"), directory("d"), file("d/f", "stays"), END } },
	{ { directory("d"), file("d/f", "gone"), file("d", "gone"), directory("d"),
		file("d/g", "stays"), END } },
	{ { directory("u"), symlink_to("l", "u"), file("l/f", "one"), file("u/f", "two"), END } },
	{ { file("a", "one"), hard_link_to("b", "a"), file("a", "two"), END } },
	{ { file("a", "one"), file("b", "gone"), hard_link_to("b", "a"), END } },
	{ { symlink_to("s", "one"), symlink_to("s", "two"), END } },
	{ { file("a/x", "one"), hard_link_to("b", "a/x"), file("a", "two"), END } },
	{ { file("a/a/.wh.a", ""), file("a/a/a/a", ""), file(".wh.a", ""), END } },
	{ { character_device("c", 1, 3), fifo("c"), END } },
	{ { pax("SCHILY.xattr.user.a=1"), directory("d"), directory("d"), END } },
	{ { directory("d"), file("d/f", "", .mode = 0600), directory("d", .mode = 0700), END } },
};

enum { REPLACEMENTS = sizeof(replacements) / sizeof(replacements[0]) };

static void the_last_entry_of_a_name_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < REPLACEMENTS; i++) {
		scratch_renew(&scratch);
		unpack(replacements[i].members);
		if (verify_with(replacements[i].members, &with_extra) < 0 || stats.differences > 0)
			fail_msg("%zu: %s%s", i, text, err.detail);
	}
}

/* Few names, so that they meet: entries of every kind, twice, through symlinks, whiteouts. */
static void add_by_chance(struct tarball *tar, unsigned int *seed)
{
	static const char *const names[] = { "a", "b", "a/a", "a/b", "b/a", "b/b", "a/a/a", "a/b/a",
		"b/a/b", "a/a/a/a" };
	static const char *const whiteouts[] = { ".wh.a", "a/.wh.a", "a/.wh..wh..opq", "b/.wh.b",
		"b/.wh..wh..opq", "a/a/.wh.a" };
	const char *name = names[(unsigned int)rand_r(seed) % 10];
	const char *other = names[(unsigned int)rand_r(seed) % 10];
	const uint32_t mode = rand_r(seed) % 2 == 0 ? 0755 : 0700;
	const struct member kinds[] = {
		file(name, other, .mode = mode),
		file(name, "", .mode = mode, .uid = 1),
		directory(name, .mode = mode),
		directory(name, .mode = mode, .uid = 1),
		symlink_to(name, strchr(other, '/') == NULL ? other : "b"),
		hard_link_to(name, other),
		fifo(name, .mode = mode),
		file(whiteouts[(unsigned int)rand_r(seed) % 6], ""),
	};

	tarball_add(tar, &kinds[(unsigned int)rand_r(seed) % (sizeof(kinds) / sizeof(kinds[0]))]);
}

static struct tarball layer_by_chance(unsigned int *seed)
{
	const int count = 3 + rand_r(seed) % 12;
	const struct member end = END;
	struct tarball tar = { 0 };

	for (int i = 0; i < count; i++)
		add_by_chance(&tar, seed);
	tarball_add(&tar, &end);
	return tar;
}

static int unpack_bytes(const struct tarball *tar, const struct oakum_unpack_options *options)
{
	int layer_fd = memory_file(tar->bytes, tar->length);
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, options, NULL, &err);

	close(layer_fd);
	return r;
}

/* As many as you like. */
static unsigned int runs_by_chance(void)
{
	const char *asked = getenv("OAKUM_RUNS");

	return asked == NULL ? 50 : (unsigned int)strtoul(asked, NULL, 10);
}

static uint64_t count_of(const char *what)
{
	uint64_t count = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		count++;
	return count;
}

/*
 * What a lower layer leaves in the tree: symlinks where this one has a directory that no entry
 * names, and what overlayfs reads of directories: one in place of what it had is opaque.
 */
static uint64_t count_of_lower(void)
{
	return count_of(": a symlink, in the layer a directory\n") +
	       count_of(": attribute not in the layer: user.overlay.opaque\n");
}

static void check_by_chance(
	unsigned int first_seed, uint32_t whiteouts, bool has_lower, unsigned int *good)
{
	const struct oakum_unpack_options *options = OAKUM_UNPACK_OPTIONS(.whiteouts = whiteouts,
		.whiteout_form = first_seed % 2 == 0 ? OAKUM_WHITEOUT_FORM_XATTR
						     : OAKUM_WHITEOUT_FORM_DEVICE,
		.threads = 1, .profile = OAKUM_PROFILE_COMPAT);
	unsigned int seed = first_seed;
	struct tarball below = layer_by_chance(&seed);
	struct tarball tar = layer_by_chance(&seed);

	scratch_renew(&scratch);
	if (has_lower)
		(void)unpack_bytes(&below, options); /* as far as it goes */
	if (unpack_bytes(&tar, options) == 0) {
		(*good)++;
		int r = verify_bytes(tar.bytes, tar.length, options);
		const uint64_t expected = has_lower ? count_of_lower() : 0;
		if (r != -EOPNOTSUPP && (r < 0 || stats.differences != expected))
			fail_msg("seed %u, whiteouts %u: %s%s", first_seed, whiteouts, text,
				err.detail);
	}
	tarball_free(&below);
	tarball_free(&tar);
}

static void layers_made_by_chance_are_as_they_were_unpacked(void **state)
{
	const unsigned int runs = runs_by_chance();
	unsigned int good = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= runs; seed++) {
		check_by_chance(seed, OAKUM_WHITEOUTS_APPLY, true, &good);
		check_by_chance(seed, OAKUM_WHITEOUTS_OVERLAY_USERXATTR, false, &good);
		check_by_chance(seed, OAKUM_WHITEOUTS_OVERLAY_USERXATTR, true, &good);
	}
	assert_true(good > runs / 10);
}

/*
 * What a layer says of a tree: not the times of directories, which may be those of the unpack,
 * nor which files are one.
 */
static void forget_what_layers_do_not_say(char *manifest)
{
	enum { TYPE = 1, TIME = 6, GROUP = 9 };
	char *to = manifest;
	int field = 0;
	bool is_directory = false;

	for (const char *at = manifest; *at != '\0'; at++) {
		if (*at == '\t')
			field++;
		if (*at == '\n')
			field = 0;
		if (field == TYPE && *at != '\t')
			is_directory = *at == 'd';
		if ((field != TIME || !is_directory) && field != GROUP)
			*to++ = *at;
	}
	*to = '\0';
}

/* The layer without one of its members. */
static struct tarball without_one(unsigned int first_seed)
{
	unsigned int seed = first_seed;
	const int count = 3 + rand_r(&seed) % 12;
	const int left_out = (int)(first_seed / 7) % count;
	const struct member end = END;
	struct tarball tar = { 0 };

	for (int i = 0; i < count; i++) {
		const size_t length = tar.length;
		add_by_chance(&tar, &seed);
		if (i == left_out)
			tar.length = length;
	}
	tarball_add(&tar, &end);
	return tar;
}

/* 1 where the trees differ, and that was seen; else 0. */
static unsigned int tell_apart(unsigned int first_seed)
{
	unsigned int seed = first_seed;
	struct tarball tar = layer_by_chance(&seed);
	struct tarball other = without_one(first_seed);
	unsigned int told = 0;

	scratch_renew(&scratch);
	if (unpack_bytes(&tar, NULL) == 0) {
		char *wanted = manifest_of_rootfs();
		scratch_renew(&scratch);
		(void)unpack_bytes(&other, NULL); /* as far as it goes */
		char *found = manifest_of_rootfs();
		forget_what_layers_do_not_say(wanted);
		forget_what_layers_do_not_say(found);
		int r = verify_bytes(tar.bytes, tar.length, &with_extra);
		told = r == 0 && strcmp(wanted, found) != 0;
		if (told != 0 && stats.differences == 0)
			fail_msg("seed %u:\n%sis not\n%s", first_seed, found, wanted);
		free(wanted);
		free(found);
	}
	tarball_free(&tar);
	tarball_free(&other);
	return told;
}

static void a_layer_that_lacks_an_entry_is_told_apart(void **state)
{
	const unsigned int runs = runs_by_chance();
	unsigned int told = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= runs; seed++)
		told += tell_apart(seed);
	assert_true(told >= runs / 50);
}

static void what_an_earlier_entry_brought_is_no_excuse(void **state)
{
	static const struct member twice[] = { file("f", "one"), file("f", "two"), END };
	static const struct member once_a_file[] = {
		file("d", "gone"),
		directory("d"),
		file("d/f", "stays"),
		END,
	};

	(void)state;
	write_at("f", "one", 0);
	set_time("f", 0);
	assert_differs(twice, "f: content differs at byte 0\n");
	write_at("d", "gone", 0);
	set_time("d", 0);
	assert_differs(once_a_file, "d: a file, in the layer a directory\nd/f: missing\n");
}

static void a_tree_of_another_layer_is_an_error_with_what_was_found(void **state)
{
	enum { DEPTH = 2000, COUNT = 400 };
	struct tarball tar = { 0 };
	char name[2 * DEPTH + 16];
	const struct member end = END;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		int length = snprintf(name, sizeof(name), "%03d", i);
		for (int depth = 0; depth < DEPTH; depth++)
			memcpy(name + length + 2 * (size_t)depth, "/a", 3);
		tarball_add_named(&tar, name);
	}
	tarball_add(&tar, &end);
	assert_int_equal(verify_bytes(tar.bytes, tar.length, NULL), -EFBIG);
	assert_int_equal(err.stage, OAKUM_STAGE_COMPARE);
	assert_non_null(strstr(err.detail, "32 MiB"));
	assert_true(count_lines() > 100 && count_lines() < COUNT);
	tarball_free(&tar);
}

static void a_name_that_is_a_symlink_for_a_time_is_an_error(void **state)
{
	static const struct member before[] = {
		directory("b"),
		symlink_to("a", "b"),
		file("a/f", "in b"),
		directory("a"),
		END,
	};
	static const struct member after[] = {
		file("d/f", "gone"),
		symlink_to("d", "e"),
		file("e/g", ""),
		END,
	};

	(void)state;
	unpack(before);
	assert_int_equal(verify_with(before, NULL), -EOPNOTSUPP);
	assert_string_equal(err.entry, "a");
	unpack(after);
	assert_int_equal(verify_with(after, NULL), -EOPNOTSUPP);
	assert_string_equal(err.entry, "d");
}

static void what_a_replaced_directory_had_is_extra_in_the_next_one(void **state)
{
	static const struct member first[] = { directory("d"), file("d/f", ""), END };
	static const struct member layer[] = {
		directory("d"),
		file("d/f", ""),
		file("d/g/h", ""),
		fifo("d"),
		directory("d"),
		file("d/g/i", ""),
		END,
	};

	(void)state;
	unpack(layer);
	assert_differs_with(layer, "", &with_extra);
	unpack(first);
	write_at("d/g/h", "", 0);
	set_time("d", 0);
	assert_differs_with(layer, "d/f: not in the layer\nd/g/h: not in the layer\n", &with_extra);
}

static void a_layer_that_replaces_a_directory_for_ever_is_refused(void **state)
{
	enum { NAMES = 1000, TIMES = 1100 };
	const struct member kinds[] = { fifo("d"), directory("d"), END };
	struct tarball tar = { 0 };
	char name[32];

	(void)state;
	make_directory("d");
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		write_at(name, "", 0);
	}
	for (int i = 0; i < TIMES; i++) {
		tarball_add(&tar, &kinds[0]);
		tarball_add(&tar, &kinds[1]);
	}
	tarball_add(&tar, &kinds[2]);
	assert_int_equal(verify_bytes(tar.bytes, tar.length, NULL), -EFBIG);
	assert_string_equal(err.detail, "the layer replaces directories again and again");
	tarball_free(&tar);
}

static void a_damaged_layer_has_no_verdict(void **state)
{
	struct tarball tar = tarball_of(of_every_kind);

	(void)state;
	assert_int_equal(verify_bytes(tar.bytes, tar.length - 1600, NULL), -EBADMSG);
	assert_string_equal(text, "");
	tarball_free(&tar);
}

/* --- whiteouts --- */

static const struct member lower[] = {
	file("gone", ""),
	file("dir/a", ""),
	file("dir/b/c", ""),
	file("opaque/a", ""),
	file("opaque/b/c", ""),
	file("kept", ""),
	END,
};

static const struct member upper[] = {
	file(".wh.gone", ""),
	file(".wh.never-there", ""),
	file("dir/new", ""),
	file(".wh.dir", ""),
	file("opaque/before", ""),
	file("opaque/.wh..wh..opq", ""),
	file("opaque/after/x", ""),
	file(".wh.both", ""),
	file("both", "brought"),
	END,
};

static void a_whiteout_that_was_carried_out_is_no_difference(void **state)
{
	(void)state;
	unpack(lower);
	unpack(upper);
	assert_same(upper);
	assert_differs_with(upper, "kept: not in the layer\n", &with_extra);
}

static void what_a_whiteout_should_have_removed_is_told(void **state)
{
	(void)state;
	unpack(lower);
	unpack(upper);
	write_at("gone", "", 0);
	write_at("dir/a", "", 0);
	make_directory("opaque/b");
	write_at("opaque/b/c", "", 0);
	assert_differs(upper, "gone: there, and the layer removes it\n"
			      "dir/a: there, and the layer removes it\n"
			      "opaque/b/c: there, and the layer removes it\n"
			      "opaque/b: there, and the layer removes it\n");
}

static void as_names_they_are_files(void **state)
{
	const struct oakum_unpack_options *options =
		OAKUM_UNPACK_OPTIONS(.whiteouts = OAKUM_WHITEOUTS_VERBATIM);

	(void)state;
	unpack_with(upper, options);
	assert_differs_with(upper, "", options);
	remove_name("opaque/.wh..wh..opq");
	assert_differs_with(upper, "opaque/.wh..wh..opq: missing\n", options);
}

static void check_overlay(uint32_t whiteouts, uint32_t form)
{
	const char *opaque = whiteouts == OAKUM_WHITEOUTS_OVERLAY ? "trusted.overlay.opaque"
								  : "user.overlay.opaque";
	const struct oakum_unpack_options *options = OAKUM_UNPACK_OPTIONS(.whiteouts = whiteouts,
		.whiteout_form = form, .verifying = OAKUM_VERIFYING_EXTRA);

	scratch_renew(&scratch);
	unpack_with(upper, options);
	assert_differs_with(upper, "", options);
	remove_name("gone");
	int fd = open_at("opaque", O_RDONLY);
	assert_int_equal(fremovexattr(fd, opaque), 0);
	close(fd);
	fd = open_at("dir", O_RDONLY);
	assert_int_equal(fremovexattr(fd, opaque), 0);
	close(fd);
	remove_name("never-there");
	make_directory("never-there");
	assert_differs_with(upper,
		"gone: not there, and no whiteout for overlayfs either\n"
		"never-there: not opaque for overlayfs\n"
		"dir: not opaque for overlayfs\n"
		"opaque: not opaque for overlayfs\n"
		"never-there: not in the layer\n",
		options);
}

static void the_whiteouts_of_overlayfs_are_known_in_every_form(void **state)
{
	(void)state;
	check_overlay(OAKUM_WHITEOUTS_OVERLAY_USERXATTR, OAKUM_WHITEOUT_FORM_DEVICE);
	check_overlay(OAKUM_WHITEOUTS_OVERLAY_USERXATTR, OAKUM_WHITEOUT_FORM_XATTR);
	check_overlay(OAKUM_WHITEOUTS_OVERLAY, OAKUM_WHITEOUT_FORM_DEVICE);
	check_overlay(OAKUM_WHITEOUTS_OVERLAY, OAKUM_WHITEOUT_FORM_XATTR);
}

static void check_unmarked(uint32_t whiteouts, const char *opaque)
{
	static const struct member layer[] = {
		file("w/.wh.gone", ""),
		file("v/.wh.gone", ""),
		END,
	};
	const struct oakum_unpack_options *options = OAKUM_UNPACK_OPTIONS(.whiteouts = whiteouts,
		.whiteout_form = OAKUM_WHITEOUT_FORM_XATTR);

	scratch_renew(&scratch);
	unpack_with(layer, options);
	int fd = open_at("w", O_RDONLY);
	assert_int_equal(fremovexattr(fd, opaque), 0);
	close(fd);
	assert_differs_with(layer, "w/gone: there, and no whiteout for overlayfs\n", options);
}

static void check_overlay_over_lower(uint32_t whiteouts, uint32_t form)
{
	const struct oakum_unpack_options *options =
		OAKUM_UNPACK_OPTIONS(.whiteouts = whiteouts, .whiteout_form = form);
	const struct oakum_unpack_options *extra = OAKUM_UNPACK_OPTIONS(.whiteouts = whiteouts,
		.whiteout_form = form, .verifying = OAKUM_VERIFYING_EXTRA);

	scratch_renew(&scratch);
	unpack(lower);
	unpack_with(upper, options);
	assert_differs_with(upper, "", options);
	assert_differs_with(upper, "kept: not in the layer\n", extra);
	remove_name("gone");
	write_at("gone", "", 0);
	write_at("dir/a", "", 0);
	make_directory("opaque/b");
	write_at("opaque/b/c", "", 0);
	remove_name("never-there");
	make_directory("never-there");
	assert_differs_with(upper,
		"gone: there, and no whiteout for overlayfs\n"
		"never-there: not opaque for overlayfs\n"
		"never-there: there, and the layer removes it\n"
		"dir/a: there, and the layer removes it\n"
		"opaque/b/c: there, and the layer removes it\n"
		"opaque/b: there, and the layer removes it\n",
		options);
}

static void what_was_there_gives_way_to_the_whiteouts_of_overlayfs(void **state)
{
	(void)state;
	check_overlay_over_lower(OAKUM_WHITEOUTS_OVERLAY_USERXATTR, OAKUM_WHITEOUT_FORM_DEVICE);
	check_overlay_over_lower(OAKUM_WHITEOUTS_OVERLAY_USERXATTR, OAKUM_WHITEOUT_FORM_XATTR);
	check_overlay_over_lower(OAKUM_WHITEOUTS_OVERLAY, OAKUM_WHITEOUT_FORM_DEVICE);
	check_overlay_over_lower(OAKUM_WHITEOUTS_OVERLAY, OAKUM_WHITEOUT_FORM_XATTR);
}

static void a_whiteout_where_overlayfs_looks_for_none_is_none(void **state)
{
	(void)state;
	check_unmarked(OAKUM_WHITEOUTS_OVERLAY, "trusted.overlay.opaque");
	check_unmarked(OAKUM_WHITEOUTS_OVERLAY_USERXATTR, "user.overlay.opaque");
}

/* Of directories with and without an entry, of a file, and of the rootfs; of every attribute. */
static void check_overlay_extra(uint32_t whiteouts, const char *prefix)
{
	static const struct member layer[] = {
		directory("d"),
		file("d/f", ""),
		file("e/f", ""),
		file("w/.wh.gone", ""),
		file("o/.wh..wh..opq", ""),
		END,
	};
	static const char *const changes[][3] = {
		{ "d", "opaque", "y" },
		{ "d", "opaque", "x" },
		{ "d", "opaque", "z" },
		{ "d", "redirect", "/etc" },
		{ "e", "opaque", "y" },
		{ "e", "opaque", "x" },
		{ "e", "redirect", "/etc" },
		{ "o", "redirect", "/etc" },
		{ "w", "opaque", "y" },
		{ ".", "opaque", "x" },
		{ "d/f", "metacopy", "" },
		{ "d/f", "whiteout", "y" },
		{ "e/f", "redirect", "/etc/shadow" },
	};
	const struct oakum_unpack_options *options = OAKUM_UNPACK_OPTIONS(.whiteouts = whiteouts);
	char name[64];
	char expected[128];

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *const *change = changes[i];
		scratch_renew(&scratch);
		unpack_with(layer, options);
		snprintf(name, sizeof(name), "%s%s", prefix, change[1]);
		snprintf(expected, sizeof(expected), "%s: attribute not in the layer: %s\n",
			change[0], name);
		set_xattr(change[0], name, change[2]);
		assert_differs_with(layer, expected, options);
	}
}

static void what_overlayfs_reads_and_no_layer_brought_is_told(void **state)
{
	(void)state;
	check_overlay_extra(OAKUM_WHITEOUTS_OVERLAY, "trusted.overlay.");
	check_overlay_extra(OAKUM_WHITEOUTS_OVERLAY_USERXATTR, "user.overlay.");
}

static void what_overlayfs_notes_for_itself_is_no_difference(void **state)
{
	static const char *const names[] = { "impure", "nlink", "origin", "upper", "uuid" };
	const struct oakum_unpack_options *options =
		OAKUM_UNPACK_OPTIONS(.whiteouts = OAKUM_WHITEOUTS_OVERLAY);
	char name[64];

	(void)state;
	unpack_with(upper, options);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "trusted.overlay.%s", names[i]);
		set_xattr("dir", name, "y");
		set_xattr("dir/new", name, "y");
	}
	assert_differs_with(upper, "", options);
}

static void an_opaque_mark_that_takes_a_place_is_of_the_layer(void **state)
{
	static const struct member layer[] = {
		file("a", ""),
		directory("a"),
		file("a/f", ""),
		file(".wh.b", ""),
		file("b/f", ""),
		file("c/.wh.f", ""),
		file("c/.wh..wh..opq", ""),
		file("d/e/.wh.f", ""),
		file("d/.wh..wh..opq", ""),
		END,
	};

	(void)state;
	for (uint32_t form = 0; form < 2; form++) {
		const struct oakum_unpack_options *options =
			OAKUM_UNPACK_OPTIONS(.whiteouts = OAKUM_WHITEOUTS_OVERLAY,
				.whiteout_form = form == 0 ? OAKUM_WHITEOUT_FORM_DEVICE
							   : OAKUM_WHITEOUT_FORM_XATTR,
				.verifying = OAKUM_VERIFYING_EXTRA);
		scratch_renew(&scratch);
		unpack_with(layer, options);
		assert_differs_with(layer, "", options);
	}
}

/* --- a tree that leads elsewhere, or changes --- */

static void a_symlink_leads_nowhere_but_below_the_rootfs(void **state)
{
	static const struct member layer[] = {
		file("up/secret", "secret"),
		file("out/secret", "secret"),
		hard_link_to("link", "up/secret"),
		END,
	};
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/outside", scratch.path);
	assert_int_equal(symlinkat("../outside", scratch.rootfs_fd, "up"), 0);
	assert_int_equal(symlinkat(path, scratch.rootfs_fd, "out"), 0);
	assert_differs(layer, "up: a symlink, in the layer a directory\n"
			      "up/secret: missing\n"
			      "out: a symlink, in the layer a directory\n"
			      "out/secret: missing\n"
			      "link: missing\n");
}

static void a_symlink_in_place_of_a_directory_that_no_entry_names_is_told(void **state)
{
	static const struct member layer[] = { file("a/x", "one"), file("b/x", "two"), END };
	static const struct member deep[] = { file("a/b/c/x", ""), file("a/b/d/x", ""), END };
	static const struct member brought[] = {
		directory("b"),
		symlink_to("a", "b"),
		file("a/x", "one"),
		END,
	};

	(void)state;
	unpack(layer);
	assert_same(layer);
	remove_name("a/x");
	remove_name("a");
	assert_int_equal(symlinkat("b", scratch.rootfs_fd, "a"), 0);
	assert_differs(layer, "a: a symlink, in the layer a directory\n");
	scratch_renew(&scratch);
	unpack(deep);
	assert_int_equal(renameat(scratch.rootfs_fd, "a/b", scratch.rootfs_fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("../elsewhere", scratch.rootfs_fd, "a/b"), 0);
	assert_differs(deep, "a/b: a symlink, in the layer a directory\n");
	scratch_renew(&scratch);
	unpack(brought);
	assert_same(brought);
}

static void of_deep_trees_every_difference_is_found(void **state)
{
	enum { DEPTH = 1500 };
	char name[2 * DEPTH + 8];
	struct tarball tar = { 0 };
	const struct member end = END;
	size_t length = 0;

	(void)state;
	for (int depth = 0; depth < DEPTH; depth++, length += 2)
		memcpy(name + length, "a/", 3);
	memcpy(name + length, "f", 2);
	tarball_add_named(&tar, name);
	name[length] = 'g';
	tarball_add_named(&tar, name);
	tarball_add(&tar, &end);
	int layer_fd = memory_file(tar.bytes, tar.length);
	assert_int_equal(oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err), 0);
	close(layer_fd);
	assert_int_equal(verify_bytes(tar.bytes, tar.length, &with_extra), 0);
	assert_string_equal(text, "");
	tar.length = 0;
	tarball_add_named(&tar, name);
	tarball_add(&tar, &end);
	assert_int_equal(verify_bytes(tar.bytes, tar.length, &with_extra), 0);
	name[length] = 'f';
	assert_true(strncmp(text, name, length + 1) == 0);
	assert_string_equal(text + length + 1, ": not in the layer\n");
	tarball_free(&tar);
}

static atomic_bool goes_on;

/* What somebody with a shell in the tree could do meanwhile. */
static void *change_the_tree(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; atomic_load(&goes_on); i++) {
		renameat(scratch.rootfs_fd, "d", scratch.rootfs_fd, "moved");
		if (symlinkat("../outside", scratch.rootfs_fd, "d") == 0)
			unlinkat(scratch.rootfs_fd, "d", 0);
		renameat(scratch.rootfs_fd, "moved", scratch.rootfs_fd, "d");
		int fd = openat(scratch.rootfs_fd, "big", O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, i % 3 == 0 ? 0 : BIG) == 0)
			close(fd);
		unlinkat(scratch.rootfs_fd, "p", 0);
		mknodat(scratch.rootfs_fd, "p", (i % 2 == 0 ? S_IFIFO : S_IFREG) | 0600, 0);
		unlinkat(scratch.rootfs_fd, "set-id", 0);
		mknodat(scratch.rootfs_fd, "set-id", (i % 2 == 0 ? S_IFREG : S_IFIFO) | 0600, 0);
	}
	return NULL;
}

static void a_tree_that_changes_is_a_difference_or_an_error(void **state)
{
	enum { RUNS = 40 };
	struct oakum_unpack_options options = with_extra;
	pthread_t thread;
	int wrong = 0;

	(void)state;
	options.timeout_ms = 20000;
	unpack(of_every_kind);
	atomic_store(&goes_on, true);
	assert_int_equal(pthread_create(&thread, NULL, change_the_tree, NULL), 0);
	for (int i = 0; i < RUNS; i++) {
		int r = verify_with(of_every_kind, &options);
		if (r < 0 && (r != -EIO || err.stage != OAKUM_STAGE_COMPARE))
			wrong = r;
		if (strstr(text, "secret") != NULL || stats.denied_calls > 0)
			wrong = 1;
	}
	atomic_store(&goes_on, false);
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
}

/* --- it only reads --- */

static void nothing_changes_not_even_when_it_was_read_last(void **state)
{
	static const char *const names[] = { ".", "d", "d/f", "big", "s", "acl-default", "holes" };
	struct stat status;

	(void)state;
	unpack(of_every_kind);
	char *before = manifest_of_rootfs();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct timespec times[2] = { { 1, 0 }, { 0, UTIME_OMIT } };
		assert_int_equal(
			utimensat(scratch.rootfs_fd, names[i], times, AT_SYMLINK_NOFOLLOW), 0);
	}
	assert_differs_with(of_every_kind, "", &with_extra);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
			fstatat(scratch.rootfs_fd, names[i], &status, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(status.st_atim.tv_sec, 1);
	}
	char *after = manifest_of_rootfs();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void try_to_change(int root_fd, const char *what, int r)
{
	(void)root_fd;
	if (r >= 0) {
		fprintf(stderr, "%s: done\n", what);
		_exit(1);
	}
}

/* Behind all walls but seccomp, which has none of these calls. */
static void change_behind_walls(void)
{
	static const int keep_fds[] = { 2, 50 };
	struct jail jail = {
		.role = ROLE_VERIFIER,
		.keep_fds = keep_fds,
		.keep_count = 2,
		.rootfs_fd = 50,
	};
	struct jail_result walls;

	if (dup2(scratch.rootfs_fd, 50) < 0 || jail_enter(&jail, &walls, &err) < 0)
		_exit(2);
	int fd = walls.root_fd;
	try_to_change(fd, "write", openat(fd, "f", O_WRONLY | O_CLOEXEC));
	try_to_change(fd, "truncate", openat(fd, "f", O_RDWR | O_TRUNC | O_CLOEXEC));
	try_to_change(fd, "create", openat(fd, "g", O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
	try_to_change(fd, "mkdir", mkdirat(fd, "d", 0700));
	try_to_change(fd, "unlink", unlinkat(fd, "f", 0));
	try_to_change(fd, "rename", renameat(fd, "f", fd, "g"));
	try_to_change(fd, "link", linkat(fd, "f", fd, "g", 0));
	try_to_change(fd, "chmod", fchmodat(fd, "f", 0600, 0));
	try_to_change(fd, "chown", fchownat(fd, "f", 1, 1, 0));
	try_to_change(fd, "utimes", utimensat(fd, "f", NULL, 0));
	int file_fd = openat(fd, "f", O_RDONLY | O_CLOEXEC);
	if (file_fd < 0)
		_exit(3);
	try_to_change(fd, "fchmod", fchmod(file_fd, 0600));
	try_to_change(fd, "setxattr", fsetxattr(file_fd, "user.a", "b", 1, 0));
	_exit(0);
}

static void whoever_takes_it_over_changes_nothing(void **state)
{
	int status;

	(void)state;
	unpack(one_file);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		change_behind_walls();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_same(one_file);
}

static uint64_t capabilities_of(pid_t pid)
{
	char path[64];
	char status[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t got = read(fd, status, sizeof(status) - 1);
	assert_true(got > 0);
	status[got] = '\0';
	close(fd);
	const char *at = strstr(status, "CapPrm:\t");
	assert_non_null(at);
	return strtoull(at + strlen("CapPrm:\t"), NULL, 16);
}

static void it_may_read_and_has_no_other_right(void **state)
{
	const uint64_t may_read = 1 << 2; /* CAP_DAC_READ_SEARCH */
	struct tarball tar = tarball_of(one_file);
	struct oakum_job *job;
	uint64_t all = 0;
	pid_t pids[3];
	int fds[2];

	(void)state;
	unpack(one_file);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	int text_fd = memory_file("", 0);
	assert_int_equal(
		oakum_verify_start(fds[0], scratch.rootfs_fd, text_fd, NULL, &job, &err), 0);
	slow_unpack_wait_for_walls(pids);
	for (int i = 0; i < 3; i++)
		all |= capabilities_of(pids[i]);
	assert_true(all == may_read);
	assert_int_equal(write(fds[1], tar.bytes, tar.length), tar.length);
	close(fds[1]);
	assert_int_equal(oakum_job_wait(&job, &stats, &err), 0);
	assert_int_equal(stats.differences, 0);
	close(fds[0]);
	close(text_fd);
	tarball_free(&tar);
}

static void a_rootfs_that_is_being_unpacked_into_is_busy(void **state)
{
	struct slow_unpack slow;
	pid_t pids[3];

	(void)state;
	slow_unpack_start(&slow, &scratch, NULL);
	slow_unpack_wait_for_walls(pids);
	assert_int_equal(verify_with(one_file, NULL), -EBUSY);
	slow_unpack_end(&slow);
}

/* What can be had without any right: a tree that everybody may read. */
static void verify_as_nobody(void)
{
	static const struct member layer[] = { directory("d"), file("d/f", "content"), END };
	const struct oakum_unpack_options *options =
		OAKUM_UNPACK_OPTIONS(.min_level = OAKUM_LEVEL_OPENAT2,
			.user_namespace = OAKUM_USER_NAMESPACE_NEVER);

	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		_exit(2);
	int r = verify_with(layer, options);
	if (r < 0 || stats.differences > 0) {
		oakum_error_format(&err, text, sizeof(text));
		fprintf(stderr, "%s\n", text);
		_exit(1);
	}
	_exit(0);
}

static void a_caller_without_rights_verifies_what_it_may_read(void **state)
{
	static const struct member layer[] = { directory("d"), file("d/f", "content"), END };
	int status;

	(void)state;
	unpack(layer);
	assert_int_equal(chmod(scratch.path, 0755), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		verify_as_nobody();
	assert_int_equal(waitpid(pid, &status, 0), pid);
#ifndef OAKUM_SANITIZED /* level 0 there, which nobody can ask for */
	assert_int_equal(status, 0);
#endif
}

static void options_that_are_not_known_are_refused(void **state)
{
	(void)state;
	assert_int_equal(verify_with(one_file, OAKUM_UNPACK_OPTIONS(.verifying = 4)), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_unpacked_has_no_differences),
		TEST(the_options_of_the_unpack_are_those_of_the_comparison),
		TEST(a_byte_of_content_is_found),
		TEST(a_byte_in_a_hole_is_found),
		TEST(a_hole_on_both_sides_is_not_read_however_long),
		TEST(zeros_that_are_written_out_are_as_good_as_a_hole),
		TEST(a_file_that_is_longer_or_shorter_differs_in_size),
		TEST(a_mode_that_differs_is_told),
		TEST(an_owner_that_differs_is_told),
		TEST(a_time_that_differs_is_told_to_the_nanosecond),
		TEST(a_time_before_1970_is_told_as_the_fraction_that_it_is),
		TEST(what_is_missing_is_told_and_what_is_extra_if_asked_for),
		TEST(a_directory_that_only_paths_tell_of_is_not_extra),
		TEST(a_thing_of_another_kind_is_told_and_not_opened),
		TEST(where_a_symlink_leads_is_compared_and_not_followed),
		TEST(a_device_has_its_number),
		TEST(hard_links_are_one_file),
		TEST(attributes_are_compared_both_ways),
		TEST(a_file_capability_that_nobody_brought_is_told),
		TEST(the_rootfs_itself_is_compared),
		TEST(names_are_escaped),
		TEST(objects_have_names_as_those_of_listings),
		TEST(objects_have_both_sides),
		TEST(the_last_entry_of_a_name_counts),
		TEST(layers_made_by_chance_are_as_they_were_unpacked),
		TEST(a_layer_that_lacks_an_entry_is_told_apart),
		TEST(what_an_earlier_entry_brought_is_no_excuse),
		TEST(a_tree_of_another_layer_is_an_error_with_what_was_found),
		TEST(a_name_that_is_a_symlink_for_a_time_is_an_error),
		TEST(what_a_replaced_directory_had_is_extra_in_the_next_one),
		TEST(a_layer_that_replaces_a_directory_for_ever_is_refused),
		TEST(a_damaged_layer_has_no_verdict),
		TEST(a_whiteout_that_was_carried_out_is_no_difference),
		TEST(what_a_whiteout_should_have_removed_is_told),
		TEST(as_names_they_are_files),
		TEST(the_whiteouts_of_overlayfs_are_known_in_every_form),
		TEST(what_was_there_gives_way_to_the_whiteouts_of_overlayfs),
		TEST(a_whiteout_where_overlayfs_looks_for_none_is_none),
		TEST(what_overlayfs_reads_and_no_layer_brought_is_told),
		TEST(what_overlayfs_notes_for_itself_is_no_difference),
		TEST(an_opaque_mark_that_takes_a_place_is_of_the_layer),
		TEST(a_symlink_leads_nowhere_but_below_the_rootfs),
		TEST(a_symlink_in_place_of_a_directory_that_no_entry_names_is_told),
		TEST(of_deep_trees_every_difference_is_found),
		TEST(a_tree_that_changes_is_a_difference_or_an_error),
		TEST(nothing_changes_not_even_when_it_was_read_last),
		TEST(whoever_takes_it_over_changes_nothing),
		TEST(it_may_read_and_has_no_other_right),
		TEST(a_rootfs_that_is_being_unpacked_into_is_busy),
		TEST(a_caller_without_rights_verifies_what_it_may_read),
		TEST(options_that_are_not_known_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
