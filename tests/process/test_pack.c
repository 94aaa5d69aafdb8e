/* SPDX-License-Identifier: Apache-2.0 */
/* A rootfs becomes a layer: the same one for the same tree, or an error that names the entry. */
#include "support/host_state.h"
#include "support/scratch.h"
#include "support/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <oakum/oakum.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE_BYTES = 8 << 20 }; /* more than a pipe and what is gathered before it */

static struct scratch scratch;
static struct oakum_error err;
static struct oakum_stats stats;

/* --- trees --- */

static const char *path_of(const char *name)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/rootfs/%s", scratch.path, name);
	return path;
}

static void set_time(const char *name, time_t seconds)
{
	const struct timespec times[] = { { .tv_sec = 1 }, { .tv_sec = seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_file(const char *name, const char *content)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
	set_time(name, 1000);
}

static void make_large(const char *name)
{
	make_file(name, "x");
	assert_int_equal(truncate(path_of(name), LARGE_BYTES), 0);
	set_time(name, 1000);
}

static void make_directory(const char *name)
{
	assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static void make_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static int setup(void **state)
{
	host_note(state);
	scratch_make(&scratch);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	return host_check(state);
}

/* --- packing --- */

/* Waits for the end; 0, or -errno with err. */
static int wait_for(struct oakum_job **job)
{
	stats = (struct oakum_stats)OAKUM_STATS_INIT;
	return oakum_job_wait(job, &stats, &err);
}

static int pack_to(int tar_fd, const struct oakum_pack_options *options)
{
	struct oakum_job *job = NULL;
	int r = oakum_pack_start(scratch.rootfs_fd, tar_fd, options, &job, &err);

	return r < 0 ? r : wait_for(&job);
}

/* A layer in memory, from its start; -1 where it was not to be had. */
static int pack(const struct oakum_pack_options *options)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (pack_to(fd, options) == 0) {
		assert_int_equal(stats.denied_calls, 0);
		lseek(fd, 0, SEEK_SET);
		return fd;
	}
	close(fd);
	return -1;
}

static void digest(const struct oakum_pack_options *options, char text[SHA256_TEXT_BYTES])
{
	char buffer[4096];
	struct sha256 sha;
	ssize_t got;
	int fd = pack(options);

	assert_true(fd >= 0);
	sha256_init(&sha);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		sha256_add(&sha, buffer, (size_t)got);
	sha256_text(&sha, text);
	close(fd);
}

static void refuses(const struct oakum_pack_options *options, int code, const char *entry)
{
	assert_int_equal(pack(options), -1);
	assert_int_equal(err.code, code);
	assert_int_equal(err.stage, OAKUM_STAGE_PACK);
	assert_string_equal(err.entry, entry);
}

/* Unpacks what was packed in place of what it was packed from. */
static void unpack_again(int layer_fd)
{
	assert_true(layer_fd >= 0);
	scratch_renew(&scratch);
	assert_int_equal(
		oakum_unpack(layer_fd, scratch.rootfs_fd,
			OAKUM_UNPACK_OPTIONS(.whiteouts = OAKUM_WHITEOUTS_VERBATIM), NULL, &err),
		0);
	close(layer_fd);
}

static struct stat status_of(const char *name)
{
	struct stat status;

	assert_int_equal(lstat(path_of(name), &status), 0);
	return status;
}

/* --- what comes out --- */

static void make_tree(bool is_backwards)
{
	const char *const names[] = { "a", "b", "c", "d/e", "d/f" };

	make_directory("d");
	for (size_t i = 0; i < 5; i++)
		make_file(names[is_backwards ? 4 - i : i], "content");
	assert_int_equal(link(path_of("a"), path_of("z")), 0);
	if (is_backwards) { /* the names of an inode have no order of their own */
		assert_int_equal(rename(path_of("a"), path_of("y")), 0);
		assert_int_equal(link(path_of("z"), path_of("a")), 0);
		assert_int_equal(unlink(path_of("y")), 0);
	}
	for (const char *const *name = (const char *const[]){ "user.a", "user.b", NULL }; *name;
		name++)
		assert_int_equal(setxattr(path_of("b"), *name, "v", 1, 0), 0);
	set_time("d", 1000);
	set_time(".", 1000);
}

static void the_same_tree_made_in_another_way_is_the_same_bytes(void **state)
{
	char first[SHA256_TEXT_BYTES];
	char second[SHA256_TEXT_BYTES];

	(void)state;
	make_tree(false);
	digest(NULL, first);
	mode_t mask = umask(077);
	scratch_renew(&scratch);
	umask(022);
	make_tree(true);
	umask(077);
	digest(NULL, second);
	umask(mask);
	assert_string_equal(first, second);
}

static void compressed_bytes_are_the_same_too_and_say_neither_when_nor_what(void **state)
{
	static const unsigned char gzip_head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0 };
	const struct oakum_pack_options *const options[] = {
		OAKUM_PACK_OPTIONS(.compression = OAKUM_COMPRESSION_GZIP),
		OAKUM_PACK_OPTIONS(.compression = OAKUM_COMPRESSION_ZSTD, .compression_level = 19),
	};
	char first[SHA256_TEXT_BYTES];
	char second[SHA256_TEXT_BYTES];
	unsigned char head[sizeof(gzip_head)];

	(void)state;
	make_tree(false);
	for (size_t i = 0; i < 2; i++) {
		digest(options[i], first);
		sleep(i == 0); /* a time would have seconds */
		digest(options[i], second);
		assert_string_equal(first, second);
		assert_int_equal(stats.compression, options[i]->compression);
		assert_true(stats.layer_bytes < stats.stream_bytes);
	}
	int fd = pack(options[0]);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	assert_memory_equal(head, gzip_head, sizeof(head));
	close(fd);
}

static void no_time_is_later_than_it_may_be(void **state)
{
	(void)state;
	make_file("old", "");
	make_file("new", "");
	set_time("old", -5);
	set_time("new", 1000000);
	unpack_again(pack(OAKUM_PACK_OPTIONS(.times = OAKUM_TIMES_CLAMP, .latest_mtime_s = 5000)));
	assert_int_equal(status_of("old").st_mtime, -5);
	assert_int_equal(status_of("new").st_mtime, 5000);
	unpack_again(pack(OAKUM_PACK_OPTIONS(.times = OAKUM_TIMES_CLAMP)));
	assert_int_equal(status_of("new").st_mtime, 0);
	unpack_again(pack(NULL));
	assert_int_equal(status_of("old").st_mtime, -5);
}

static void what_was_packed_is_counted(void **state)
{
	(void)state;
	make_directory("d");
	make_file("d/ten", "0123456789");
	make_file("d/empty", "");
	make_directory("left");
	make_file("left/out", "x");
	make_socket("socket");
	assert_int_equal(setxattr(path_of("d/empty"), "trusted.x", "v", 1, 0), 0);
	int fd = pack(OAKUM_PACK_OPTIONS(.labels = OAKUM_LABELS_KEEP,
		.exclude = (const char *const[]){ "left", NULL }));
	struct stat layer;
	assert_int_equal(fstat(fd, &layer), 0);
	assert_int_equal(stats.entries, 4);
	assert_int_equal(stats.content_bytes, 10);
	assert_int_equal(stats.skipped, 1);
	assert_int_equal(stats.dropped_entries, 1);
	assert_int_equal(stats.dropped_xattrs, 0);
	assert_int_equal(stats.layer_bytes, layer.st_size);
	assert_int_equal(stats.stream_bytes, layer.st_size);
	close(fd);
	/* Of another host means nothing here. */
	assert_int_equal(lremovexattr(path_of("d/empty"), "trusted.x"), 0);
	assert_int_equal(setxattr(path_of("d/empty"), "security.x", "v", 1, 0), 0);
	close(pack(NULL));
	assert_int_equal(stats.dropped_xattrs, 1);
}

static void owners_are_mapped_back_or_refused(void **state)
{
	const struct oakum_id_range map[] = { { 0, 100000, 10 }, { 0 } };

	(void)state;
	make_file("f", "");
	assert_int_equal(chown(path_of("."), 100000, 100000), 0);
	assert_int_equal(lchown(path_of("f"), 100003, 100009), 0);
	unpack_again(pack(OAKUM_PACK_OPTIONS(.uid_map = map, .gid_map = map)));
	assert_int_equal(status_of("f").st_uid, 3);
	assert_int_equal(status_of("f").st_gid, 9);
	assert_int_equal(status_of(".").st_uid, 0);
	refuses(OAKUM_PACK_OPTIONS(.uid_map = map, .gid_map = map), EINVAL, ".");
	assert_non_null(strstr(err.detail, "0:0 is in no range"));
	unpack_again(pack(OAKUM_PACK_OPTIONS(.uid_map = map, .gid_map = map,
		.owners = OAKUM_OWNERS_SQUASH, .squash_uid = 7, .squash_gid = 8)));
	assert_int_equal(status_of("f").st_uid, 7);
	assert_int_equal(status_of(".").st_gid, 8);
}

/* Version 3, of a root user 100000: in the layer it is that of root. */
static void a_file_capability_and_an_acl_are_mapped_back_with_their_owners(void **state)
{
	static const unsigned char capability[] = { 1, 0, 0, 3, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0xa0, 0x86, 1, 0 };
	static const unsigned char acl[] = { 2, 0, 0, 0, 1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, 2, 0,
		4, 0, 0xa5, 0x86, 1, 0, 4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, 0x10, 0, 6, 0, 0xff,
		0xff, 0xff, 0xff, 0x20, 0, 4, 0, 0xff, 0xff, 0xff, 0xff };
	const struct oakum_id_range map[] = { { 0, 100000, 10 }, { 100, 0, 1 }, { 0 } };
	unsigned char value[64];

	(void)state;
	make_file("x", "");
	assert_int_equal(setxattr(path_of("x"), "system.posix_acl_access", acl, sizeof(acl), 0), 0);
	assert_int_equal(
		setxattr(path_of("x"), "security.capability", capability, sizeof(capability), 0),
		0);
	unpack_again(pack(OAKUM_PACK_OPTIONS(.uid_map = map, .gid_map = map)));
	assert_int_equal(getxattr(path_of("x"), "security.capability", value, sizeof(value)), 20);
	assert_int_equal(value[3], 2);
	assert_int_equal(getxattr(path_of("x"), "system.posix_acl_access", value, sizeof(value)),
		sizeof(acl));
	assert_int_equal(value[16], 5); /* user 100005 */
	assert_int_equal(value[17], 0);
}

static void a_hard_link_is_to_the_first_name_in_the_layer(void **state)
{
	(void)state;
	make_file("b", "content");
	assert_int_equal(link(path_of("b"), path_of("a")), 0);
	assert_int_equal(link(path_of("b"), path_of("c")), 0);
	unpack_again(pack(NULL));
	assert_int_equal(stats.content_bytes, 7);
	assert_int_equal(status_of("a").st_nlink, 3);
	assert_int_equal(status_of("a").st_ino, status_of("c").st_ino);
	assert_true(scratch_file_is(&scratch, "c", "content"));
}

/* --- what a layer cannot say --- */

static void a_name_that_would_delete_something_is_refused(void **state)
{
	(void)state;
	make_directory("etc");
	make_file("etc/.wh.passwd", "");
	refuses(NULL, EINVAL, "etc/.wh.passwd");
	refuses(OAKUM_PACK_OPTIONS(.whiteouts = OAKUM_PACK_WHITEOUTS_OVERLAY), EINVAL,
		"etc/.wh.passwd");
	unpack_again(pack(OAKUM_PACK_OPTIONS(.whiteouts = OAKUM_PACK_WHITEOUTS_VERBATIM)));
	assert_true(scratch_has(&scratch, "etc/.wh.passwd"));
}

static void a_whiteout_of_overlayfs_is_one_where_that_was_said(void **state)
{
	(void)state;
	make_directory("d");
	make_file("d/kept", "");
	assert_int_equal(mknod(path_of("d/gone"), S_IFCHR | 0600, makedev(0, 0)), 0);
	/* Overlayfs gives all its whiteouts one inode. */
	assert_int_equal(link(path_of("d/gone"), path_of("d/gone-too")), 0);
	assert_int_equal(setxattr(path_of("d"), "trusted.overlay.opaque", "y", 1, 0), 0);
	refuses(NULL, EINVAL, "d/gone");
	int as_user = pack(OAKUM_PACK_OPTIONS(.whiteouts = OAKUM_PACK_WHITEOUTS_OVERLAY_USERXATTR));
	assert_int_equal(stats.entries, 5);
	close(as_user);
	unpack_again(pack(OAKUM_PACK_OPTIONS(.whiteouts = OAKUM_PACK_WHITEOUTS_OVERLAY)));
	assert_int_equal(stats.entries, 6);
	assert_true(scratch_file_is(&scratch, "d/.wh.gone", ""));
	assert_true(scratch_file_is(&scratch, "d/.wh.gone-too", ""));
	assert_true(scratch_file_is(&scratch, "d/.wh..wh..opq", ""));
	assert_true(scratch_file_is(&scratch, "d/kept", ""));
	assert_false(scratch_has(&scratch, "d/gone"));
	assert_int_equal(status_of("d/.wh.gone").st_nlink, 1);
}

static void a_whiteout_may_be_an_attribute(void **state)
{
	(void)state;
	make_directory("d");
	make_file("d/gone", "");
	assert_int_equal(setxattr(path_of("d"), "user.overlay.opaque", "x", 1, 0), 0);
	assert_int_equal(setxattr(path_of("d/gone"), "user.overlay.whiteout", "", 0, 0), 0);
	unpack_again(pack(OAKUM_PACK_OPTIONS(.whiteouts = OAKUM_PACK_WHITEOUTS_OVERLAY_USERXATTR)));
	assert_true(scratch_has(&scratch, "d/.wh.gone"));
	assert_false(scratch_has(&scratch, "d/gone"));
	assert_false(scratch_has(&scratch, "d/.wh..wh..opq"));
}

static void what_lies_in_a_lower_layer_is_refused(void **state)
{
	const struct oakum_pack_options *options =
		OAKUM_PACK_OPTIONS(.whiteouts = OAKUM_PACK_WHITEOUTS_OVERLAY);

	(void)state;
	make_directory("moved");
	assert_int_equal(setxattr(path_of("moved"), "trusted.overlay.redirect", "/d", 2, 0), 0);
	refuses(options, EOPNOTSUPP, "moved");
	assert_int_equal(rmdir(path_of("moved")), 0);
	make_file("half", "");
	assert_int_equal(setxattr(path_of("half"), "trusted.overlay.metacopy", "", 0, 0), 0);
	refuses(options, EOPNOTSUPP, "half");
}

static void the_layer_is_not_packed_into_itself(void **state)
{
	(void)state;
	int fd = open(path_of("layer.tar"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(pack_to(fd, NULL), -EINVAL);
	assert_string_equal(err.entry, "layer.tar");
	close(fd);
}

static void is_over(const struct oakum_pack_options *options, const char *limit, const char *entry)
{
	refuses(options, EFBIG, entry);
	assert_string_equal(err.op, "check limits");
	assert_non_null(strstr(err.detail, limit));
}

static void what_unpacking_would_refuse_is_not_packed(void **state)
{
	(void)state;
	make_file("a", "0123456789");
	make_file("bb", "01234567");
	assert_int_equal(link(path_of("bb"), path_of("c")), 0); /* its content counts once */
	close(pack(OAKUM_PACK_OPTIONS(.max_content_bytes = 18, .max_logical_bytes = 10,
		.max_entries = 4, .max_name_bytes = 2)));
	assert_int_equal(stats.entries, 4);
	assert_int_equal(stats.content_bytes, 18);
	is_over(OAKUM_PACK_OPTIONS(.max_content_bytes = 17), "content-bytes=17", "bb");
	is_over(OAKUM_PACK_OPTIONS(.max_logical_bytes = 9), "logical-bytes=9", "a");
	is_over(OAKUM_PACK_OPTIONS(.max_entries = 3), "entries=3", "c");
	is_over(OAKUM_PACK_OPTIONS(.max_name_bytes = 1), "name-bytes=1", ".");
	make_directory("d");
	make_directory("d/e");
	is_over(OAKUM_PACK_OPTIONS(.max_path_depth = 1), "path-depth=1", "d/e");
	assert_int_equal(setxattr(path_of("a"), "user.one", "12345", 5, 0), 0);
	assert_int_equal(setxattr(path_of("d"), "user.two", "12345", 5, 0), 0);
	assert_int_equal(setxattr(path_of("d"), "user.six", "12345", 5, 0), 0);
	is_over(OAKUM_PACK_OPTIONS(.max_entry_xattrs = 1), "entry-xattrs=1", "d");
	is_over(OAKUM_PACK_OPTIONS(.max_xattr_bytes = 4), "xattr-bytes=4", "a");
	is_over(OAKUM_PACK_OPTIONS(.max_entry_xattr_bytes = 25), "entry-xattr-bytes=25", "d");
	is_over(OAKUM_PACK_OPTIONS(.max_layer_xattr_bytes = 26), "layer-xattr-bytes=26", "d");
	assert_int_equal(truncate(path_of("c"), (off_t)2 << 40), 0);
	is_over(NULL, "logical-bytes=1099511627776", "bb");
	is_over(OAKUM_PACK_OPTIONS(.max_logical_bytes = UINT64_MAX), "content-bytes=274877906944",
		"bb");
}

static void options_that_mean_nothing_are_refused(void **state)
{
	const struct oakum_id_range none[] = { { 0 } };
	const struct {
		const struct oakum_pack_options *options;
		const char *says;
	} cases[] = {
		{ OAKUM_PACK_OPTIONS(.compression = OAKUM_COMPRESSION_XZ), "compression is 3" },
		{ OAKUM_PACK_OPTIONS(.compression_level = 1), "compression_level is 1" },
		{ OAKUM_PACK_OPTIONS(.compression = OAKUM_COMPRESSION_GZIP,
			  .compression_level = 10),
			"at most 9" },
		{ OAKUM_PACK_OPTIONS(.owners = OAKUM_OWNERS_FORGIVE), "owners is 2" },
		{ OAKUM_PACK_OPTIONS(.uid_map = none), "uid_map" },
		{ OAKUM_PACK_OPTIONS(.reserved = 1), "reserved" },
		{ OAKUM_PACK_OPTIONS(.exclude = (const char *const[]){ "..", NULL }), "\"..\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(pack(cases[i].options), -1);
		assert_int_equal(err.stage, OAKUM_STAGE_SETUP);
		if (err.code != EINVAL || strstr(err.detail, cases[i].says) == NULL)
			fail_msg("%s: %d, %s", cases[i].says, err.code, err.detail);
	}
	struct oakum_job *job = NULL;
	assert_int_equal(oakum_pack_start(-1, 1, NULL, &job, &err), -EINVAL);
	assert_int_equal(
		oakum_pack_start(scratch.rootfs_fd, scratch.rootfs_fd, NULL, &job, &err), -EINVAL);
	assert_null(job);
}

/* --- trees that do not stand still, and hosts that do not either --- */

/* A job that stands still, for nobody reads what it writes. */
struct stuck {
	struct oakum_job *job;
	int read_fd;
};

static struct stuck start_stuck(const struct oakum_pack_options *options)
{
	struct oakum_progress progress = OAKUM_PROGRESS_INIT;
	struct stuck stuck = { .job = NULL };
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	stuck.read_fd = fds[0];
	assert_int_equal(oakum_pack_start(scratch.rootfs_fd, fds[1], options, &stuck.job, &err), 0);
	close(fds[1]);
	for (int tries = 0; tries < 5000 && progress.content_bytes == 0; tries++) {
		usleep(1000);
		assert_int_equal(oakum_job_progress(stuck.job, &progress), 0);
	}
	assert_true(progress.content_bytes > 0);
	assert_int_equal(progress.layer_total_bytes, 0);
	usleep(20000); /* until its buffers are full */
	return stuck;
}

static int end_stuck(struct stuck *stuck)
{
	char buffer[64 << 10];

	while (read(stuck->read_fd, buffer, sizeof(buffer)) > 0)
		continue;
	close(stuck->read_fd);
	return wait_for(&stuck->job);
}

static void change_size(void)
{
	assert_int_equal(truncate(path_of("large"), LARGE_BYTES - 1), 0);
}

static void grow(void)
{
	assert_int_equal(truncate(path_of("large"), LARGE_BYTES + 1), 0);
}

/* The same size, and even the same time of change. */
static void rewrite(void)
{
	int fd = open(path_of("large"), O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "y", 1, LARGE_BYTES - 1), 1);
	close(fd);
	set_time("large", 1000);
}

static void remove_next(void)
{
	assert_int_equal(unlink(path_of("later")), 0);
}

static void replace_next(void)
{
	remove_next();
	make_directory("later");
}

static void exchange_next(void)
{
	remove_next();
	assert_int_equal(symlink("../outside/secret", path_of("later")), 0);
}

static void add_beside(void)
{
	make_file("beside", "x");
}

static void add_above(void)
{
	add_beside();
	set_time(".", 1000); /* that of the change cannot be set back */
}

static void a_tree_that_changes_is_no_layer(void **state)
{
	static const struct {
		void (*change)(void);
		const char *entry;
	} cases[] = {
		{ change_size, "large" },
		{ grow, "large" },
		{ rewrite, "large" },
		{ remove_next, "later" },
		{ replace_next, "later" },
		{ exchange_next, "." },
		{ add_beside, "." },
		{ add_above, "." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scratch_renew(&scratch);
		make_large("large");
		make_file("later", "x");
		struct stuck stuck = start_stuck(NULL);
		cases[i].change();
		assert_int_equal(end_stuck(&stuck), -EBUSY);
		assert_string_equal(err.entry, cases[i].entry);
	}
}

/* Far more than 64, so that a directory above was closed and opened again. */
static void a_directory_that_changes_after_its_names_were_read_is_named(void **state)
{
	enum { DEPTH = 100, PATH_BYTES = 8 + 2 * DEPTH };
	char path[PATH_BYTES + sizeof("/large")] = "d";

	(void)state;
	make_file("d-before", "x");
	for (int i = 0; i < DEPTH; i++) {
		make_directory(path);
		strcat(path, "/d");
	}
	path[strlen(path) - strlen("/d")] = '\0';
	strcat(path, "/large");
	make_large(path);
	struct stuck stuck = start_stuck(NULL);
	make_file("d/d/new", "x");
	assert_int_equal(end_stuck(&stuck), -EBUSY);
	assert_string_equal(err.entry, "d/d");
	assert_int_equal(unlink(path_of("d/d/new")), 0);
	close(pack(NULL));
	assert_int_equal(stats.entries, DEPTH + 3);
}

/* It stands still with a header of one of them, which it has looked at and not entered. */
static void a_directory_that_is_exchanged_before_it_is_entered_is_named(void **state)
{
	enum { COUNT = 2000 }; /* their headers are more than a pipe and what is gathered */
	char name[16];
	unsigned int number;

	(void)state;
	make_file("a", "x");
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "d%05d", i);
		make_directory(name);
	}
	struct stuck stuck = start_stuck(NULL);
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "d%05d", i);
		assert_int_equal(rmdir(path_of(name)), 0);
		make_directory(name);
	}
	assert_int_equal(end_stuck(&stuck), -EBUSY);
	assert_int_equal(sscanf(err.entry, "d%05u", &number), 1);
}

