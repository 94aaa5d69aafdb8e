/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing names: every type over every type, links, whiteouts, depth and races. */
#include "support/scratch.h"
#include "unpacker/parents.h"
#include "unpacker/remove.h"
#include "unpacker/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_AGO = 86400 };

static struct scratch scratch;
static struct tree *tree;
static struct oakum_error err;

static void begin_layer_in_form(uint32_t whiteouts, uint32_t form)
{
	tree_free(tree);
	tree = NULL;
	const struct tree_options options = {
		.root_fd = scratch.rootfs_fd,
		.whiteouts = whiteouts,
		.whiteout_form = form,
	};
	assert_int_equal(tree_new(&options, &tree, &err), 0);
}

static void begin_layer(uint32_t whiteouts)
{
	begin_layer_in_form(whiteouts, OAKUM_WHITEOUT_FORM_DEVICE);
}

static int set_up(void **state)
{
	(void)state;
	umask(0);
	scratch_make(&scratch);
	begin_layer(OAKUM_WHITEOUTS_APPLY);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tree_free(tree);
	tree = NULL;
	assert_true(scratch_outside_is_untouched(&scratch));
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
	scratch_remove(&scratch);
	return 0;
}

/* What follows the fixed arguments says otherwise than the defaults: that is meant. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define AN_ENTRY(kind, where, ...)              \
	(&(const struct entry){ .type = (kind), \
		.name = (where),                \
		.path = (where),                \
		.mtime_s = LONG_AGO,            \
		__VA_ARGS__ })
#define A_FILE(where, ...) AN_ENTRY(ENTRY_FILE, where, .mode = 0644, __VA_ARGS__)
#define A_DIRECTORY(where, ...) AN_ENTRY(ENTRY_DIRECTORY, where, .mode = 0755, __VA_ARGS__)
#define A_LINK(where, target) AN_ENTRY(ENTRY_SYMLINK, where, .mode = 0777, .link = (target))
#define A_HARD_LINK(where, target) AN_ENTRY(ENTRY_HARD_LINK, where, .link = (target))
#define A_FIFO(where, ...) AN_ENTRY(ENTRY_FIFO, where, .mode = 0600, __VA_ARGS__)
#define A_DEVICE(where, major_number, minor_number, ...)                                      \
	AN_ENTRY(ENTRY_CHARACTER_DEVICE, where, .mode = 0600, .device_major = (major_number), \
		.device_minor = (minor_number), __VA_ARGS__)
#define A_DISK(where) \
	AN_ENTRY(ENTRY_BLOCK_DEVICE, where, .mode = 0600, .device_major = 7, .device_minor = 200)

/* A file gets its path as content. */
static int place(const struct entry *entry)
{
	struct metadata metadata;
	int fd = -1;

	if (entry->type != ENTRY_FILE)
		return tree_place(tree, entry, &err);
	int r = tree_create_file(tree, entry, &fd, &metadata, &err);
	if (r < 0)
		return r;
	assert_int_equal(write(fd, entry->path, strlen(entry->path)), strlen(entry->path));
	r = metadata_apply(&metadata, fd, entry->path, &err);
	close(fd);
	return r;
}

static void must_place(const struct entry *entry)
{
	if (place(entry) < 0)
		fail_msg("%s: %s: %s (%s)", entry->path, err.op, strerror(err.code), err.detail);
}

static void assert_refused(const struct entry *entry, int code)
{
	assert_int_equal(place(entry), -code);
	assert_int_equal(err.code, code);
	assert_string_equal(err.entry, entry->path);
}

static void finish(void)
{
	if (tree_finish(tree, &err) < 0)
		fail_msg("%s: %s: %s", err.entry, err.op, strerror(err.code));
}

static struct stat status_of(const char *path)
{
	struct stat status;

