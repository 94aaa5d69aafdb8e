/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit, through the whole jail: what is within it is unpacked, what is past
 * it is refused with the limit's name, its value and the entry; and memory is
 * bounded where the layer is not.
 */
#include "support/pack.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <oakum/oakum.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;
static struct oakum_error err;

static int set_up(void **state)
{
	(void)state;
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

static int unpack_bytes(
	const void *bytes, size_t length, const struct oakum_unpack_options *options)
{
	int layer_fd = memory_file(bytes, length);

	memset(&err, 0, sizeof(err));
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, options, NULL, &err);
	close(layer_fd);
	return r;
}

static int unpack(const struct member *layer, const struct oakum_unpack_options *options)
{
	struct tarball tar = tarball_of(layer);
	int r = unpack_bytes(tar.bytes, tar.length, options);

	tarball_free(&tar);
	return r;
}

#define AT(field) offsetof(struct oakum_unpack_options, field)

static void a_limit_is_named_with_its_value_and_the_entry(void **state)
{
	const struct {
		const char *name;
		size_t offset;
		const struct member *layer;
		uint64_t enough; /* so much is taken, and less is not */
		const char *entry;
	} rows[] = {
		{ "content-bytes", AT(max_content_bytes),
			(const struct member[]){ file("a", "123"), file("b", "4567"), END }, 7,
			"b" },
		{ "logical-bytes", AT(max_logical_bytes),
			(const struct member[]){ pax_sparse_10("holes", 1 << 20, "abcd",
							 REGIONS({ 0, 4 }, { 1 << 20, 0 })),
				END },
			1 << 20, "holes" },
		{ "logical-bytes", AT(max_logical_bytes),
			(const struct member[]){ file("plain", "1234"), END }, 4, "plain" },
		{ "entries", AT(max_entries),
			(const struct member[]){ file("a", ""), directory("b"), fifo("c"), END }, 3,
			"c" },
		{ "path-depth", AT(max_path_depth),
			(const struct member[]){ directory("a"), file("a/./b//c", ""), END }, 3,
			"a/./b//c" },
		{ "name-bytes", AT(max_name_bytes),
			(const struct member[]){ file("a", ""), directory("12345"), END }, 5,
			"12345" },
		{ "link-bytes", AT(max_link_bytes),
			(const struct member[]){ symlink_to("s", "123456"), END }, 6, "s" },
		{ "pax-bytes", AT(max_pax_bytes),
			(const struct member[]){
				pax("comment=1", "path=named"), file("a", ""), END },
			27, "pax" },
		{ "sparse-entries", AT(max_sparse_entries),
			(const struct member[]){
				pax_sparse_01("map", 9000, "ab", REGIONS({ 0, 1 }, { 5000, 1 })),
				END },
			2, "map" },
		{ "xattr-bytes", AT(max_xattr_bytes),
			(const struct member[]){
				pax("SCHILY.xattr.user.a=1234"), file("x", ""), END },
			4, "x" },
		{ "entry-xattr-bytes", AT(max_entry_xattr_bytes),
			(const struct member[]){
				pax("SCHILY.xattr.user.a=1234", "SCHILY.xattr.user.b=12"),
				file("x", ""), END },
			18, "x" },
		{ "layer-xattr-bytes", AT(max_layer_xattr_bytes),
			(const struct member[]){ pax("SCHILY.xattr.user.a=1234"), file("x", ""),
				pax("SCHILY.xattr.user.b=12"), file("y", ""), END },
			18, "y" },
		{ "entry-xattrs", AT(max_entry_xattrs),
			(const struct member[]){
				pax("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.b=2"),
				file("x", ""), END },
			2, "x" },
		{ "trailing-bytes", AT(max_trailing_bytes),
			(const struct member[]){ file("last", ""), zero_blocks(4), END_CUT }, 1024,
			"last" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct oakum_unpack_options options = { .size = sizeof(options) };
		uint64_t limit = rows[i / 2].enough - i % 2;
		char says[128];
		memcpy((char *)&options + rows[i / 2].offset, &limit, sizeof(limit));
		scratch_renew(&scratch);
		int r = unpack(rows[i / 2].layer, &options);
		if (r != (i % 2 == 0 ? 0 : -EFBIG))
			fail_msg("%s=%" PRIu64 ": %d %s %s", rows[i / 2].name, limit, r, err.entry,
				err.detail);
		if (i % 2 == 0)
			continue;
		snprintf(says, sizeof(says), "%s=%" PRIu64 "; --limit %s=N raises it",
			rows[i / 2].name, limit, rows[i / 2].name);
		assert_non_null(strstr(err.detail, says));
		assert_string_equal(err.entry, rows[i / 2].entry);
	}
}

static void a_window_is_refused_before_it_is_taken(void **state)
{
	struct tarball tar = tarball_of((const struct member[]){ big_file("a", 4 << 20), END });
	struct packed packed = pack_zstd_window(tar.bytes, tar.length, 22);

	(void)state;
	assert_int_equal(unpack_bytes(packed.bytes, packed.length,
				 OAKUM_UNPACK_OPTIONS(.max_window_bytes = 4 << 20)),
		0);
	assert_int_equal(unpack_bytes(packed.bytes, packed.length,
				 OAKUM_UNPACK_OPTIONS(.max_window_bytes = (4 << 20) - 1)),
		-EFBIG);
	assert_non_null(strstr(err.detail, "window-bytes=4194303"));
	free(packed.bytes);
	tarball_free(&tar);
}

/* A source that stops in the middle of an entry. */
static void time_is_a_limit_like_the_others(void **state)
{
	const struct member layer[] = { file("early", "x"),
		big_file("late", 100000, .stated_bytes = 200000), END_CUT };
	struct tarball tar = tarball_of(layer);
	struct slow_unpack slow;
	struct timespec end;

	(void)state;
	slow_unpack_start(&slow, &scratch, OAKUM_UNPACK_OPTIONS(.timeout_ms = 300));
	assert_int_equal(slow_unpack_write(&slow, tar.bytes, tar.length), tar.length);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	assert_int_equal(pthread_timedjoin_np(slow.thread, NULL, &end), 0);
	assert_int_equal(slow.result, -ETIMEDOUT);
	assert_string_equal(slow.err.entry, "late");
	assert_non_null(strstr(slow.err.detail, "the limit timeout allows; --timeout=S raises it"));
	close(slow.write_fd);
	close(slow.read_fd);
	tarball_free(&tar);
}

/* --- what must stay free --- */

/* A file system of its own at the rootfs, in a mount namespace of this process. */
static void mount_small(const char *options)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	if (mount("none", path, "tmpfs", 0, options) < 0)
		fail_msg("mount: %s", strerror(errno));
	close(scratch.rootfs_fd);
	scratch.rootfs_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch.rootfs_fd >= 0);
}