static void a_job_is_cancelled_at_once(void **state)
{
	(void)state;
	make_large("large");
	struct stuck stuck = start_stuck(NULL);
	oakum_job_cancel(stuck.job);
	assert_int_equal(wait_for(&stuck.job), -ECANCELED);
	close(stuck.read_fd);
}

static void a_deadline_is_kept_while_nobody_reads(void **state)
{
	(void)state;
	make_large("large");
	struct stuck stuck = start_stuck(OAKUM_PACK_OPTIONS(.timeout_ms = 300));
	struct pollfd fd = { .fd = oakum_job_pollfd(stuck.job), .events = POLLIN };
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_int_equal(wait_for(&stuck.job), -ETIMEDOUT);
	close(stuck.read_fd);
}

static void a_packer_that_is_killed_is_no_success(void **state)
{
	pid_t pids[4];

	(void)state;
	make_large("large");
	for (int i = 0; i < 2; i++) {
		struct stuck stuck = start_stuck(NULL);
		assert_int_equal(host_find_helpers(pids, 4), 2);
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		assert_int_equal(end_stuck(&stuck), -EIO);
		assert_non_null(strstr(err.detail, i == 0 ? "monitor" : "packer"));
	}
}

static void a_reader_that_goes_away_is_an_error_and_no_signal(void **state)
{
	(void)state;
	make_large("large");
	struct stuck stuck = start_stuck(NULL);
	close(stuck.read_fd);
	assert_int_equal(wait_for(&stuck.job), -EPIPE);
	assert_string_equal(err.op, "write");
	assert_string_equal(err.entry, "large");
}