	if (fstatat(scratch.rootfs_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return status;
}

static mode_t mode_of(const char *path)
{
	return status_of(path).st_mode & 07777;
}

static bool has(const char *path)
{
	return scratch_has(&scratch, path);
}

static bool has_attribute(const char *path, const char *attribute, const char *value)
{
	char found[256] = "";
	int fd = openat(scratch.rootfs_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t length = fgetxattr(fd, attribute, found, sizeof(found) - 1);

	close(fd);
	return length == (ssize_t)strlen(value) && strcmp(found, value) == 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static char *deep_path(const char *first, int depth, const char *last)
{
	char *path = malloc(strlen(first) + (size_t)depth * 2 + strlen(last) + 2);
	char *end = stpcpy(path, first);

	for (int i = 0; i < depth; i++)
		end = stpcpy(end, "/d");
	if (*last != '\0') {
		*end++ = '/';
		strcpy(end, last);
	}
	return path;
}

/* --- types --- */

static void the_last_entry_of_a_name_wins_whatever_the_types(void **state)
{
	const struct entry *const all[] = {
		A_FILE("x"),
		A_DIRECTORY("x"),
		A_LINK("x", "/tmp"),
		A_HARD_LINK("x", "target"),
		A_FIFO("x"),
		A_DEVICE("x", 1, 3),
		A_DISK("x"),
	};
	const mode_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFREG, S_IFIFO, S_IFCHR, S_IFBLK };
	const size_t count = sizeof(all) / sizeof(all[0]);

	(void)state;
	must_place(A_FILE("target"));
	for (size_t i = 0; i < count * count; i++) {
		must_place(all[i / count]);
		if (all[i / count]->type == ENTRY_DIRECTORY)
			must_place(A_FILE("x/in/it"));
		must_place(all[i % count]);
		assert_int_equal(status_of("x").st_mode & S_IFMT, types[i % count]);
		/* Of a directory that stays what is in it stays, of all else nothing. */
		assert_int_equal(has("x/in/it"), i / count == 1 && i % count == 1);
		must_place(A_FIFO("x"));
	}
	assert_true(scratch_file_is(&scratch, "target", "target"));
}

static void a_file_over_a_symlink_leaves_its_target_alone(void **state)
{
	(void)state;
	must_place(A_FILE("target", .mode = 0600));
	must_place(A_LINK("link", "target"));
	must_place(A_FILE("link", .mode = 0666));
	assert_true(scratch_file_is(&scratch, "target", "target"));
	assert_true(scratch_file_is(&scratch, "link", "link"));
	assert_int_equal(mode_of("target"), 0600);
}

static void a_directory_over_a_symlink_replaces_it_and_keeps_its_children(void **state)
{
	(void)state;
	must_place(A_DIRECTORY("target", .mode = 0700));
	must_place(A_LINK("link", "target"));
	must_place(A_FILE("link/before"));
	must_place(A_DIRECTORY("link", .mode = 0711));
	must_place(A_FILE("link/after"));
	finish();
	assert_true(has("target/before"));
	assert_false(has("target/after"));
	assert_true(scratch_file_is(&scratch, "link/after", "link/after"));
	assert_int_equal(mode_of("target"), 0700);
	assert_int_equal(mode_of("link"), 0711);
}

static void a_tree_of_five_thousand_levels_is_replaced(void **state)
{
	int fd = openat(scratch.rootfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	double start = now();

	(void)state;
	for (int i = 0; i < 5000; i++) {
		assert_return_code(mkdirat(fd, i == 0 ? "x" : "d", 0755), errno);
		int next_fd = openat(fd, i == 0 ? "x" : "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next_fd;
		assert_return_code(mknodat(fd, "file", S_IFREG | 0644, 0), errno);
		assert_return_code(symlinkat("/", fd, "link"), errno);
	}
	close(fd);
	must_place(A_FILE("x"));
	assert_true(scratch_file_is(&scratch, "x", "x"));
	assert_true(now() - start < 10);
}

/* --- parents --- */

static void parents_are_symlinks_below_the_rootfs(void **state)
{
	(void)state;
	must_place(A_DIRECTORY("usr/lib"));
	must_place(A_DIRECTORY("run"));
	must_place(A_LINK("lib", "usr/lib"));
	must_place(A_LINK("var/run", "/run"));
	must_place(A_LINK("out", "../../../../outside"));
	must_place(A_FILE("lib/a"));
	must_place(A_FILE("var/run/b"));
	assert_true(has("usr/lib/a"));
	assert_true(has("run/b"));
	assert_refused(A_FILE("out/secret"), EBADMSG);
}

static void missing_parents_are_made_for_root_alone_to_write(void **state)
{
	(void)state;
	must_place(A_FILE("a/b/c", .uid = 7, .gid = 8, .mode = 0600));
	finish();
	assert_int_equal(mode_of("a"), 0755);
	assert_int_equal(mode_of("a/b"), 0755);
	assert_int_equal(status_of("a/b").st_uid, 0);
	assert_int_equal(status_of("a/b/c").st_uid, 7);
	assert_int_equal(status_of("a/b/c").st_gid, 8);
}

static void what_is_no_directory_has_nothing_below_it(void **state)
{
	(void)state;
	must_place(A_FILE("file"));
	must_place(A_FIFO("fifo"));
	must_place(A_LINK("nowhere", "/missing"));
	must_place(A_LINK("circle", "circle"));
	assert_refused(A_FILE("file/x"), EBADMSG);
	assert_refused(A_DIRECTORY("file/x/y"), EBADMSG);
	assert_refused(A_FIFO("fifo/x"), EBADMSG);
	assert_refused(A_FILE("nowhere/x"), EBADMSG);
	assert_refused(A_LINK("circle/x", "y"), EBADMSG);
	assert_true(scratch_file_is(&scratch, "file", "file"));
}

static void sixty_links_in_a_chain_are_refused(void **state)
{
	char name[16];
	char target[16];

	(void)state;
	must_place(A_DIRECTORY("l0"));
	for (int i = 1; i <= 60; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		must_place(A_LINK(name, target));
	}
	must_place(A_FILE("l40/x"));
	assert_refused(A_FILE("l60/x"), EBADMSG);
}

static void thirty_paths_of_1450_directories_take_no_time(void **state)
{
	char first[8];
	double start = now();

	(void)state;
	for (int i = 0; i < 30; i++) {
		snprintf(first, sizeof(first), "d%d", i);
		char *path = deep_path(first, 1450, "file");
		must_place(A_FILE(path));
		free(path);
		path = deep_path("same", 1450 - i, "file");
		must_place(A_FILE(path));
		free(path);
	}
	finish();
	assert_true(now() - start < 5); /* 0.3 s; sanitizers and valgrind are slower */
}

static void a_link_between_very_deep_directories_lands_where_it_belongs(void **state)
{
	char *target = deep_path("t", 3000, "file");

	(void)state;
	must_place(A_DIRECTORY("x"));
	must_place(A_FILE(target));
	for (int i = 0; i < 70; i++) { /* none of the target's directories is still open */
		char other[16];
		snprintf(other, sizeof(other), "o%d/file", i);
		must_place(A_FILE(other));
	}
	must_place(A_HARD_LINK("x/link", target));
	assert_int_equal(status_of("x/link").st_nlink, 2);
	free(target);
}

/* --- hard links --- */

static void a_hard_link_is_the_same_file(void **state)
{
	(void)state;
	must_place(A_FILE("a", .mode = 0600, .uid = 5));
	must_place(A_HARD_LINK("b", "a"));
	must_place(A_HARD_LINK("b", "a")); /* is so already */
	must_place(A_FILE("c"));
	must_place(A_HARD_LINK("c", "a"));
	assert_int_equal(status_of("a").st_nlink, 3);
	assert_int_equal(status_of("c").st_ino, status_of("a").st_ino);
	/* Link entries change no metadata. */
	assert_int_equal(mode_of("a"), 0600);
	assert_int_equal(status_of("a").st_uid, 5);
	assert_int_equal(status_of("a").st_mtime, LONG_AGO);
}

static void a_hard_link_to_a_symlink_is_to_the_symlink(void **state)
{
	(void)state;
	must_place(A_LINK("link", "/etc/passwd"));
	must_place(A_HARD_LINK("same", "link"));
	assert_int_equal(status_of("same").st_ino, status_of("link").st_ino);
	assert_true(S_ISLNK(status_of("same").st_mode));
}

static void a_hard_link_needs_a_target_that_is_no_directory(void **state)
{
	(void)state;
	must_place(A_DIRECTORY("d"));
	must_place(A_LINK("out", "/../outside"));
	assert_refused(A_HARD_LINK("x", "missing"), EBADMSG);
	assert_non_null(strstr(err.detail, "does not exist"));
	assert_refused(A_HARD_LINK("x", "missing/too"), EBADMSG);
	assert_refused(A_HARD_LINK("x", "out/secret"), EBADMSG);
	assert_refused(A_HARD_LINK("x", "d"), EPERM);
	assert_false(has("x"));
}

static void what_a_bad_link_would_replace_is_still_there(void **state)
{
	(void)state;
	must_place(A_FILE("x"));
	assert_refused(A_HARD_LINK("x", "missing"), EBADMSG);
	assert_true(scratch_file_is(&scratch, "x", "x"));
}

/* --- metadata --- */

static void owner_mode_and_time_are_those_of_the_entry(void **state)
{
	(void)state;
	must_place(A_FILE(
		"f", .mode = 06755, .uid = 12, .gid = 13, .mtime_s = -2, .mtime_ns = 500000000));
	must_place(A_DEVICE("c", 1, 3, .mode = 06666, .uid = 12));
	must_place(A_FIFO("p", .mode = 01622, .gid = 13));
	must_place(AN_ENTRY(ENTRY_SYMLINK, "l", .link = "f", .uid = 12, .gid = 13));
	assert_int_equal(mode_of("f"), 06755);
	assert_int_equal(status_of("f").st_uid, 12);
	assert_int_equal(status_of("f").st_mtim.tv_sec, -2);
	assert_int_equal(status_of("f").st_mtim.tv_nsec, 500000000);
	assert_int_equal(mode_of("c"), 06666);
	assert_int_equal(status_of("c").st_rdev, makedev(1, 3));
	assert_int_equal(mode_of("p"), 01622);
	assert_int_equal(status_of("p").st_mtime, LONG_AGO);
	assert_int_equal(status_of("l").st_uid, 12);
	assert_int_equal(status_of("l").st_gid, 13);
	assert_int_equal(status_of("l").st_mtime, LONG_AGO);
	assert_int_equal(mode_of("f"), 06755);
}

static void a_capability_survives_the_change_of_owner(void **state)
{
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 4 };
	const struct xattr xattr = { "security.capability", capability, sizeof(capability) };
	char found[32];

	(void)state;
	must_place(A_FILE("f", .uid = 12, .mode = 0755, .xattrs = &xattr, .xattr_count = 1));
	int fd = openat(scratch.rootfs_fd, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(fd, "security.capability", found, sizeof(found)), 20);
	assert_memory_equal(found, capability, sizeof(capability));
	close(fd);
}

static void what_cannot_be_opened_has_attributes_too(void **state)
{
	const struct xattr xattr = { "trusted.oakum", "yes", 3 };
	char path[512];
	char found[8] = "";

	(void)state;
	must_place(AN_ENTRY(
		ENTRY_SYMLINK, "l", .link = "/nowhere", .xattrs = &xattr, .xattr_count = 1));
	must_place(A_FIFO("p", .xattrs = &xattr, .xattr_count = 1));
	snprintf(path, sizeof(path), "%s/rootfs/l", scratch.path);
	assert_int_equal(lgetxattr(path, "trusted.oakum", found, sizeof(found)), 3);
	assert_string_equal(found, "yes");
	snprintf(path, sizeof(path), "%s/rootfs/p", scratch.path);
	assert_int_equal(lgetxattr(path, "trusted.oakum", found, sizeof(found)), 3);
}

static void directories_get_their_metadata_when_they_are_full(void **state)
{
	const struct xattr xattr = { "trusted.oakum", "yes", 3 };

	(void)state;
	must_place(A_DIRECTORY("", .mode = 0711, .mtime_s = 77));
	must_place(A_DIRECTORY(
		"d", .mode = 0, .uid = 9, .gid = 10, .xattrs = &xattr, .xattr_count = 1));
	must_place(A_DIRECTORY("d/e", .mode = 02500));
	must_place(A_FILE("d/e/f"));
	finish();
	assert_int_equal(mode_of("d"), 0);
	assert_int_equal(status_of("d").st_uid, 9);
	assert_int_equal(status_of("d").st_gid, 10);
	assert_int_equal(status_of("d").st_mtime, LONG_AGO);
	assert_true(has_attribute("d", "trusted.oakum", "yes"));
	assert_int_equal(mode_of("d/e"), 02500);
	assert_int_equal(status_of("d/e").st_mtime, LONG_AGO);
	assert_int_equal(mode_of("."), 0711);
	assert_int_equal(status_of(".").st_mtime, 77);
	assert_int_equal(fchmodat(scratch.rootfs_fd, ".", 0755, 0), 0);
}

static void the_last_word_on_a_directory_counts_by_whatever_path_it_came(void **state)
{
	(void)state;
	must_place(A_DIRECTORY("usr"));
	must_place(A_DIRECTORY("usr/lib"));
	must_place(A_LINK("lib", "usr/lib"));
	must_place(A_DIRECTORY("lib/x", .mode = 0700));
	must_place(A_DIRECTORY("usr/lib/x", .mode = 0750));
	must_place(A_DIRECTORY("usr/lib/y", .mode = 0700, .uid = 3));
	must_place(A_DIRECTORY("lib/y", .mode = 0755));
	/* The link goes, what was said by way of it does not. */
	must_place(A_FILE("lib"));
	finish();
	assert_int_equal(mode_of("usr/lib/x"), 0750);
	assert_int_equal(status_of("usr/lib/x").st_mtime, LONG_AGO);
	assert_int_equal(mode_of("usr/lib/y"), 0755);
	assert_int_equal(status_of("usr/lib/y").st_uid, 0);
}

static void a_directory_told_of_again_and_again_costs_no_memory(void **state)
{
	char *one = deep_path("a", 200, "");
	char *other = deep_path("b", 200, "");

	(void)state;
	must_place(A_DIRECTORY(one));
	must_place(A_DIRECTORY(other));
	const size_t before = mallinfo2().uordblks;
	for (int i = 0; i < 10000; i++) {
		must_place(A_DIRECTORY(one));
		must_place(A_DIRECTORY(other));
	}
	assert_true(mallinfo2().uordblks < before + (64 << 10));
	free(one);
	free(other);
}

/* More than is kept in memory, to the last name and attribute. */
static void names_of_directories_may_be_long_and_many(void **state)
{
	enum { COUNT = 45000, NAME_BYTES = 250, KEPT = 8 << 20 };
	struct xattr xattr = { .name = "user.number" };
	char name[NAME_BYTES + 1];

	(void)state;
	const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (int again = 0; again < 2; again++) {
		for (unsigned int i = 0; i < COUNT; i++) {
			snprintf(name, sizeof(name), "%0*u", NAME_BYTES, i);
			xattr.value = name;
			xattr.value_bytes = NAME_BYTES;
			must_place(A_DIRECTORY(name, .mode = 0700 + i % 8, .mtime_s = i,
				.xattrs = &xattr, .xattr_count = i % 50 == 0));
		}
	}
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd <
		    before + KEPT + (2 << 20) + COUNT * (size_t)160);
	finish();
	for (unsigned int i = 0; i < COUNT; i++) {
		char value[NAME_BYTES];
		char path[1024];
		snprintf(name, sizeof(name), "%0*u", NAME_BYTES, i);
		struct stat status = status_of(name);
		assert_int_equal(status.st_mode, S_IFDIR | (0700 + i % 8));
		assert_int_equal(status.st_mtime, i);
		if (i % 50 > 0)
			continue;
		snprintf(path, sizeof(path), "%s/rootfs/%s", scratch.path, name);
		assert_int_equal(lgetxattr(path, "user.number", value, sizeof(value)), NAME_BYTES);
		assert_memory_equal(value, name, NAME_BYTES);
	}
}

static void a_directory_that_was_replaced_leaves_nothing_to_its_successor(void **state)
{
	(void)state;
	must_place(A_DIRECTORY("a", .mode = 0700, .uid = 9));
	must_place(A_DIRECTORY("a/b", .mode = 0700, .uid = 9));
	must_place(A_FILE("a"));
	must_place(A_DIRECTORY("a"));
	must_place(A_FILE("a/b/implied"));
	finish();
	assert_int_equal(mode_of("a"), 0755);
	assert_int_equal(mode_of("a/b"), 0755);
	assert_int_equal(status_of("a").st_uid, 0);
	assert_int_equal(status_of("a/b").st_uid, 0);
}

static void a_setgid_parent_bestows_nothing(void **state)
{
	(void)state;
	assert_return_code(mkdirat(scratch.rootfs_fd, "s", 0755), errno);
	assert_return_code(fchownat(scratch.rootfs_fd, "s", 0, 44, 0), errno);
	assert_return_code(fchmodat(scratch.rootfs_fd, "s", 02775, 0), errno);
	must_place(A_FILE("s/f"));
	must_place(A_LINK("s/l", "f"));
	must_place(A_FIFO("s/p"));
	must_place(A_DIRECTORY("s/d"));
	must_place(A_FILE("s/d/f"));
	must_place(A_FILE("s/implied/f"));
	finish();
	assert_int_equal(status_of("s/f").st_gid, 0);
	assert_int_equal(status_of("s/l").st_gid, 0);
	assert_int_equal(status_of("s/p").st_gid, 0);
	assert_int_equal(status_of("s/d/f").st_gid, 0);
	assert_int_equal(status_of("s/d").st_gid, 0);
	assert_int_equal(mode_of("s/d"), 0755);
	assert_int_equal(status_of("s/implied").st_gid, 0);
	assert_int_equal(mode_of("s/implied"), 0755);
	assert_int_equal(mode_of("s"), 02775);
}

static void a_default_acl_of_the_parent_bestows_nothing(void **state)
{
	/* user::rwx, user:5:rwx, group::---, mask::rwx, other::--- */
	static const char acl[] = "\2\0\0\0\1\0\7\0\377\377\377\377\2\0\7\0\5\0\0\0\4\0\0\0\377\377"
				  "\377\377\20\0\7\0\377\377\377\377\40\0\0\0\377\377\377\377";

	(void)state;
	assert_return_code(mkdirat(scratch.rootfs_fd, "s", 0755), errno);
	int fd = openat(scratch.rootfs_fd, "s", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fsetxattr(fd, "system.posix_acl_default", acl, sizeof(acl) - 1, 0);
	close(fd);
	if (r < 0 && errno == EOPNOTSUPP) {
		print_message("this file system has no ACLs\n");
		assert_null(getenv("CI"));
		skip();
	}
	assert_return_code(r, errno);
	must_place(A_FILE("s/f"));
	must_place(A_FIFO("s/p", .mode = 0622));
	must_place(A_DIRECTORY("s/d", .mode = 0751));
	must_place(A_FILE("s/implied/f"));
	finish();
	assert_int_equal(mode_of("s/f"), 0644);
	assert_int_equal(mode_of("s/p"), 0622);
	assert_int_equal(mode_of("s/d"), 0751);
	assert_int_equal(mode_of("s/implied"), 0755);
	const char *const all[] = { "s/f", "s/p", "s/d", "s/implied", "s/implied/f" };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char path[1024];
		snprintf(path, sizeof(path), "%s/rootfs/%s", scratch.path, all[i]);
		assert_int_equal(lgetxattr(path, "system.posix_acl_access", NULL, 0), -1);
		assert_int_equal(lgetxattr(path, "system.posix_acl_default", NULL, 0), -1);
	}
}

/* --- whiteouts, carried out --- */

static void have_lower_layer(void)
{
	must_place(A_FILE("d/lower"));
	must_place(A_FILE("d/sub/lower"));
	must_place(A_FILE("d/sub/deep/lower"));
	must_place(A_DIRECTORY("d/empty"));
	must_place(A_LINK("d/link", "/"));
	must_place(A_FILE("file"));
	must_place(A_LINK("alias", "d"));
	finish();
	begin_layer(OAKUM_WHITEOUTS_APPLY);
}

static void a_whiteout_hides_what_lower_layers_brought(void **state)
{
	(void)state;
	have_lower_layer();
	assert_int_equal(tree_remove(tree, "file", &err), 0);
	assert_int_equal(tree_remove(tree, "d/sub", &err), 0);
	assert_int_equal(tree_remove(tree, "alias", &err), 0);
	assert_int_equal(tree_remove(tree, "missing", &err), 0);
	assert_int_equal(tree_remove(tree, "missing/too", &err), 0);
	assert_int_equal(tree_remove(tree, "d/lower/below", &err), 0);
	assert_false(has("file"));
	assert_false(has("d/sub"));
	assert_false(has("alias"));
	assert_true(has("d/lower"));
}

static void a_whiteout_never_hides_what_this_layer_placed(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		have_lower_layer();
		if (before > 0)
			assert_int_equal(tree_remove(tree, "d", &err), 0);
		must_place(A_FILE("d/sub/upper"));
		must_place(A_FILE("d/own/upper"));
		must_place(A_FILE("file"));
		if (before == 0) {
			assert_int_equal(tree_remove(tree, "d", &err), 0);
			assert_int_equal(tree_remove(tree, "d", &err), 0);
		}
		assert_int_equal(tree_remove(tree, "file", &err), 0);
		assert_true(has("d/sub/upper"));
		assert_true(has("d/own/upper"));
		assert_true(has("file"));
		assert_false(has("d/lower"));
		assert_false(has("d/link"));
		assert_false(has("d/empty"));
		assert_false(has("d/sub/lower"));
		assert_false(has("d/sub/deep"));
		begin_layer(OAKUM_WHITEOUTS_APPLY);
	}
}

static void an_opaque_marker_empties_in_any_order(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		have_lower_layer();
		if (before > 0)
			assert_int_equal(tree_empty(tree, "d", &err), 0);
		must_place(A_DIRECTORY("d/sub", .mode = 0700));
		must_place(A_FILE("d/sub/upper"));
		if (before == 0)
			assert_int_equal(tree_empty(tree, "d", &err), 0);
		finish();
		assert_true(has("d/sub/upper"));
		assert_false(has("d/sub/lower"));
		assert_false(has("d/sub/deep"));
		assert_false(has("d/lower"));
		assert_int_equal(mode_of("d/sub"), 0700);
		begin_layer(OAKUM_WHITEOUTS_APPLY);
	}
	assert_int_equal(tree_empty(tree, "missing", &err), 0);
	assert_int_equal(tree_empty(tree, "", &err), 0);
	assert_false(has("d"));
}

static void what_came_by_a_symlink_is_of_this_layer_too(void **state)
{
	(void)state;
	have_lower_layer();
	must_place(A_FILE("alias/upper"));
	assert_int_equal(tree_remove(tree, "d/upper", &err), 0);
	assert_int_equal(tree_empty(tree, "d", &err), 0);
	assert_true(has("d/upper"));
	assert_false(has("d/lower"));
}

static void a_marker_said_ten_thousand_times_takes_no_time(void **state)
{
	double start = now();
	char *path = deep_path("d", 700, "");

	(void)state;
	have_lower_layer();
	for (size_t length = 1; length <= strlen(path); length += 2) {
		char *part = strndup(path, length);
		must_place(A_DIRECTORY(part));
		free(part);
	}
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(tree_empty(tree, "d", &err), 0);
		assert_int_equal(tree_empty(tree, "", &err), 0);
		assert_int_equal(tree_remove(tree, "d", &err), 0);
	}
	assert_true(has("d/d/d"));
	assert_false(has("d/sub"));
	assert_true(now() - start < 5);
	free(path);
}

