/* SPDX-License-Identifier: Apache-2.0 */
/* The whole unpacker in process: a tar stream in, a tree out; what is counted and who is blamed. */
#include "support/scratch.h"
#include "support/tarball.h"
#include "unpacker/remove.h"
#include "unpacker/unpacker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;
static struct oakum_error err;
static struct oakum_stats stats;
static bool ended_early;

static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static int set_up(void **state)
{
	(void)state;
	umask(0);
	scratch_make(&scratch);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int tear_down(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	umount2(path, MNT_DETACH); /* of a test that mounts, and failed */
	assert_true(scratch_outside_is_untouched(&scratch));
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
	scratch_remove(&scratch);
	return 0;
}

/* Leaks nothing, whatever becomes of it. */
static int unpack_as(const struct tarball *tar, struct unpacker_options options)
{
	static const struct limits limits = LIMITS_DEFAULT;
	struct unpacker *unpacker = NULL;
	int stream_fd = memory_file(tar->bytes, tar->length);
	int descriptors = count_descriptors();

	options.stream_fd = stream_fd;
	options.rootfs_fd = options.rootfs_fd > 0 ? options.rootfs_fd : scratch.rootfs_fd;
	if (options.policy.limits == NULL)
		options.policy.limits = &limits;
	stats = (struct oakum_stats)OAKUM_STATS_INIT;
	int r = unpacker_open(&options, &unpacker, &err);
	if (r == 0)
		r = unpacker_run(unpacker, &stats, &err);
	ended_early = r < 0 && unpacker_stream_ended_early(unpacker);
	unpacker_close(&unpacker);
	assert_null(unpacker);
	assert_int_equal(count_descriptors(), descriptors);
	close(stream_fd);
	return r;
}

static int unpack(const struct member *layer, struct unpacker_options options)
{
	struct tarball tar = tarball_of(layer);
	int r = unpack_as(&tar, options);

	tarball_free(&tar);
	return r;
}

#define WITH(...) ((struct unpacker_options){ __VA_ARGS__ })
#define PLAINLY ((struct unpacker_options){ .threads = 1 })

static void must_unpack(const struct member *layer, struct unpacker_options options)
{
	if (unpack(layer, options) < 0)
		fail_msg("%s: %s: %s (%s)", err.entry, err.op, strerror(err.code), err.detail);
}

static void assert_refused(
	const struct member *layer, int code, enum oakum_stage stage, const char *entry)
{
	assert_int_equal(unpack(layer, PLAINLY), -code);
	assert_int_equal(err.stage, stage);
	assert_string_equal(err.entry, entry);
}

static struct stat status_of(const char *path)
{
	struct stat status;

	if (fstatat(scratch.rootfs_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return status;
}

static void a_layer_becomes_a_tree(void **state)
{
	const struct member layer[] = {
		directory("./", .mode = 0711, .mtime = 5),
		directory("etc/", .mode = 0750, .mtime = 6),
		file("etc/passwd", "root", .mode = 0600, .uid = 1, .gid = 2, .mtime = 7),
		symlink_to("etc/link", "/etc/passwd"),
		hard_link_to("etc/hard", "etc/passwd"),
		fifo("pipe"),
		character_device("null", 1, 3, .mode = 0666),
		END,
	};

	(void)state;
	must_unpack(layer, PLAINLY);
	assert_true(scratch_file_is(&scratch, "etc/passwd", "root"));
	assert_int_equal(status_of("etc/passwd").st_uid, 1);
	assert_int_equal(status_of("etc/passwd").st_nlink, 2);
	assert_int_equal(status_of("etc/passwd").st_mtime, 7);
	assert_int_equal(status_of("etc").st_mtime, 6);
	assert_int_equal(status_of("etc").st_mode, S_IFDIR | 0750);
	assert_int_equal(status_of(".").st_mtime, 5);
	assert_int_equal(status_of("null").st_mode, S_IFCHR | 0666);
	assert_true(S_ISLNK(status_of("etc/link").st_mode));
	assert_int_equal(stats.entries, 7);
	assert_int_equal(stats.skipped, 0);
	assert_int_equal(stats.content_bytes, 4);
	assert_int_equal(stats.threads, 1);
}

static void no_bytes_and_no_entries_are_the_empty_layer(void **state)
{
	const struct member nothing[] = { END_CUT };
	const struct member no_entries[] = { END };

	(void)state;
	must_unpack(nothing, PLAINLY);
	must_unpack(no_entries, PLAINLY);
	assert_int_equal(stats.entries, 0);
}

static void every_number_of_threads_gives_the_same_tree(void **state)
{
	static const unsigned int threads[] = { 0, 1, 2, 3, 8 };
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 4 };
	struct tarball tar = { 0 };
	const struct member last = END;
	char name[32];

	(void)state;
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		const struct member member = big_file(name, (uint64_t)(i * 577 % 300000),
			.mode = 04755, .uid = (uint64_t)i, .mtime = i);
		if (i % 50 == 0) {
			char record[64] = "SCHILY.xattr.security.capability=";
			memcpy(record + strlen(record), capability, 20);
			tarball_add_header(&tar, &(struct member)header('x', "pax"), 57);
			char body[64] = "57 ";
			memcpy(body + 3, record, 53);
			body[56] = '\n';
			tarball_add_bytes(&tar, body, 57);
			tarball_pad(&tar);
		}
		tarball_add(&tar, &member);
	}
	tarball_add(&tar, &last);
	for (size_t t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
		if (unpack_as(&tar, WITH(.threads = threads[t])) < 0)
			fail_msg("%s: %s (%s)", err.entry, err.op, err.detail);
		for (int i = 0; i < 600; i++) {
			snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
			struct stat status = status_of(name);
			assert_int_equal(status.st_size, i * 577 % 300000);
			assert_int_equal(status.st_mode, S_IFREG | 04755);
			assert_int_equal(status.st_uid, i);
			assert_int_equal(status.st_mtime, i);
			if (i % 50 != 0)
				continue;
			char path[512];
			char value[32];
			snprintf(path, sizeof(path), "%s/rootfs/%s", scratch.path, name);
			assert_int_equal(
				lgetxattr(path, "security.capability", value, sizeof(value)), 20);
		}
	}
	tarball_free(&tar);
}

static void a_sparse_file_has_real_holes(void **state)
{
	const struct member layer[] = {
		pax_sparse_10("middle", 3 << 20, "abcd", REGIONS({ 1 << 20, 4 })),
		old_sparse("ends", 2 << 20, "abcd", REGIONS({ 0, 4 }, { 2 << 20, 0 })),
		pax_sparse_01("empty", 1 << 20, "", REGIONS({ 1 << 20, 0 })),
		END,
	};
	char found[4];

	(void)state;
	for (unsigned int threads = 1; threads < 4; threads++) {
		must_unpack(layer, WITH(.threads = threads));
		assert_int_equal(status_of("middle").st_size, 3 << 20);
		assert_true(status_of("middle").st_blocks < 100);
		assert_int_equal(status_of("ends").st_size, 2 << 20);
		assert_true(status_of("ends").st_blocks < 100);
		assert_int_equal(status_of("empty").st_size, 1 << 20);
		assert_int_equal(status_of("empty").st_blocks, 0);
		int fd = openat(scratch.rootfs_fd, "middle", O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, found, 4, 1 << 20), 4);
		assert_memory_equal(found, "abcd", 4);
		close(fd);
		assert_int_equal(stats.content_bytes, 8);
	}
}

