/* SPDX-License-Identifier: Apache-2.0 */
/* Paths below the rootfs, by hand and by the kernel: both must lead to the same place, and never
 * out. */
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

static void links_made_to_be_walked_for_hours_come_to_an_end(void **state)
{
	char target[4096] = "";

	(void)state;
	char *path = make_deep("d", 400);
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
	assert_int_equal(walk_code(first), -ELOOP);
	free(first);
	free(path);
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
		WITH_SCRATCH(links_made_to_be_walked_for_hours_come_to_an_end),
		WITH_SCRATCH(renames_elsewhere_are_never_noticed),
		WITH_SCRATCH(the_result_of_the_call_before_is_still_good),
		WITH_SCRATCH(a_directory_that_was_forgotten_is_looked_up_again),
		WITH_SCRATCH(a_setgid_directory_is_not_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