static void whiteouts_by_way_of_a_symlink_stay_below_the_rootfs(void **state)
{
	(void)state;
	must_place(A_LINK("out", "../outside"));
	must_place(A_LINK("root", "/"));
	must_place(A_FILE("victim"));
	finish();
	begin_layer(OAKUM_WHITEOUTS_APPLY);
	assert_int_equal(tree_remove(tree, "out/secret", &err), 0);
	assert_int_equal(tree_empty(tree, "out", &err), 0);
	assert_int_equal(tree_remove(tree, "root/victim", &err), 0);
	assert_false(has("victim"));
	assert_true(has("out"));
}

/* --- whiteouts for overlayfs --- */

#define A_WHITEOUT(where) \
	AN_ENTRY(ENTRY_CHARACTER_DEVICE, where, .device_major = 0, .device_minor = 0)

static void a_whiteout_and_a_directory_are_an_opaque_directory_in_any_order(void **state)
{
	(void)state;
	begin_layer(OAKUM_WHITEOUTS_OVERLAY);
	must_place(A_WHITEOUT("a"));
	must_place(A_DIRECTORY("a"));
	must_place(A_DIRECTORY("b"));
	must_place(A_WHITEOUT("b"));
	must_place(A_WHITEOUT("c"));
	must_place(A_FILE("c/implied"));
	must_place(A_FILE("e/implied"));
	must_place(A_WHITEOUT("e"));
	finish();
	assert_true(has_attribute("a", "trusted.overlay.opaque", "y"));
	assert_true(has_attribute("b", "trusted.overlay.opaque", "y"));
	assert_true(has_attribute("c", "trusted.overlay.opaque", "y"));
	assert_true(has_attribute("e", "trusted.overlay.opaque", "y"));
	assert_true(has("c/implied"));
	assert_true(has("e/implied"));
}

