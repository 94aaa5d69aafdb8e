/* SPDX-License-Identifier: Apache-2.0 */
/* All or nothing, by the functions: what is refused, what changes meanwhile, and what is left. */
#include "support/scratch.h"
#include "support/tarball.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEPTH = 1000 };

/* The rootfs of the scratch is the parent here. */
static struct scratch scratch;
static struct oakum_error err;
static struct oakum_atomic *atomic;
static int descriptors;

static int count_names(const char *path)
{
	DIR *directory = opendir(path);
	int count = -2; /* "." and ".." */

	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static int names_in_parent(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	return count_names(path);
}

static int set_up(void **state)
{
	(void)state;
	umask(022);
	scratch_make(&scratch);
	memset(&err, 0, sizeof(err));
	atomic = NULL;
	oakum_trim();
	descriptors = count_names("/proc/self/fd");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	umask(022);
	oakum_trim();
	assert_null(atomic);
	assert_int_equal(count_names("/proc/self/fd"), descriptors);
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	return 0;
}

static void must(int r)
{
	if (r < 0)
		fail_msg("%s: %s: %s (%s)", err.entry, err.op, strerror(err.code), err.detail);
}

static int begin(const char *name)
{
	return oakum_atomic_begin(scratch.rootfs_fd, name, NULL, &atomic, &err);
}

static int unpack(const struct member *layer)
{
	struct tarball tar = tarball_of(layer);
	int layer_fd = memory_file(tar.bytes, tar.length);
	int r = oakum_unpack(layer_fd, oakum_atomic_rootfs_fd(atomic), NULL, NULL, &err);

	close(layer_fd);
	tarball_free(&tar);
	return r;
}

static const struct member small[] = {
	directory("d", .mode = 0700),
	file("d/f", "content"),
	END,
};

static struct stat status_of(const char *path)
{
	struct stat status;

	if (fstatat(scratch.rootfs_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return status;
}

static void make_directory(const char *path, mode_t mode)
{
	assert_return_code(mkdirat(scratch.rootfs_fd, path, 0700), errno);
	assert_return_code(fchmodat(scratch.rootfs_fd, path, mode, 0), errno);
}

static void make_file(const char *path)
{
	int fd = openat(scratch.rootfs_fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_return_code(fd, errno);
	close(fd);
}

static void layers_come_together_and_then_are_in_their_place(void **state)
{
	const struct member second[] = { file("d/g", "more"), file(".wh.gone", ""), END };

	(void)state;
	must(begin("new"));
	must(unpack(small));
	must(unpack(second));
	assert_false(scratch_has(&scratch, "new"));
	assert_int_equal(status_of(".oakum-new").st_mode, S_IFDIR | 0700);
	must(oakum_atomic_commit(&atomic, &err));
	assert_true(scratch_file_is(&scratch, "new/d/f", "content"));
	assert_true(scratch_file_is(&scratch, "new/d/g", "more"));
	assert_int_equal(status_of("new").st_mode, S_IFDIR | 0755);
	assert_int_equal(names_in_parent(), 1);
}

static void after_an_abort_nothing_is_left(void **state)
{
	(void)state;
	must(begin("new"));
	must(unpack(small));
	must(oakum_atomic_abort(&atomic, &err));
	assert_int_equal(names_in_parent(), 0);
	make_directory("there", 0711);
	must(begin("there"));
	must(oakum_atomic_abort(&atomic, &err));
	assert_int_equal(status_of("there").st_mode, S_IFDIR | 0711);
	assert_int_equal(names_in_parent(), 1);
}

static void of_nothing_there_is_nothing_to_end(void **state)
{
	(void)state;
	assert_int_equal(oakum_atomic_abort(&atomic, &err), 0);
	assert_int_equal(oakum_atomic_commit(&atomic, &err), -EINVAL);
	assert_int_equal(err.stage, OAKUM_STAGE_SETUP);
}

static void what_it_replaces_gives_it_mode_and_owner(void **state)
{
	(void)state;
	make_directory("there", 02751);
	assert_return_code(fchownat(scratch.rootfs_fd, "there", 12, 34, 0), errno);
	assert_return_code(fchmodat(scratch.rootfs_fd, "there", 02751, 0), errno);
	must(begin("there"));
	must(unpack(small));
	must(oakum_atomic_commit(&atomic, &err));
	assert_int_equal(status_of("there").st_mode, S_IFDIR | 02751);
	assert_int_equal(status_of("there").st_uid, 12);
	assert_int_equal(status_of("there").st_gid, 34);
}

static void no_umask_and_no_parent_changes_that(void **state)
{
	(void)state;
	umask(077);
	must(begin("masked"));
	must(oakum_atomic_commit(&atomic, &err));
	assert_int_equal(status_of("masked").st_mode, S_IFDIR | 0755);
	assert_return_code(fchownat(scratch.rootfs_fd, "", 0, 99, AT_EMPTY_PATH), errno);
	assert_return_code(fchmodat(scratch.rootfs_fd, ".", 02755, 0), errno);
	must(begin("set-gid"));
	must(oakum_atomic_commit(&atomic, &err));
	assert_int_equal(status_of("set-gid").st_mode, S_IFDIR | 02755);
	assert_int_equal(status_of("set-gid").st_gid, 99);
}

static void a_name_is_one_component(void **state)
{
	static const char *const names[] = { "", ".", "..", "a/b", "/", "/a" };
	char name[NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(begin(names[i]), -EINVAL);
	memset(name, 'n', sizeof(name) - 1);
	name[NAME_MAX + 1] = '\0';
	assert_int_equal(begin(name), -EINVAL);
	name[NAME_MAX] = '\0';
	must(begin(name));
	must(oakum_atomic_commit(&atomic, &err));
	assert_true(scratch_has(&scratch, name));
	assert_int_equal(names_in_parent(), 1);
}

static void one_target_is_for_one_at_a_time(void **state)
{
	struct oakum_atomic *other = NULL;

	(void)state;
	must(begin("new"));
	assert_int_equal(oakum_atomic_begin(scratch.rootfs_fd, "new", NULL, &other, &err), -EBUSY);
	assert_null(other);
	must(oakum_atomic_begin(scratch.rootfs_fd, "other", NULL, &other, &err));
	must(oakum_atomic_commit(&other, &err));
	must(oakum_atomic_commit(&atomic, &err));
	assert_int_equal(begin("new") < 0, false);
	must(oakum_atomic_abort(&atomic, &err));
}

static void a_target_that_changes_meanwhile_stays(void **state)
{
	(void)state;
	must(begin("filled"));
	must(unpack(small));
	make_directory("filled", 0755);
	make_file("filled/by-another");
	assert_int_equal(oakum_atomic_commit(&atomic, &err), -ENOTEMPTY);
	assert_int_equal(err.stage, OAKUM_STAGE_WRITE);
	assert_true(scratch_has(&scratch, "filled/by-another"));
	assert_false(scratch_has(&scratch, "filled/d"));
	must(begin("a-file"));
	must(unpack(small));
	make_file("a-file");
	assert_int_equal(oakum_atomic_commit(&atomic, &err), -ENOTDIR);
	assert_int_equal(names_in_parent(), 2);
}

static void a_mount_is_not_replaced_whenever_it_comes(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/rootfs/there", scratch.path);
	make_directory("there", 0755);
	must(begin("there"));
	if (mount(path, path, NULL, MS_BIND, NULL) < 0) {
		print_message("no right to mount\n");
		assert_null(getenv("CI"));
		must(oakum_atomic_abort(&atomic, &err));
		skip();
	}
	int committed = oakum_atomic_commit(&atomic, &err);
	int begun = begin("there");
	assert_return_code(umount(path), errno);
	assert_int_equal(committed, -EBUSY);
	assert_int_equal(begun, -EBUSY);
	assert_int_equal(names_in_parent(), 1);
}

static void nothing_that_lies_in_wait_is_followed_or_trusted(void **state)
{
	(void)state;
	assert_return_code(symlinkat("../outside", scratch.rootfs_fd, ".oakum-new"), errno);
	assert_int_equal(begin("new"), -ENOTDIR);
	assert_return_code(unlinkat(scratch.rootfs_fd, ".oakum-new", 0), errno);
	make_directory(".oakum-new", 0700);
	assert_return_code(
		symlinkat("../../outside", scratch.rootfs_fd, ".oakum-new/rootfs"), errno);
	assert_int_equal(begin("new"), -ENOTDIR);
	assert_return_code(unlinkat(scratch.rootfs_fd, ".oakum-new/rootfs", 0), errno);
	assert_return_code(fchmodat(scratch.rootfs_fd, ".oakum-new", 0770, 0), errno);
	assert_int_equal(begin("new"), -EACCES);
	assert_return_code(unlinkat(scratch.rootfs_fd, ".oakum-new", AT_REMOVEDIR), errno);
}

/* One chain of more directories than there are descriptors. */
static void however_deep_it_is_all_of_it_goes(void **state)
{
	struct tarball tar = { 0 };
	const struct member last = END;
	static char name[2 * (DEPTH + 1)];

	(void)state;
	for (size_t i = 0; i < DEPTH; i++)
		memcpy(name + 2 * i, "d/", 2);
	memcpy(name + 2 * DEPTH, "f", 2);
	tarball_add_named(&tar, name);
	tarball_add(&tar, &last);
	must(begin("deep"));
	int layer_fd = memory_file(tar.bytes, tar.length);
	must(oakum_unpack(layer_fd, oakum_atomic_rootfs_fd(atomic), NULL, NULL, &err));
	close(layer_fd);
	tarball_free(&tar);
	must(oakum_atomic_abort(&atomic, &err));
	assert_int_equal(names_in_parent(), 0);
}

static void a_caller_that_is_newer_is_told(void **state)
{
	struct {
		struct oakum_unpack_options known;
		uint64_t unknown;
	} newer = { .known.size = sizeof(newer), .unknown = 1 };

	(void)state;
	assert_int_equal(
		oakum_atomic_begin(scratch.rootfs_fd, "new", &newer.known, &atomic, &err), -E2BIG);
	assert_int_equal(names_in_parent(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(layers_come_together_and_then_are_in_their_place),
		TEST(after_an_abort_nothing_is_left),
		TEST(of_nothing_there_is_nothing_to_end),
		TEST(what_it_replaces_gives_it_mode_and_owner),
		TEST(no_umask_and_no_parent_changes_that),
		TEST(a_name_is_one_component),
		TEST(one_target_is_for_one_at_a_time),
		TEST(a_target_that_changes_meanwhile_stays),
		TEST(a_mount_is_not_replaced_whenever_it_comes),
		TEST(nothing_that_lies_in_wait_is_followed_or_trusted),
		TEST(however_deep_it_is_all_of_it_goes),
		TEST(a_caller_that_is_newer_is_told),
#undef TEST
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