static void unmount_small(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static uint64_t free_bytes(void)
{
	struct statfs status;

	assert_int_equal(fstatfs(scratch.rootfs_fd, &status), 0);
	return (uint64_t)status.f_bavail * (uint64_t)status.f_bsize;
}

static void space_to_leave_is_left(void **state)
{
	const struct member layer[] = {
		big_file("one", 8 << 20),
		big_file("two", 8 << 20),
		big_file("three", 8 << 20),
		END,
	};
	static const uint32_t threads[] = { 1, 3 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		mount_small("size=32m");
		assert_int_equal(unpack(layer, OAKUM_UNPACK_OPTIONS(.min_free_bytes = 10 << 20,
						       .threads = threads[i])),
			-ENOSPC);
		assert_non_null(strstr(err.detail, "free-bytes=10485760"));
		assert_string_equal(err.entry, "three");
		assert_true(free_bytes() >= 10 << 20);
		/* Not much more than was asked for: it is no guess. */
		assert_true(free_bytes() < 18 << 20);
		unmount_small();
		mount_small("size=32m");
		assert_int_equal(unpack(layer, OAKUM_UNPACK_OPTIONS(.min_free_bytes = 3 << 20,
						       .threads = threads[i])),
			0);
		unmount_small();
	}
}

static void inodes_to_leave_are_left(void **state)
{
	struct tarball tar = { 0 };
	struct statfs status;

	(void)state;
	for (int i = 0; i < 500; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%d", i);
		const struct member member = file(name, "");
		tarball_add(&tar, &member);
	}
	tarball_add(&tar, &(const struct member)END);
	mount_small("nr_inodes=600");
	assert_int_equal(
		unpack_bytes(tar.bytes, tar.length, OAKUM_UNPACK_OPTIONS(.min_free_inodes = 300)),
		-ENOSPC);
	assert_non_null(strstr(err.detail, "free-inodes=300"));
	assert_int_equal(fstatfs(scratch.rootfs_fd, &status), 0);
	assert_int_equal(status.f_ffree, 300);
	unmount_small();
	mount_small("nr_inodes=600");
	assert_int_equal(
		unpack_bytes(tar.bytes, tar.length, OAKUM_UNPACK_OPTIONS(.min_free_inodes = 50)),
		0);
	unmount_small();
	tarball_free(&tar);
}

/* --- memory --- */

/* Entries from a pipe: no test holds them all. */
static void write_layer(int fd, unsigned int directories, unsigned int files_in_each)
{
	struct tarball tar = { 0 };
	char name[64];

	for (unsigned int i = 0; i < directories; i++) {
		tar.length = 0;
		snprintf(name, sizeof(name), "directory-%u", i);
		const struct member directory = directory(name);
		tarball_add(&tar, &directory);
		for (unsigned int j = 0; j < files_in_each; j++) {
			snprintf(name, sizeof(name), "directory-%u/file-%u", i, j);
			const struct member file = file(name, "", .uid = 1);
			tarball_add(&tar, &file);
		}
		for (size_t at = 0; at < tar.length;) {
			ssize_t put = write(fd, tar.bytes + at, tar.length - at);
			if (put <= 0)
				_exit(1);
			at += (size_t)put;
		}
	}
	tar.length = 0;
	tarball_add(&tar, &(const struct member)END);
	_exit(write(fd, tar.bytes, tar.length) != (ssize_t)tar.length);
}

/* Peak memory in KiB of the largest process that the unpack had. */
static long peak_of(unsigned int directories, unsigned int files_in_each)
{
	int pipe_fds[2];
	int wait_status;
	struct rusage usage;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid_t unpacker = fork();
	if (unpacker == 0) {
		pid_t layer_writer = fork();
		if (layer_writer == 0)
			write_layer(pipe_fds[1], directories, files_in_each);
		close(pipe_fds[1]);
		_exit(oakum_unpack(pipe_fds[0], scratch.rootfs_fd, NULL, NULL, &err) != 0);
	}
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(wait4(unpacker, &wait_status, 0, &usage), unpacker);
	assert_int_equal(wait_status, 0);
	return usage.ru_maxrss;
}

static void memory_is_a_little_for_each_entry(void **state)
{
	enum { DIRECTORIES = 1000, FILES = 100 };
	const long allowed = (40 << 10) + (DIRECTORIES * FILES * 32 + DIRECTORIES * 128) / 1024;

	(void)state;
#ifdef OAKUM_SANITIZED
	skip();
#endif
	mount_small("size=1g,nr_inodes=2000000");
	long peak = peak_of(DIRECTORIES, FILES);
	if (peak > allowed)
		fail_msg("%ld KiB, allowed are %ld", peak, allowed);
	unmount_small();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_limit_is_named_with_its_value_and_the_entry),
		TEST(a_window_is_refused_before_it_is_taken),
		TEST(time_is_a_limit_like_the_others),
		TEST(space_to_leave_is_left),
		TEST(inodes_to_leave_are_left),
		TEST(memory_is_a_little_for_each_entry),
	};

	if (geteuid() != 0) {
		fputs("skipped: small file systems are for root to mount\n", stderr);
		return 77;
	}
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