static void a_whiteout_of_what_this_layer_has_is_dropped(void **state)
{
	(void)state;
	begin_layer(OAKUM_WHITEOUTS_OVERLAY);
	must_place(A_FILE("f"));
	must_place(A_WHITEOUT("f"));
	must_place(A_WHITEOUT("g"));
	must_place(A_WHITEOUT("g"));
	must_place(A_WHITEOUT("h"));
	must_place(A_FILE("h"));
	assert_true(scratch_file_is(&scratch, "f", "f"));
	assert_true(S_ISCHR(status_of("g").st_mode));
	assert_int_equal(status_of("g").st_rdev, 0);
	assert_true(scratch_file_is(&scratch, "h", "h"));
}

static void an_opaque_mark_is_made_in_the_way_that_was_asked_for(void **state)
{
	(void)state;
	begin_layer(OAKUM_WHITEOUTS_OVERLAY);
	must_place(A_DIRECTORY("d"));
	assert_int_equal(tree_mark_opaque(tree, "d", &err), 0);
	assert_int_equal(tree_mark_opaque(tree, "made/now", &err), 0);
	finish();
	assert_true(has_attribute("d", "trusted.overlay.opaque", "y"));
	assert_true(has_attribute("made/now", "trusted.overlay.opaque", "y"));
	begin_layer(OAKUM_WHITEOUTS_OVERLAY_USERXATTR);
	if (tree_mark_opaque(tree, "u", &err) < 0) { /* tmpfs before Linux 6.6 */
		assert_int_equal(err.code, EOPNOTSUPP);
		return;
	}
	assert_true(has_attribute("u", "user.overlay.opaque", "y"));
}