static void names_are_bytes_and_times_are_exact(void **state)
{
	const struct member layer[] = {
		file("latin-\xe9\xff", "1"),
		pax("path=pax-\xe9\xff", "mtime=-1.25"),
		file("short", "2"),
		pax("mtime=1234567890.123456789"),
		file("\xf0\x9f\x90\x99", "3"),
		END,
	};

	(void)state;
	must_unpack(layer, PLAINLY);
	assert_true(scratch_file_is(&scratch, "latin-\xe9\xff", "1"));
	assert_true(scratch_file_is(&scratch, "pax-\xe9\xff", "2"));
	assert_int_equal(status_of("pax-\xe9\xff").st_mtim.tv_sec, -2);
	assert_int_equal(status_of("pax-\xe9\xff").st_mtim.tv_nsec, 750000000);
	assert_int_equal(status_of("\xf0\x9f\x90\x99").st_mtim.tv_nsec, 123456789);
}

static void whiteouts_are_carried_out_or_marked_or_kept(void **state)
{
	const struct member lower[] = { file("d/old", "1"), file("gone", "2"), END };
	const struct member upper[] = {
		file("d/new", "3"),
		file("d/.wh..wh..opq", ""),
		file(".wh.gone", ""),
		END,
	};
	char value[8];
	char path[512];

	(void)state;
	must_unpack(lower, PLAINLY);
	must_unpack(upper, PLAINLY);
	assert_true(scratch_has(&scratch, "d/new"));
	assert_false(scratch_has(&scratch, "d/old"));
	assert_false(scratch_has(&scratch, "gone"));
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0);
	must_unpack(upper, WITH(.policy.whiteouts = OAKUM_WHITEOUTS_OVERLAY));
	snprintf(path, sizeof(path), "%s/rootfs/d", scratch.path);
	assert_int_equal(lgetxattr(path, "trusted.overlay.opaque", value, sizeof(value)), 1);
	assert_int_equal(status_of("gone").st_rdev, 0);
	assert_true(S_ISCHR(status_of("gone").st_mode));
	must_unpack(upper, WITH(.policy.whiteouts = OAKUM_WHITEOUTS_VERBATIM));
	assert_true(scratch_has(&scratch, ".wh.gone"));
}

