/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sent to the disk, and that it is done last: the calls are watched, and each is
 * remembered with what its file was at that moment.
 */
#include "support/scratch.h"
#include "support/tarball.h"
#include "unpacker/remove.h"
#include "unpacker/unpacker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEEN_MAX = 1024 };

enum call { FSYNC, FDATASYNC, SYNCFS, SYNC_FILE_RANGE, CALLS };

struct seen {
	enum call call;
	struct stat status;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen seen[SEEN_MAX];
static size_t seen_count;
static unsigned int calls[CALLS];
static enum call failing_call = CALLS;
static mode_t failing_mode; /* whole: what a file is known by before it is there */

static struct scratch scratch;
static struct oakum_error err;

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __wrap_sync_file_range(int fd, off_t offset, off_t length, unsigned int flags);
/* NOLINTBEGIN(bugprone-reserved-identifier): names of ld(1) */

static int see(enum call call, int fd)
{
	struct stat status;
	int r = 0;

	if (fstat(fd, &status) < 0)
		return -1;
	pthread_mutex_lock(&lock);
	calls[call]++;
	if (call != SYNC_FILE_RANGE && seen_count < SEEN_MAX)
		seen[seen_count++] = (struct seen){ call, status };
	if (call == failing_call && (failing_mode == status.st_mode))
		r = -1;
	pthread_mutex_unlock(&lock);
	errno = EIO;
	return r;
}

int __wrap_fsync(int fd)
{
	return see(FSYNC, fd);
}

int __wrap_fdatasync(int fd)
{
	return see(FDATASYNC, fd);
}

int __wrap_syncfs(int fd)
{
	return see(SYNCFS, fd);
}

/* Its waiting half: the other is a hint, whose errors are nobody's. */
int __wrap_sync_file_range(int fd, off_t offset, off_t length, unsigned int flags)
{
	(void)offset;
	(void)length;
	if ((flags & SYNC_FILE_RANGE_WAIT_AFTER) == 0) {
		errno = EIO;
		return -1;
	}
	return see(SYNC_FILE_RANGE, fd);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static int set_up(void **state)
{
	(void)state;
	umask(0);
	scratch_make(&scratch);
	memset(&err, 0, sizeof(err));
	memset(calls, 0, sizeof(calls));
	seen_count = 0;
	failing_call = CALLS;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
	scratch_remove(&scratch);
	return 0;
}

static int unpack_with(const struct member *layer, struct unpacker_options options)
{
	static const struct limits limits = LIMITS_DEFAULT;
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct tarball tar = tarball_of(layer);
	struct unpacker *unpacker = NULL;

	options.stream_fd = memory_file(tar.bytes, tar.length);
	options.rootfs_fd = scratch.rootfs_fd;
	options.policy.limits = &limits;
	int r = unpacker_open(&options, &unpacker, &err);
	if (r == 0)
		r = unpacker_run(unpacker, &stats, &err);
	unpacker_close(&unpacker);
	close(options.stream_fd);
	tarball_free(&tar);
	return r;
}

static void must_unpack(const struct member *layer, uint32_t sync)
{
	const struct unpacker_options options = { .threads = 1, .sync = sync };

	if (unpack_with(layer, options) < 0)
		fail_msg("%s: %s: %s (%s)", err.entry, err.op, strerror(err.code), err.detail);
}

static struct stat status_of(const char *path)
{
	struct stat status;

	if (fstatat(scratch.rootfs_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return status;
}

/* Was the last call of this kind on it made when nothing was left to be done to it? */
static bool is_synced(const char *path, enum call call)
{
	const struct stat now = status_of(path);

	for (size_t i = seen_count; i > 0; i--) {
		const struct stat *then = &seen[i - 1].status;
		if (seen[i - 1].call == call && then->st_ino == now.st_ino)
			return then->st_ctim.tv_sec == now.st_ctim.tv_sec &&
			       then->st_ctim.tv_nsec == now.st_ctim.tv_nsec;
	}
	return false;
}

static void assert_synced(const char *path)
{
	if (!is_synced(path, FSYNC))
		fail_msg("%s is not on the disk", path);
}

static void make_lower(const char *directory_path)
{
	assert_return_code(mkdirat(scratch.rootfs_fd, directory_path, 0755), errno);
}

static void make_lower_file(const char *path)
{
	int fd = openat(scratch.rootfs_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_return_code(fd, errno);
	close(fd);
}

static const struct member all_kinds[] = {
	directory("etc/", .mode = 0750, .mtime = 6),
	file("etc/passwd", "root", .mode = 0600, .uid = 1, .gid = 2, .mtime = 7),
	file("etc/empty", "", .mtime = 8),
	symlink_to("etc/link", "/etc/passwd"),
	hard_link_to("usr/share/hard", "etc/passwd"),
	fifo("pipe"),
	big_file("var/large", 20 << 20, .mtime = 9),
	directory("kept/", .mode = 0700, .mtime = 10),
	directory("./", .mode = 0711, .mtime = 5),
	END,
};

static void full_has_every_entry_on_the_disk_and_nobody_elses(void **state)
{
	static const char *const changed[] = { ".", "etc", "etc/passwd", "etc/empty", "usr",
		"usr/share", "var", "var/large", "kept" };

	(void)state;
	make_lower("kept");
	make_lower("other");
	make_lower("kept/below");
	make_lower_file("kept/file");
	must_unpack(all_kinds, OAKUM_SYNC_FULL);
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		assert_synced(changed[i]);
	assert_false(is_synced("other", FSYNC));
	assert_false(is_synced("kept/below", FSYNC));
	assert_false(is_synced("kept/file", FSYNC));
	assert_int_equal(calls[SYNCFS], 0);
	assert_int_equal(calls[FDATASYNC], 0);
}

static void data_has_the_contents_on_the_disk_and_no_directory(void **state)
{
	(void)state;
	must_unpack(all_kinds, OAKUM_SYNC_DATA);
	assert_true(is_synced("etc/passwd", FDATASYNC));
	assert_true(is_synced("var/large", FDATASYNC));
	assert_int_equal(calls[FSYNC] + calls[SYNCFS], 0);
}

static void fs_is_one_call_at_the_end(void **state)
{
	(void)state;
	must_unpack(all_kinds, OAKUM_SYNC_FS);
	assert_int_equal(calls[SYNCFS], 1);
	assert_true(is_synced(".", SYNCFS));
	assert_int_equal(calls[FSYNC] + calls[FDATASYNC] + calls[SYNC_FILE_RANGE], 0);
}

static void none_makes_no_call(void **state)
{
	(void)state;
	must_unpack(all_kinds, OAKUM_SYNC_NONE);
	for (size_t i = 0; i < CALLS; i++)
		assert_int_equal(calls[i], 0);
}

static void a_directory_that_only_gets_a_name_is_on_the_disk(void **state)
{
	const struct member layer[] = {
		file("a/b/new", "x"),
		symlink_to("lib/link", "to"),
		hard_link_to("c/hard", "a/b/new"),
		file("e/implied/new", "x"),
		END,
	};

	(void)state;
	make_lower("a");
	make_lower("a/b");
	make_lower("c");
	make_lower("e");
	make_lower("usr");
	make_lower("usr/lib");
	assert_return_code(symlinkat("usr/lib", scratch.rootfs_fd, "lib"), errno);
	must_unpack(layer, OAKUM_SYNC_FULL);
	assert_synced("a/b");
	assert_synced("a/b/new");
	assert_synced("c");
	assert_synced("e");
	assert_synced("e/implied");
	assert_synced("usr/lib");
	assert_false(is_synced("a", FSYNC));
	assert_false(is_synced("usr", FSYNC));
}

static void a_directory_that_loses_a_name_is_on_the_disk(void **state)
{
	const struct member layer[] = {
		file("a/.wh.gone", ""),
		file("b/c/d/new", "x"),
		file("b/.wh..wh..opq", ""),
		file("replaced", "y"),
		END,
	};

	(void)state;
	make_lower("a");
	make_lower("a/gone");
	make_lower_file("a/gone/file");
	make_lower("b");
	make_lower("b/c");
	make_lower_file("b/old");
	make_lower_file("b/c/old");
	make_lower("b/c/d");
	make_lower_file("b/c/d/old");
	make_lower("replaced");
	make_lower_file("replaced/file");
	must_unpack(layer, OAKUM_SYNC_FULL);
	assert_int_equal(faccessat(scratch.rootfs_fd, "b/c/old", F_OK, 0), -1);
	assert_synced("a");
	assert_synced("b");
	assert_synced("b/c");
	assert_synced("b/c/d");
	assert_synced("replaced");
	assert_synced(".");
	assert_int_equal(calls[SYNCFS], 0);
}

/* Its files went where the symlink led when they came. */
static void what_no_path_leads_to_any_more_needs_the_whole_file_system(void **state)
{
	const struct member layer[] = {
		file("lib/new", "x"),
		symlink_to("lib", "elsewhere"),
		END,
	};

	(void)state;
	make_lower("usr");
	assert_return_code(symlinkat("usr", scratch.rootfs_fd, "lib"), errno);
	must_unpack(layer, OAKUM_SYNC_FULL);
	assert_true(scratch_file_is(&scratch, "usr/new", "x"));
	assert_int_equal(calls[SYNCFS], 1);
	assert_true(is_synced(".", SYNCFS));
}

static void marks_of_overlayfs_are_on_the_disk(void **state)
{
	const struct member layer[] = {
		file("a/.wh.gone", ""),
		file("b/.wh..wh..opq", ""),
		END,
	};
	const struct unpacker_options options = {
		.threads = 1,
		.sync = OAKUM_SYNC_FULL,
		.policy.whiteouts = OAKUM_WHITEOUTS_OVERLAY_USERXATTR,
		.whiteout_form = OAKUM_WHITEOUT_FORM_XATTR,
	};

	(void)state;
	if (setxattr(scratch.path, "user.x", "", 0, 0) < 0) {
		print_message("this file system has no attributes\n");
		assert_null(getenv("CI"));
		skip();
	}
	make_lower("b");
	assert_int_equal(unpack_with(layer, options), 0);
	assert_synced("a");
	assert_synced("a/gone");
	assert_synced("b");
}

static void what_does_not_reach_the_disk_is_named(void **state)
{
	const struct member layer[] = {
		directory("./", .mode = 0711),
		directory("usr/share", .mode = 0712),
		file("etc/passwd", "x", .mode = 0601),
		file("etc/empty", "", .mode = 0602),
		big_file("var/large", 100000, .mode = 0603),
		END,
	};
	static const struct {
		uint32_t sync;
		enum call call;
		mode_t mode;
		const char *path;
		const char *op;
	} rows[] = {
		{ OAKUM_SYNC_FULL, FSYNC, S_IFREG | 0601, "etc/passwd", "fsync" },
		{ OAKUM_SYNC_FULL, SYNC_FILE_RANGE, S_IFREG | 0603, "var/large",
			"sync_file_range" },
		{ OAKUM_SYNC_FULL, FSYNC, S_IFDIR | 0712, "usr/share", "fsync" },
		{ OAKUM_SYNC_FULL, FSYNC, S_IFDIR | 0711, "", "fsync" },
		{ OAKUM_SYNC_DATA, FDATASYNC, S_IFREG | 0602, "etc/empty", "fdatasync" },
		{ OAKUM_SYNC_FS, SYNCFS, S_IFDIR | 0711, "", "syncfs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct unpacker_options options = { .threads = 1 + i % 2,
			.sync = rows[i].sync };
		failing_call = rows[i].call;
		failing_mode = rows[i].mode;
		assert_int_equal(unpack_with(layer, options), -EIO);
		assert_string_equal(err.entry, rows[i].path);
		assert_string_equal(err.op, rows[i].op);
		assert_int_equal(err.stage, OAKUM_STAGE_WRITE);
	}
}

static struct tarball many_files(int count)
{
	struct tarball tar = { 0 };
	const struct member last = END;

	for (int i = 0; i < count; i++) {
		char name[32];
		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		const struct member member = file(name, "x", .mtime = 1000 + i);
		tarball_add(&tar, &member);
	}
	tarball_add(&tar, &last);
	return tar;
}

static void sync_many(unsigned int threads)
{
	const struct limits limits = LIMITS_DEFAULT;
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct tarball tar = many_files(600);
	struct unpacker *unpacker = NULL;
	const struct unpacker_options options = {
		.stream_fd = memory_file(tar.bytes, tar.length),
		.rootfs_fd = scratch.rootfs_fd,
		.threads = threads,
		.sync = OAKUM_SYNC_FULL,
		.policy.limits = &limits,
	};

	assert_int_equal(unpacker_open(&options, &unpacker, &err), 0);
	assert_int_equal(unpacker_run(unpacker, &stats, &err), 0);
	unpacker_close(&unpacker);
	close(options.stream_fd);
	tarball_free(&tar);
	for (int i = 0; i < 600; i++) {
		char name[32];
		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		assert_synced(name);
	}
	assert_int_equal(calls[FSYNC], 600 + 7 + 1);
	assert_int_equal(calls[SYNC_FILE_RANGE], 600);
}

static void more_files_than_descriptors_reach_the_disk(void **state)
{
	static const unsigned int all_threads[] = { 1, 2, 8 };

	(void)state;
	for (size_t i = 0; i < sizeof(all_threads) / sizeof(all_threads[0]); i++) {
		assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
		memset(calls, 0, sizeof(calls));
		seen_count = 0;
		sync_many(all_threads[i]);
	}
}

static void a_caller_with_few_descriptors_syncs_one_by_one(void **state)
{
	struct rlimit limit;
	struct rlimit before;

	(void)state;
	assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
	limit = before;
	limit.rlim_cur = 260;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
	sync_many(1);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(full_has_every_entry_on_the_disk_and_nobody_elses),
		TEST(data_has_the_contents_on_the_disk_and_no_directory),
		TEST(fs_is_one_call_at_the_end),
		TEST(none_makes_no_call),
		TEST(a_directory_that_only_gets_a_name_is_on_the_disk),
		TEST(a_directory_that_loses_a_name_is_on_the_disk),
		TEST(what_no_path_leads_to_any_more_needs_the_whole_file_system),
		TEST(marks_of_overlayfs_are_on_the_disk),
		TEST(what_does_not_reach_the_disk_is_named),
		TEST(more_files_than_descriptors_reach_the_disk),
		TEST(a_caller_with_few_descriptors_syncs_one_by_one),
#undef TEST
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