/* --- whiteouts for overlayfs, where something is there before --- */

enum { FORMS = 4 };

/* A rootfs with the lower layer in it, and a layer begun for overlayfs in each form. */
static void begin_over_lower_layer(unsigned int number)
{
	scratch_renew(&scratch);
	begin_layer(OAKUM_WHITEOUTS_APPLY);
	have_lower_layer();
	begin_layer_in_form(
		number / 2 == 0 ? OAKUM_WHITEOUTS_OVERLAY : OAKUM_WHITEOUTS_OVERLAY_USERXATTR,
		number % 2 == 0 ? OAKUM_WHITEOUT_FORM_DEVICE : OAKUM_WHITEOUT_FORM_XATTR);
}

static bool is_opaque(const char *path)
{
	return has_attribute(path, "trusted.overlay.opaque", "y") ||
	       has_attribute(path, "user.overlay.opaque", "y");
}

static bool is_whiteout(const char *path)
{
	const struct stat status = status_of(path);

	if (S_ISCHR(status.st_mode))
		return status.st_rdev == 0;
	return S_ISREG(status.st_mode) && status.st_size == 0 &&
	       (has_attribute(path, "trusted.overlay.whiteout", "y") ||
		       has_attribute(path, "user.overlay.whiteout", "y"));
}