static void a_disk_that_is_full_is_told_with_the_entry(void **state)
{
	(void)state;
	make_large("large");
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pack_to(fd, NULL), -ENOSPC);
	assert_int_equal(err.stage, OAKUM_STAGE_PACK);
	assert_string_equal(err.entry, "large");
	close(fd);
}

static void a_rootfs_that_is_removed_meanwhile_is_an_error(void **state)
{
	(void)state;
	make_large("large");
	make_directory("later");
	make_file("later/f", "x");
	struct stuck stuck = start_stuck(NULL);
	scratch_renew(&scratch);
	assert_int_equal(end_stuck(&stuck), -EBUSY);
}

static void a_rootfs_that_is_being_unpacked_into_is_busy(void **state)
{
	struct oakum_job *job = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(oakum_unpack_start(fds[0], scratch.rootfs_fd, NULL, &job, &err), 0);
	usleep(100000);
	assert_int_equal(pack(NULL), -1);
	assert_int_equal(err.code, EBUSY);
	oakum_job_cancel(job);
	assert_int_equal(wait_for(&job), -ECANCELED);
	close(fds[0]);
	close(fds[1]);
	/* Two may read. */
	make_large("large");
	struct stuck stuck = start_stuck(NULL);
	close(pack(NULL));
	assert_int_equal(err.code, ECANCELED);
	assert_int_equal(end_stuck(&stuck), 0);
}