static void what_is_excluded_is_read_and_counted_and_not_made(void **state)
{
	static const char *const exclude[] = { "skip", NULL };
	const struct member layer[] = {
		big_file("skip/big", 100000),
		file("kept", "1"),
		END,
	};

	(void)state;
	must_unpack(layer, WITH(.policy.exclude = exclude));
	assert_false(scratch_has(&scratch, "skip"));
	assert_int_equal(stats.entries, 2);
	assert_int_equal(stats.skipped, 1);
	assert_int_equal(stats.content_bytes, 1);
}

static void an_error_names_its_entry_and_its_stage(void **state)
{
	const struct member malformed[] = {
		file("fine", "1"),
		fifo("bad", .stated_bytes = 5),
		END,
	};
	const struct member climbing[] = { file("a/../../b", "1"), END };
	const struct member impossible[] = { file("f", "1"), file("f/below", "2"), END };

	(void)state;
	assert_refused(malformed, EBADMSG, OAKUM_STAGE_READ, "bad");
	assert_refused(climbing, EBADMSG, OAKUM_STAGE_READ, "a/../../b");
	assert_refused(impossible, EBADMSG, OAKUM_STAGE_WRITE, "f/below");
	assert_false(ended_early);
}

static void content_past_its_limit_is_of_the_policy(void **state)
{
	const struct member layer[] = { file("a", "12345"), file("b", "12345"), END };
	struct limits limits = LIMITS_DEFAULT;

	(void)state;
	limits.content_bytes = 8;
	for (unsigned int threads = 1; threads < 3; threads++) {
		assert_int_equal(
			unpack(layer, WITH(.threads = threads, .policy.limits = &limits)), -EFBIG);
		assert_int_equal(err.stage, OAKUM_STAGE_POLICY);
		assert_string_equal(err.entry, "b");
	}
}

static void a_stream_cut_off_anywhere_says_so(void **state)
{
	const struct member layer[] = {
		pax("path=some/longer/name"),
		file("f", "content"),
		big_file("big", 3000),
		END,
	};
	struct tarball tar = tarball_of(layer);
	const size_t whole = tar.length;

	(void)state;
	for (size_t length = 100; length < whole - 1024; length += 100) {
		tar.length = length;
		assert_true(unpack_as(&tar, PLAINLY) < 0);
		assert_true(ended_early);
		assert_int_equal(err.stage, OAKUM_STAGE_READ);
	}
	tar.length = whole;
	tarball_free(&tar);
}

static void the_stream_is_read_to_its_last_byte(void **state)
{
	const struct member layer[] = { file("f", "1"), END };
	static char rest[300000];

	(void)state;
	struct tarball tar = tarball_of(layer);
	tarball_add_bytes(&tar, rest, sizeof(rest));
	int pipe_fds[2];
	int writer_status;
	assert_return_code(pipe2(pipe_fds, O_CLOEXEC), errno);
	/* A writer that is not read to the end would block for ever. */
	pid_t writer = fork();
	if (writer == 0) {
		size_t put = 0;
		while (put < tar.length) {
			ssize_t some = write(pipe_fds[1], tar.bytes + put, tar.length - put);
			if (some < 0)
				_exit(1);
			put += (size_t)some;
		}
		_exit(0);
	}
	close(pipe_fds[1]);
	struct unpacker *unpacker;
	struct limits limits = LIMITS_DEFAULT;
	const struct unpacker_options options = {
		.stream_fd = pipe_fds[0],
		.rootfs_fd = scratch.rootfs_fd,
		.policy.limits = &limits,
	};
	assert_int_equal(unpacker_open(&options, &unpacker, &err), 0);
	assert_int_equal(unpacker_run(unpacker, &stats, &err), 0);
	unpacker_close(&unpacker);
	assert_int_equal(read(pipe_fds[0], rest, 1), 0);
	close(pipe_fds[0]);

	assert_int_equal(waitpid(writer, &writer_status, 0), writer);
	assert_int_equal(writer_status, 0);
	tarball_free(&tar);
}