static void what_was_there_before_gives_way_to_a_whiteout(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < FORMS; number++) {
		begin_over_lower_layer(number);
		must_place(A_WHITEOUT("file"));
		must_place(A_WHITEOUT("alias"));
		must_place(A_WHITEOUT("d/lower"));
		must_place(A_WHITEOUT("d/link"));
		must_place(A_WHITEOUT("d/sub"));
		must_place(A_WHITEOUT("never/there"));
		finish();
		assert_true(is_whiteout("file"));
		assert_true(is_whiteout("alias"));
		assert_true(is_whiteout("d/lower"));
		assert_true(is_whiteout("d/link"));
		assert_true(is_whiteout("d/sub"));
		assert_true(is_whiteout("never/there"));
		assert_true(has("d/empty"));
		assert_false(is_opaque("d"));
	}
}

static void assert_d_is_of_this_layer(void)
{
	assert_true(is_opaque("d"));
	assert_true(scratch_file_is(&scratch, "d/sub/upper", "d/sub/upper"));
	assert_true(has("d/own/upper"));
	assert_false(has("d/lower"));
	assert_false(has("d/link"));
	assert_false(has("d/empty"));
	assert_false(has("d/sub/lower"));
	assert_false(has("d/sub/deep"));
	assert_false(has("d/sub/hidden"));
}

