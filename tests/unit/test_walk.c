/* SPDX-License-Identifier: Apache-2.0 */
/* Paths below the rootfs, by hand and by the kernel: both must lead to the same place, and never
 * out. */
#include "base/sys.h"
#include "support/scratch.h"
#include "unpacker/parents.h"
#include "unpacker/remove.h"
#include "unpacker/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;

static int make_scratch(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return 0;
}

static int remove_scratch(void **state)
{
	(void)state;
	/* nftw(3) cannot remove what is deeper than PATH_MAX. */
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
	scratch_remove(&scratch);
	return 0;
}

static void make_directory(const char *path)
{
	assert_return_code(mkdirat(scratch.rootfs_fd, path, 0755), errno);
}

static void make_link(const char *path, const char *target)
{
	assert_return_code(symlinkat(target, scratch.rootfs_fd, path), errno);
}

/* "d/d/d...": more than PATH_MAX bytes when deep enough; made and removed level by level. */
static char *make_deep(const char *name, int depth)
{
	int fd = openat(scratch.rootfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *path = calloc((size_t)depth, strlen(name) + 1);

	assert_non_null(path);
	for (int i = 0; i < depth; i++) {
		assert_return_code(mkdirat(fd, name, 0755), errno);
		int next_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next_fd;
		strcat(path, i > 0 ? "/" : "");
		strcat(path, name);
	}
	close(fd);
	return path;
}

static ino_t inode_of(int fd)
{
	struct stat status;

	assert_return_code(fstat(fd, &status), errno);
	return status.st_ino;
}

static ino_t inode_at(const char *path)
{
	struct stat status;

	assert_return_code(fstatat(scratch.rootfs_fd, path, &status, 0), errno);
	return status.st_ino;
}

static int walk_code(const char *path)
{
	int fd = walk_open(scratch.rootfs_fd, path, O_PATH);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int parents_code(const char *path)
{
	struct parents *parents = parents_new(scratch.rootfs_fd);
	struct parent *parent;

	assert_non_null(parents);
	int r = parents_open(parents, path, strlen(path), &parent);
	parents_free(parents);
	return r;
}

static void assert_both_lead_to(const char *path, const char *place)
{
	struct parents *parents = parents_new(scratch.rootfs_fd);
	struct parent *parent;
	int fd = walk_open(scratch.rootfs_fd, path, O_RDONLY);

	assert_return_code(fd, -fd);
	assert_int_equal(inode_of(fd), inode_at(place));
	close(fd);
	assert_non_null(parents);
	assert_int_equal(parents_open(parents, path, strlen(path), &parent), 0);
	assert_int_equal(parent->inode.number, inode_at(place));
	parents_free(parents);
}

static void assert_both_say(const char *path, int code)
{
	assert_int_equal(walk_code(path), -code);
	assert_int_equal(parents_code(path), -code);
}

/* The kernel's own answer, errno or inode, is that of the walk. Is there anything? */
static bool assert_the_same(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int by_hand = walk_open(scratch.rootfs_fd, path, O_PATH);
	int by_kernel;

	do { /* while anything is renamed anywhere it does not know */
		by_kernel = sys_openat2(scratch.rootfs_fd, path, &how);
	} while (by_kernel < 0 && errno == EAGAIN);
	if (by_kernel < 0)
		by_kernel = -errno;
	if (by_hand < 0 || by_kernel < 0) {
		if (by_hand != by_kernel)
			fail_msg("%s: by hand %d, by the kernel %d", path, by_hand, by_kernel);
		return false;
	}
	if (inode_of(by_hand) != inode_of(by_kernel))
		fail_msg("%s: two places", path);
	close(by_hand);
	close(by_kernel);
	return true;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void a_path_without_links_is_walked(void **state)
{
	(void)state;
	make_directory("a");
	make_directory("a/b");
	assert_both_lead_to("a/b", "a/b");
	assert_both_lead_to("", ".");
}

static void an_absolute_link_leads_below_the_rootfs(void **state)
{
	(void)state;
	make_directory("run");
	make_directory("var");
	make_link("var/run", "/run");
	make_link("etc", "/tmp");
	assert_both_lead_to("var/run", "run");
	assert_both_say("etc", ENOENT);
}

static void dotdot_of_a_link_stops_at_the_rootfs(void **state)
{
	(void)state;
	make_directory("a");
	make_directory("a/b");
	make_link("a/b/up", "../../../../..");
	make_link("a/b/over", "../../../../a");
	make_link("a/b/outside", "../../../outside");
	assert_both_lead_to("a/b/up", ".");
	assert_both_lead_to("a/b/over/b", "a/b");
	assert_both_say("a/b/outside", ENOENT);
}

static void links_resolve_from_where_they_lie(void **state)
{
	(void)state;
	make_directory("usr");
	make_directory("usr/lib");
	make_directory("usr/lib/x");
	make_link("lib", "usr/lib");
	make_link("usr/lib/again", "./../lib//x/.");
	assert_both_lead_to("lib/x", "usr/lib/x");
	assert_both_lead_to("lib/again", "usr/lib/x");
}

static void sixty_links_in_a_chain_and_a_circle_are_too_many(void **state)
{
	char name[16];
	char target[16];

	(void)state;
	make_directory("l0");
	for (int i = 1; i <= 60; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		make_link(name, target);
	}
	make_link("circle", "circle");
	assert_both_lead_to("l40", "l0");
	assert_both_say("l41", ELOOP);
	assert_both_say("l60", ELOOP);
	assert_both_say("circle", ELOOP);
}

static void a_file_on_the_way_is_no_directory(void **state)
{
	(void)state;
	close(openat(scratch.rootfs_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	assert_return_code(mkfifoat(scratch.rootfs_fd, "fifo", 0644), errno);
	make_link("link", "file");
	assert_both_say("file", ENOTDIR);
	assert_both_say("file/below", ENOTDIR);
	assert_both_say("fifo/below", ENOTDIR);
	assert_both_say("link/below", ENOTDIR);
	assert_both_say("missing/below", ENOENT);
}

static void a_path_longer_than_the_kernel_takes_is_walked(void **state)
{
	char name[251];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	char *path = make_deep(name, 40);
	assert_true(strlen(path) > 8192);
	assert_int_equal(walk_code(path), 0);
	assert_int_equal(parents_code(path), 0);
	/* Through a link as well: the kernel is given the whole path then. */
	make_link("link", name);
	char *linked;
	assert_true(asprintf(&linked, "link%s", strchr(path, '/')) > 0);
	assert_int_equal(walk_code(linked), 0);
	assert_int_equal(parents_code(linked), 0);
	free(linked);
	free(path);
}

/* Thirty links of 819 steps up and down each, in the last of 2000 directories. */
static void links_made_to_be_walked_for_hours_take_no_time(void **state)
{
	char target[4096] = "";

	(void)state;
	char *path = make_deep("d", 2000);
	const double start = now();
	for (size_t i = 0; i + 16 < sizeof(target); i += 5)
		strcat(target, "../d/");
	int fd = walk_open(scratch.rootfs_fd, path, O_RDONLY);
	const size_t length = strlen(target);
	for (int i = 0; i < 30; i++) {
		char name[16];
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target + length, sizeof(target) - length, "l%d", i + 1);
		assert_return_code(symlinkat(target, fd, name), errno);
	}
	close(fd);
	char *first;
	assert_true(asprintf(&first, "%s/l0", path) > 0);
	assert_both_say(first, ENOENT); /* the last link leads to none */
	assert_true(now() - start < 5);
	free(first);
	free(path);
}

/* From a level so many up, with detours, and so many down. */
static void random_target(char *target, int level, int depth, unsigned int *seed)
{
	int up = rand_r(seed) % (level + 1);
	int down = rand_r(seed) % (depth - level + up + 1);

	strcpy(target, rand_r(seed) % 8 == 0 ? "/d/.././" : "./");
	if (target[0] == '/')
		down %= depth;
	for (; up > 0; up--)
		strcat(target, up > 1 && rand_r(seed) % 4 == 0 ? "../d/../" : "../");
	for (; down > 0; down--)
		strcat(target, "d/");
}

/* Deeper than directories stay open, with links up and down on every level, by chance. */
static void by_hand_and_by_the_kernel_it_is_the_same_place(void **state)
{
	enum { DEPTH = 300, LINKS = 2, TRIES = 600 };
	unsigned int seed = 7;
	int found = 0;
	char path[4096];
	char target[4096];

	(void)state;
	char *deep = make_deep("d", DEPTH);
	for (int i = 0; i < DEPTH * LINKS; i++) {
		const int level = i / LINKS + 1;
		random_target(target, level, DEPTH, &seed);
		snprintf(path, sizeof(path), "%.*s/l%d", 2 * level - 1, deep, i % LINKS);
		assert_return_code(symlinkat(target, scratch.rootfs_fd, path), errno);
	}
	for (int i = 0; i < TRIES; i++) {
		snprintf(path, sizeof(path), "%.*s", 2 * (rand_r(&seed) % DEPTH) + 1, deep);
		for (int more = rand_r(&seed) % 12; more > 0; more--)
			strcat(path, rand_r(&seed) % 2 == 0 ? "/l0" : "/l1");
		found += assert_the_same(path);
	}
	assert_true(found > TRIES / 2);
	free(deep);
}

static ino_t inode_of_level(const char *deep, int level)
{
	char *path = strndup(deep, 2 * (size_t)level - 1);
	int fd = walk_open(scratch.rootfs_fd, path, O_PATH);
	ino_t inode = inode_of(fd);

	close(fd);
	free(path);
	return inode;
}

/* More levels than there are marks to come back to. */
static void thousands_of_levels_are_walked_up_again(void **state)
{
	enum { DEPTH = 4500, UP = 1300 };
	char target[3 * UP + 1] = "";
	char path[2 * DEPTH + 64];

	(void)state;
	char *deep = make_deep("d", DEPTH);
	for (int i = 0; i < UP; i++)
		strcat(target, "../");
	/* Where the first link leads there is another one, and so on, down to level 1200. */
	for (int level = DEPTH; level > UP; level -= UP) {
		snprintf(path, sizeof(path), "%.*s", 2 * level - 1, deep);
		int fd = walk_open(scratch.rootfs_fd, path, O_RDONLY);
		assert_return_code(symlinkat(target, fd, "u"), errno);
		close(fd);
	}
	snprintf(path, sizeof(path), "%s", deep);
	for (int level = DEPTH - UP; level > 0; level -= UP) {
		strcat(path, "/u");
		int fd = walk_open(scratch.rootfs_fd, path, O_PATH);
		assert_return_code(fd, -fd);
		assert_int_equal(inode_of(fd), inode_of_level(deep, level));
		close(fd);
	}
	free(deep);
}

static atomic_bool is_over;

static void *rename_elsewhere(void *argument)
{
	(void)argument;
	while (!is_over) {
		renameat(scratch.rootfs_fd, "elsewhere/a", scratch.rootfs_fd, "elsewhere/b");
		renameat(scratch.rootfs_fd, "elsewhere/b", scratch.rootfs_fd, "elsewhere/a");
	}
	return NULL;
}

static void renames_elsewhere_are_never_noticed(void **state)
{
	pthread_t thread;

	(void)state;
	make_directory("a");
	make_directory("a/b");
	make_directory("elsewhere");
	make_directory("elsewhere/a");
	make_link("a/link", "../a/../a/../a/b");
	is_over = false;
	assert_int_equal(pthread_create(&thread, NULL, rename_elsewhere, NULL), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(parents_code("a/link"), 0);
	is_over = true;
	pthread_join(thread, NULL);
}

static void the_result_of_the_call_before_is_still_good(void **state)
{
	struct parents *parents = parents_new(scratch.rootfs_fd);
	struct parent *first;
	struct parent *second;

	(void)state;
	make_directory("a");
	char *path = make_deep("d", 1900);
	assert_non_null(parents);
	assert_int_equal(parents_open(parents, "a", 1, &first), 0);
	assert_int_equal(parents_open(parents, path, strlen(path), &second), 0);
	assert_int_equal(inode_of(first->fd), inode_at("a"));
	assert_int_equal(parents_reach(parents, path, strlen(path)), strlen(path));
	parents_free(parents);
	free(path);
}

static void a_directory_that_was_forgotten_is_looked_up_again(void **state)
{
	struct parents *parents = parents_new(scratch.rootfs_fd);
	struct parent *parent;

	(void)state;
	make_directory("a");
	make_directory("b");
	assert_non_null(parents);
	assert_int_equal(parents_open(parents, "a", 1, &parent), 0);
	assert_return_code(unlinkat(scratch.rootfs_fd, "a", AT_REMOVEDIR), errno);
	make_link("a", "b");
	parents_forget(parents);
	assert_int_equal(parents_open(parents, "a", 1, &parent), 0);
	assert_int_equal(parent->inode.number, inode_at("b"));
	parents_free(parents);
}

static void a_setgid_directory_is_not_plain(void **state)
{
	struct parents *parents = parents_new(scratch.rootfs_fd);
	struct parent *parent;

	(void)state;
	make_directory("plain");
	make_directory("setgid");
	assert_return_code(fchmodat(scratch.rootfs_fd, "setgid", 02775, 0), errno);
	assert_non_null(parents);
	assert_int_equal(parents_open(parents, "plain", 5, &parent), 0);
	assert_true(parents_is_plain(parent));
	assert_int_equal(parents_open(parents, "setgid", 6, &parent), 0);
	assert_false(parents_is_plain(parent));
	parents_free(parents);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, make_scratch, remove_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(a_path_without_links_is_walked),
		WITH_SCRATCH(an_absolute_link_leads_below_the_rootfs),
		WITH_SCRATCH(dotdot_of_a_link_stops_at_the_rootfs),
		WITH_SCRATCH(links_resolve_from_where_they_lie),
		WITH_SCRATCH(sixty_links_in_a_chain_and_a_circle_are_too_many),
		WITH_SCRATCH(a_file_on_the_way_is_no_directory),
		WITH_SCRATCH(a_path_longer_than_the_kernel_takes_is_walked),
		WITH_SCRATCH(links_made_to_be_walked_for_hours_take_no_time),
		WITH_SCRATCH(by_hand_and_by_the_kernel_it_is_the_same_place),
		WITH_SCRATCH(thousands_of_levels_are_walked_up_again),
		WITH_SCRATCH(renames_elsewhere_are_never_noticed),
		WITH_SCRATCH(the_result_of_the_call_before_is_still_good),
		WITH_SCRATCH(a_directory_that_was_forgotten_is_looked_up_again),
		WITH_SCRATCH(a_setgid_directory_is_not_plain),
	};

	/* A live ext4 takes seconds to make again what was removed just now. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