static void a_full_file_system_is_told_with_the_entry_that_met_it(void **state)
{
	char path[512];
	struct tarball tar = { 0 };
	const struct member last = END;

	(void)state;
	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	if (mount("none", path, "tmpfs", 0, "size=1m") < 0) {
		print_message("no right to mount\n");
		assert_null(getenv("CI"));
		skip();
	}
	for (int i = 0; i < 40; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%02d", i);
		const struct member member = big_file(name, 100000);
		tarball_add(&tar, &member);
	}
	const struct member huge = big_file("huge", 64 << 20);
	tarball_add(&tar, &huge);
	tarball_add(&tar, &last);
	for (unsigned int threads = 1; threads < 4; threads++) {
		int rootfs_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int r = unpack_as(&tar, WITH(.threads = threads, .rootfs_fd = rootfs_fd));
		assert_int_equal(r, -ENOSPC);
		assert_int_equal(err.stage, OAKUM_STAGE_WRITE);
		/* Ten fit, the next one does not; of several at once any may be the one too many.
		 */
		if (threads == 1)
			assert_string_equal(err.entry, "f10");
		assert_string_equal(err.op, "write");
		assert_true(stats.content_bytes < 32 << 20);
		assert_int_equal(remove_content(rootfs_fd, NULL), 0);
		close(rootfs_fd);
	}
	assert_return_code(umount(path), errno);
	tarball_free(&tar);
}

static void tell_nothing(void *context, const struct oakum_error *told)
{
	(void)context;
	fail_msg("%s: %s", told->entry, told->op);
}

/* Whatever is still to be written then: the link's entry has the last word on its file. */
static void by_the_rules_of_storage_a_hard_link_changes_a_file_that_is_complete(void **state)
{
	enum { FILES = 50 };
	static const struct storage_options defaults;
	const struct unpacker_storage storage = {
		.options = &defaults,
		.destination = "/",
		.tell = tell_nothing,
	};
	struct tarball tar = { 0 };
	const struct member last = END;

	(void)state;
	for (int i = 0; i < FILES; i++) {
		char name[16];
		char link_name[16];
		snprintf(name, sizeof(name), "f%02d", i);
		snprintf(link_name, sizeof(link_name), "l%02d", i);
		const struct member members[] = {
			big_file(name, 100000, .uid = 5, .mtime = 6),
			hard_link_to(link_name, name, .mode = 0711, .uid = 7, .mtime = 8),
		};
		tarball_add(&tar, &members[0]);
		tarball_add(&tar, &members[1]);
	}
	tarball_add(&tar, &last);
	for (unsigned int threads = 1; threads < 5; threads++) {
		assert_int_equal(
			unpack_as(&tar, WITH(.threads = threads, .storage = &storage,
						.policy.whiteouts = OAKUM_WHITEOUTS_VERBATIM)),
			0);
		for (int i = 0; i < FILES; i++) {
			char name[16];
			snprintf(name, sizeof(name), "f%02d", i);
			const struct stat status = status_of(name);
			assert_int_equal(status.st_mode, S_IFREG | 0711);
			assert_int_equal(status.st_uid, 7);
			assert_int_equal(status.st_mtime, 8);
			assert_int_equal(status.st_size, 100000);
		}
		scratch_renew(&scratch);
	}
	tarball_free(&tar);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(a_layer_becomes_a_tree),
		IN_SCRATCH(no_bytes_and_no_entries_are_the_empty_layer),
		IN_SCRATCH(every_number_of_threads_gives_the_same_tree),
		IN_SCRATCH(a_sparse_file_has_real_holes),
		IN_SCRATCH(names_are_bytes_and_times_are_exact),
		IN_SCRATCH(whiteouts_are_carried_out_or_marked_or_kept),
		IN_SCRATCH(what_is_excluded_is_read_and_counted_and_not_made),
		IN_SCRATCH(an_error_names_its_entry_and_its_stage),
		IN_SCRATCH(content_past_its_limit_is_of_the_policy),
		IN_SCRATCH(a_stream_cut_off_anywhere_says_so),
		IN_SCRATCH(the_stream_is_read_to_its_last_byte),
		IN_SCRATCH(a_full_file_system_is_told_with_the_entry_that_met_it),
		IN_SCRATCH(by_the_rules_of_storage_a_hard_link_changes_a_file_that_is_complete),
	};

	if (geteuid() != 0) {
		print_message("skipped: owners, devices and trusted attributes need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