static void what_this_layer_placed_among_it_is_spared_by_a_whiteout(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < 2 * FORMS; number++) {
		const bool before = number >= FORMS;
		begin_over_lower_layer(number % FORMS);
		if (before)
			must_place(A_WHITEOUT("d"));
		must_place(A_FILE("d/sub/upper"));
		must_place(A_WHITEOUT("d/sub/hidden"));
		must_place(A_FILE("d/own/upper"));
		must_place(A_FILE("file"));
		if (!before)
			must_place(A_WHITEOUT("d"));
		must_place(A_WHITEOUT("d"));
		must_place(A_WHITEOUT("file"));
		finish();
		assert_d_is_of_this_layer();
		assert_true(scratch_file_is(&scratch, "file", "file"));
	}
}

static void what_was_there_before_is_not_left_in_an_opaque_directory(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < 2 * FORMS; number++) {
		const bool before = number >= FORMS;
		begin_over_lower_layer(number % FORMS);
		if (before)
			assert_int_equal(tree_mark_opaque(tree, "d", &err), 0);
		must_place(A_DIRECTORY("d/sub", .mode = 0700));
		must_place(A_WHITEOUT("d/sub/hidden"));
		must_place(A_FILE("d/sub/upper"));
		must_place(A_FILE("d/own/upper"));
		assert_int_equal(tree_mark_opaque(tree, "d", &err), 0);
		assert_int_equal(tree_mark_opaque(tree, "d", &err), 0);
		assert_int_equal(tree_mark_opaque(tree, "alias", &err), 0);
		finish();
		assert_d_is_of_this_layer();
		assert_int_equal(mode_of("d/sub"), 0700);
		assert_true(has("file"));
	}
}

/* As if this layer had marked it: overlayfs would list a whiteout that is made in there. */
static void a_directory_that_was_opaque_before_is_so_still(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < FORMS; number++) {
		begin_over_lower_layer(number);
		assert_int_equal(tree_mark_opaque(tree, "d", &err), 0);
		must_place(A_FILE("d/sub/old"));
		must_place(A_FILE("d/old"));
		finish();
		begin_layer_in_form(number / 2 == 0 ? OAKUM_WHITEOUTS_OVERLAY
						    : OAKUM_WHITEOUTS_OVERLAY_USERXATTR,
			number % 2 == 0 ? OAKUM_WHITEOUT_FORM_DEVICE : OAKUM_WHITEOUT_FORM_XATTR);
		must_place(A_WHITEOUT("d/sub/old"));
		must_place(A_WHITEOUT("d/never-there"));
		assert_false(has("d/sub/old"));
		assert_false(has("d/never-there"));
		assert_true(is_opaque("d"));
		assert_int_equal(tree_mark_opaque(tree, "d", &err), 0);
		assert_false(has("d/old"));
		assert_true(is_opaque("d"));
	}
}

static void a_hard_link_to_what_was_there_before_is_of_this_layer(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < FORMS; number++) {
		begin_over_lower_layer(number);
		must_place(A_HARD_LINK("own", "file"));
		must_place(A_HARD_LINK("d/own", "d/lower"));
		must_place(A_WHITEOUT("file"));
		must_place(A_WHITEOUT("own"));
		must_place(A_WHITEOUT("d"));
		assert_true(is_whiteout("file"));
		assert_true(scratch_file_is(&scratch, "own", "file"));
		assert_true(scratch_file_is(&scratch, "d/own", "d/lower"));
		assert_false(has("d/lower"));
		assert_true(is_opaque("d"));
	}
}