/* --- trees made to do harm --- */

static void nothing_is_followed_opened_or_waited_for(void **state)
{
	char outside[320];

	(void)state;
	snprintf(outside, sizeof(outside), "%s/outside", scratch.path);
	assert_int_equal(symlink(outside, path_of("absolute")), 0);
	assert_int_equal(symlink("../outside/secret", path_of("relative")), 0);
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_int_equal(mknod(path_of("tape"), S_IFCHR | 0600, makedev(9, 0)), 0);
	int fd = pack(NULL);
	assert_int_equal(stats.entries, 6);
	assert_int_equal(stats.content_bytes, 0);
	unpack_again(fd);
	assert_true(S_ISFIFO(status_of("fifo").st_mode));
	assert_true(S_ISLNK(status_of("absolute").st_mode));
	assert_int_equal(status_of("tape").st_rdev, makedev(9, 0));
}

/* Deeper than nftw(3) goes. */
static void remove_deep(void)
{
	char command[320];

	snprintf(command, sizeof(command), "rm -rf '%s/rootfs/directory'", scratch.path);
	assert_int_equal(system(command), 0);
}

static void a_path_may_be_deeper_than_any_limit_of_the_system(void **state)
{
	enum { DEPTH = 600 };
	int fd = open(path_of("."), O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdirat(fd, "directory", 0755), 0);
		int next = openat(fd, "directory", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	int layer_fd = pack(NULL);
	assert_int_equal(stats.entries, DEPTH + 1);
	remove_deep();
	unpack_again(layer_fd);
	assert_int_equal(status_of("directory/directory").st_nlink, 3);
	remove_deep();
}

static void what_is_mounted_below_is_left_or_taken(void **state)
{
	(void)state;
	make_directory("mnt");
	make_file("mnt/below", "");
	if (mount("none", path_of("mnt"), "tmpfs", 0, NULL) < 0) {
		print_message("no right to mount\n");
		assert_null(getenv("CI"));
		skip();
	}
	make_file("mnt/above", "");
	close(pack(NULL));
	assert_int_equal(stats.entries, 3);
	int fd = pack(OAKUM_PACK_OPTIONS(.submounts = OAKUM_SUBMOUNTS_TAKE));
	assert_int_equal(umount2(path_of("mnt"), MNT_DETACH), 0);
	unpack_again(fd);
	assert_true(scratch_has(&scratch, "mnt/above"));
	assert_false(scratch_has(&scratch, "mnt/below"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_tree_made_in_another_way_is_the_same_bytes),
		TEST(compressed_bytes_are_the_same_too_and_say_neither_when_nor_what),
		TEST(no_time_is_later_than_it_may_be),
		TEST(what_was_packed_is_counted),
		TEST(owners_are_mapped_back_or_refused),
		TEST(a_file_capability_and_an_acl_are_mapped_back_with_their_owners),
		TEST(a_hard_link_is_to_the_first_name_in_the_layer),
		TEST(a_name_that_would_delete_something_is_refused),
		TEST(a_whiteout_of_overlayfs_is_one_where_that_was_said),
		TEST(a_whiteout_may_be_an_attribute),
		TEST(what_lies_in_a_lower_layer_is_refused),
		TEST(the_layer_is_not_packed_into_itself),
		TEST(what_unpacking_would_refuse_is_not_packed),
		TEST(options_that_mean_nothing_are_refused),
		TEST(a_tree_that_changes_is_no_layer),
		TEST(a_directory_that_changes_after_its_names_were_read_is_named),
		TEST(a_directory_that_is_exchanged_before_it_is_entered_is_named),
		TEST(a_job_is_cancelled_at_once),
		TEST(a_deadline_is_kept_while_nobody_reads),
		TEST(a_packer_that_is_killed_is_no_success),
		TEST(a_reader_that_goes_away_is_an_error_and_no_signal),
		TEST(a_disk_that_is_full_is_told_with_the_entry),
		TEST(a_rootfs_that_is_removed_meanwhile_is_an_error),
		TEST(a_rootfs_that_is_being_unpacked_into_is_busy),
		TEST(nothing_is_followed_opened_or_waited_for),
		TEST(a_path_may_be_deeper_than_any_limit_of_the_system),
		TEST(what_is_mounted_below_is_left_or_taken),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