static size_t memory_of_many_names(void)
{
	enum { COUNT = 20000 };
	char name[32];

	begin_layer(OAKUM_WHITEOUTS_OVERLAY);
	const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%d", i);
		must_place(A_FIFO(name));
	}
	return mallinfo2().uordblks + mallinfo2().hblkhd - before;
}

static void in_an_empty_rootfs_no_name_is_remembered(void **state)
{
	(void)state;
	assert_true(memory_of_many_names() < 32 << 10);
#ifndef OAKUM_SANITIZED /* whose allocator does not tell */
	scratch_renew(&scratch);
	assert_int_equal(mkdirat(scratch.rootfs_fd, "lost+found", 0700), 0);
	assert_true(memory_of_many_names() > 128 << 10);
#endif
}

/* --- others meddle --- */

static atomic_bool is_over;

static void *exchange(void *argument)
{
	(void)argument;
	while (!is_over)
		renameat2(scratch.rootfs_fd, "x", scratch.rootfs_fd, "y", RENAME_EXCHANGE);
	return NULL;
}

static void a_directory_exchanged_for_a_symlink_leads_nowhere_else(void **state)
{
	pthread_t thread;
	char outside[512];
	char name[32];

	(void)state;
	snprintf(outside, sizeof(outside), "%s/outside", scratch.path);
	must_place(A_DIRECTORY("x"));
	must_place(A_LINK("y", outside));
	is_over = false;
	assert_int_equal(pthread_create(&thread, NULL, exchange, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "x/%d", i);
		place(A_FILE(name)); /* may well be refused */
		place(A_DIRECTORY("x/secret"));
		place(A_HARD_LINK("x/link", "x/secret"));
		tree_remove(tree, "x/secret", &err);
		tree_empty(tree, "x", &err);
		begin_layer(OAKUM_WHITEOUTS_APPLY);
	}
	is_over = true;
	pthread_join(thread, NULL);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(the_last_entry_of_a_name_wins_whatever_the_types),
		IN_SCRATCH(a_file_over_a_symlink_leaves_its_target_alone),
		IN_SCRATCH(a_directory_over_a_symlink_replaces_it_and_keeps_its_children),
		IN_SCRATCH(a_tree_of_five_thousand_levels_is_replaced),
		IN_SCRATCH(parents_are_symlinks_below_the_rootfs),
		IN_SCRATCH(missing_parents_are_made_for_root_alone_to_write),
		IN_SCRATCH(what_is_no_directory_has_nothing_below_it),
		IN_SCRATCH(sixty_links_in_a_chain_are_refused),
		IN_SCRATCH(thirty_paths_of_1450_directories_take_no_time),
		IN_SCRATCH(a_link_between_very_deep_directories_lands_where_it_belongs),
		IN_SCRATCH(a_hard_link_is_the_same_file),
		IN_SCRATCH(a_hard_link_to_a_symlink_is_to_the_symlink),
		IN_SCRATCH(a_hard_link_needs_a_target_that_is_no_directory),
		IN_SCRATCH(what_a_bad_link_would_replace_is_still_there),
		IN_SCRATCH(owner_mode_and_time_are_those_of_the_entry),
		IN_SCRATCH(a_capability_survives_the_change_of_owner),
		IN_SCRATCH(what_cannot_be_opened_has_attributes_too),
		IN_SCRATCH(directories_get_their_metadata_when_they_are_full),
		IN_SCRATCH(the_last_word_on_a_directory_counts_by_whatever_path_it_came),
		IN_SCRATCH(a_directory_told_of_again_and_again_costs_no_memory),
		IN_SCRATCH(names_of_directories_may_be_long_and_many),
		IN_SCRATCH(a_directory_that_was_replaced_leaves_nothing_to_its_successor),
		IN_SCRATCH(a_setgid_parent_bestows_nothing),
		IN_SCRATCH(a_default_acl_of_the_parent_bestows_nothing),
		IN_SCRATCH(a_whiteout_hides_what_lower_layers_brought),
		IN_SCRATCH(a_whiteout_never_hides_what_this_layer_placed),
		IN_SCRATCH(an_opaque_marker_empties_in_any_order),
		IN_SCRATCH(what_came_by_a_symlink_is_of_this_layer_too),
		IN_SCRATCH(a_marker_said_ten_thousand_times_takes_no_time),
		IN_SCRATCH(whiteouts_by_way_of_a_symlink_stay_below_the_rootfs),
		IN_SCRATCH(a_whiteout_and_a_directory_are_an_opaque_directory_in_any_order),
		IN_SCRATCH(a_whiteout_of_what_this_layer_has_is_dropped),
		IN_SCRATCH(an_opaque_mark_is_made_in_the_way_that_was_asked_for),
		IN_SCRATCH(what_was_there_before_gives_way_to_a_whiteout),
		IN_SCRATCH(what_this_layer_placed_among_it_is_spared_by_a_whiteout),
		IN_SCRATCH(what_was_there_before_is_not_left_in_an_opaque_directory),
		IN_SCRATCH(a_directory_that_was_opaque_before_is_so_still),
		IN_SCRATCH(a_hard_link_to_what_was_there_before_is_of_this_layer),
		IN_SCRATCH(in_an_empty_rootfs_no_name_is_remembered),
		IN_SCRATCH(a_directory_exchanged_for_a_symlink_leads_nowhere_else),
	};

	/* A live ext4 takes seconds to make again what was removed just now. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	if (geteuid() != 0) {
		print_message("skipped: owners, devices and trusted attributes need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
