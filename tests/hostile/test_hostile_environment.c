/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rootfs that is moved, mounted oddly or raced for, and callers with odd limits.
 * Arguments RACES FILES: only that many races, and what became of them.
 */
#include "base/sys.h"
#include "support/deny_call.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <oakum/oakum.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMBERS(...) ((const struct member[]){ __VA_ARGS__, END })

static struct scratch scratch;
static struct oakum_error err;
static struct oakum_stats stats;

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

static int unpack_into(int rootfs_fd, const struct member *layer)
{
	struct tarball tar = tarball_of(layer);
	int layer_fd = memory_file(tar.bytes, tar.length);
	int r;

	memset(&err, 0, sizeof(err));
	stats = (struct oakum_stats){ .size = sizeof(stats) };
	r = oakum_unpack(layer_fd, rootfs_fd, NULL, &stats, &err);
	close(layer_fd);
	tarball_free(&tar);
	return r;
}

static void path_in_scratch(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", scratch.path, name);
}

/* --- E01 --- */

struct exchanger {
	pthread_t thread;
	atomic_bool is_over;
	atomic_ulong count;
};

/* rootfs/d is a directory and rootfs/l a symlink out, and the other way round, and so on. */
static void *exchange(void *argument)
{
	struct exchanger *exchanger = argument;

	while (!atomic_load(&exchanger->is_over)) {
		if (renameat2(scratch.rootfs_fd, "d", scratch.rootfs_fd, "l", RENAME_EXCHANGE) == 0)
			atomic_fetch_add(&exchanger->count, 1);
	}
	return NULL;
}

enum { DIRECTORIES = 100 }; /* more than descriptors are kept */

/* By turns so many in d and in another directory: d is resolved again and again. */
static struct tarball layer_of_files(unsigned int files)
{
	struct member *layer = calloc(files + 1, sizeof(*layer));
	char(*names)[32] = calloc(files, sizeof(*names));

	assert_non_null(layer);
	assert_non_null(names);
	for (unsigned int i = 0; i < files; i++) {
		const char *top = i / DIRECTORIES % 2 == 0 ? "d" : "else";
		snprintf(names[i], sizeof(names[i]), "%s/s%u/f%u", top, i % DIRECTORIES, i);
		layer[i] = (struct member)file(names[i], "x");
	}
	layer[files] = (struct member)END;
	struct tarball tar = tarball_of(layer);
	free(layer);
	free(names);
	return tar;
}

struct tally {
	unsigned int refused;
	unsigned int diverted; /* races in which the symlink was resolved: inside the rootfs */
	unsigned int escaped;
	uint64_t exchanges;
};

static int count_names(const char *path)
{
	char command[600];
	int count = -1;

	snprintf(command, sizeof(command), "find '%s' -mindepth 1 2>/dev/null | wc -l", path);
	FILE *output = popen(command, "r");
	assert_non_null(output);
	assert_int_equal(fscanf(output, "%d", &count), 1);
	pclose(output);
	return count;
}

static void race(const struct tarball *tar, struct tally *tally)
{
	struct exchanger exchanger = { .count = 0 };
	char inside[512];

	scratch_renew(&scratch);
	/* Where "../outside" leads to from within: what a naive unpacker would write outside. */
	assert_int_equal(mkdirat(scratch.rootfs_fd, "outside", 0755), 0);
	assert_int_equal(mkdirat(scratch.rootfs_fd, "d", 0755), 0);
	assert_int_equal(symlinkat("../outside", scratch.rootfs_fd, "l"), 0);
	assert_int_equal(pthread_create(&exchanger.thread, NULL, exchange, &exchanger), 0);
	int layer_fd = memory_file(tar->bytes, tar->length);
	while (atomic_load(&exchanger.count) == 0)
		sched_yield();
	tally->refused += oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err) < 0;
	close(layer_fd);
	atomic_store(&exchanger.is_over, true);
	pthread_join(exchanger.thread, NULL);
	path_in_scratch(inside, "rootfs/outside");
	tally->diverted += count_names(inside) > 0;
	tally->escaped += !scratch_outside_is_untouched(&scratch);
	tally->exchanges += atomic_load(&exchanger.count);
}

static struct tally run_races(unsigned int races, unsigned int files)
{
	struct tarball tar = layer_of_files(files);
	struct tally tally = { 0 };

	for (unsigned int i = 0; i < races; i++)
		race(&tar, &tally);
	tarball_free(&tar);
	return tally;
}

static void no_exchange_of_a_directory_and_a_symlink_leads_out(void **state)
{
	struct tally tally = run_races(4, 2000);

	(void)state;
	/* On a busy machine the exchanges may all have been at harmless moments. */
	for (int more = 0; more < 10 && tally.diverted + tally.refused + tally.escaped == 0; more++)
		tally = run_races(4, 2000);
	assert_int_equal(tally.escaped, 0);
	assert_true(tally.diverted + tally.refused > 0); /* else nothing was tried */
}

/* --- E02 --- */

static void put(int fd, const struct member *layer, size_t less)
{
	struct tarball tar = tarball_of(layer);

	assert_int_equal(write(fd, tar.bytes, tar.length - less), (ssize_t)(tar.length - less));
	tarball_free(&tar);
}

static void a_rootfs_that_is_renamed_meanwhile_is_the_same_rootfs(void **state)
{
	enum { TWO_ZERO_BLOCKS = 2 * TAR_BLOCK_BYTES };
	struct slow_unpack slow;
	pid_t pids[3];
	char from[512];
	char to[512];

	(void)state;
	path_in_scratch(from, "rootfs");
	path_in_scratch(to, "moved");
	slow_unpack_start(&slow, &scratch, NULL);
	slow_unpack_wait_for_walls(pids);
	put(slow.write_fd, MEMBERS(directory("d"), file("d/a", "1")), TWO_ZERO_BLOCKS);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(mkdir(from, 0755), 0);
	put(slow.write_fd, MEMBERS(file("d/b", "2")), 0);
	assert_int_equal(slow_unpack_end(&slow), 0);
	assert_int_equal(count_names(from), 0);
	assert_true(scratch_file_is(&scratch, "d/a", "1"));
	assert_true(scratch_file_is(&scratch, "d/b", "2"));
	assert_int_equal(rmdir(from), 0);
	assert_int_equal(rename(to, from), 0);
}

/* --- E03, E10: in a mount namespace of its own --- */

static int in_mount_namespace(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		if (unshare(CLONE_NEWNS) < 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(100);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool is_complete(int rootfs_fd)
{
	struct stat file;
	struct stat device;

	return fstatat(rootfs_fd, "d/f", &file, 0) == 0 && file.st_mode == (S_IFREG | 04755) &&
	       file.st_uid == 5 && fstatat(rootfs_fd, "null", &device, 0) == 0 &&
	       S_ISCHR(device.st_mode);
}

static const struct member everything[] = {
	directory("d"),
	file("d/f", "content", .mode = 04755, .uid = 5, .gid = 6),
	character_device("null", 1, 3),
	symlink_to("l", "d/f"),
	END,
};

static int unpack_mounted(const char *type, unsigned long flags, const char *options)
{
	char path[512];

	path_in_scratch(path, "rootfs");
	if (mount("none", path, type, flags, options) < 0)
		return 101;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (unpack_into(fd, everything) < 0) {
		fprintf(stderr, "%s: %s: %s: %s\n", type, err.entry, err.op, err.detail);
		return 102;
	}
	return is_complete(fd) ? 0 : 103;
}

static int on_a_mount_that_forbids_much(void)
{
	return unpack_mounted("tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755");
}

static int on_overlayfs(void)
{
	char options[1600];
	char outside[512];

	path_in_scratch(outside, "outside");
	if (mount("none", outside, "tmpfs", 0, NULL) < 0)
		return 104;
	snprintf(options, sizeof(options), "lowerdir=%s/l,upperdir=%s/u,workdir=%s/w", outside,
		outside, outside);
	for (const char *name = "luw"; *name != '\0'; name++) {
		char path[600];
		snprintf(path, sizeof(path), "%s/%c", outside, *name);
		if (mkdir(path, 0755) < 0)
			return 105;
	}
	return unpack_mounted("overlay", 0, options);
}

static int on_ramfs(void)
{
	return unpack_mounted("ramfs", 0, NULL);
}

static const struct member with_attributes[] = {
	pax("SCHILY.xattr.user.a=1", "SCHILY.xattr.user.b=2"),
	file("f", "x"),
	pax("SCHILY.xattr.user.a=1"),
	directory("d"),
	END,
};

/* ramfs has no attributes: a note that is lost is counted, a right that is lost is an error. */
static int on_what_has_no_attributes(void)
{
	const struct member with_acl[] = {
		pax("SCHILY.acl.access=user::rw-,user:9:rw-,group::r--,mask::rw-,other::---"),
		file("f", "x", .mode = 0660), END
	};
	char path[512];

	path_in_scratch(path, "rootfs");
	if (mount("none", path, "ramfs", 0, NULL) < 0)
		return 101;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (unpack_into(fd, with_attributes) < 0)
		return 102;
	if (stats.dropped_xattrs != 3)
		return 103;
	if (unpack_into(fd, with_acl) != -EOPNOTSUPP || strcmp(err.entry, "f") != 0)
		return 104;
	return strstr(err.detail, "does not take it") != NULL ? 0 : 105;
}

/*
 * A user namespace whose ids from 100000 on are 0 and more outside of it. It lives as long as its
 * process or a descriptor of it; by clone(2) itself, for unshare(2) takes no process of
 * two threads, and the thread sanitizer has one of its own.
 */
static int open_id_map(void)
{
	static const char map[] = "100000 0 65536";
	static const char *const names[] = { "uid_map", "gid_map" };
	char path[64];
	bool is_good = true;
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0L);

	if (pid == 0) {
		for (;;)
			(void)syscall(SYS_pause);
	}
	if (pid < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		int map_fd = open(path, O_WRONLY | O_CLOEXEC);
		is_good &= write(map_fd, map, strlen(map)) == (ssize_t)strlen(map);
		close(map_fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	int fd = is_good ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

/* What is seen as 0 is 100000 on the disk. */
static int on_an_idmapped_mount(void)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP };
	struct stat status;
	char path[512];

	if (fchownat(scratch.rootfs_fd, ".", 100000, 100000, 0) < 0)
		return 101;
	int map_fd = open_id_map();
	path_in_scratch(path, "rootfs");
	int tree_fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE);
	if (map_fd < 0 || tree_fd < 0)
		return 102;
	attributes.userns_fd = (unsigned int)map_fd;
	if (sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attributes) < 0)
		return errno == EINVAL ? 0 : 103; /* this file system cannot */
	if (unpack_into(tree_fd, everything) < 0) {
		fprintf(stderr, "%s: %s: %s\n", err.entry, err.op, err.detail);
		return 104;
	}
	if (!is_complete(tree_fd))
		return 105;
	if (fstatat(scratch.rootfs_fd, "d/f", &status, 0) < 0 || status.st_uid != 100005)
		return 106;
	/* An id that the mount does not have. */
	if (unpack_into(tree_fd, MEMBERS(file("far", "x", .uid = 70000))) != -EIO)
		return 107;
	return strcmp(err.entry, "far") == 0 ? 0 : 108;
}

static void what_a_file_system_lacks_is_counted_or_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_mount_namespace(on_what_has_no_attributes), 0);
}

static void what_kind_of_mount_the_rootfs_is_makes_no_difference(void **state)
{
	(void)state;
	assert_int_equal(in_mount_namespace(on_a_mount_that_forbids_much), 0);
	assert_int_equal(in_mount_namespace(on_overlayfs), 0);
	assert_int_equal(in_mount_namespace(on_ramfs), 0);
	assert_int_equal(in_mount_namespace(on_an_idmapped_mount), 0);
}

/* A layer is for the directory, and not for what somebody has mounted below it. */
static int below_which_something_is_mounted(void)
{
	char path[512];

	path_in_scratch(path, "rootfs/d");
	if (mkdir(path, 0755) < 0 || mount("none", path, "tmpfs", 0, NULL) < 0)
		return 101;
	if (unpack_into(scratch.rootfs_fd, MEMBERS(directory("d"), file("d/a", "x"))) < 0)
		return 102;
	return count_names(path) == 0 ? 0 : 103;
}

static void what_is_mounted_below_the_rootfs_is_not_written_to(void **state)
{
	(void)state;
	assert_int_equal(in_mount_namespace(below_which_something_is_mounted), 0);
	assert_true(scratch_file_is(&scratch, "d/a", "x"));
}

/* --- E05: whatever a disk says, it is told with the entry --- */

static void every_error_of_a_disk_names_its_entry(void **state)
{
	static const struct {
		long call;
		int code;
		int result;
		const char *entry;
	} rows[] = {
		{ SYS_pwrite64, EIO, -EIO, "d/f" },
		{ SYS_pwrite64, EDQUOT, -EDQUOT, "d/f" },
		{ SYS_pwrite64, ENOSPC, -ENOSPC, "d/f" },
		{ SYS_mkdirat, EROFS, -EROFS, "d" },
		{ SYS_mkdirat, EDQUOT, -EDQUOT, "d" },
		{ SYS_mkdirat, EIO, -EIO, "d" },
		{ SYS_symlinkat, EIO, -EIO, "l" },
		{ SYS_mknodat, EIO, -EIO, "null" },
		{ SYS_fchown, EDQUOT, -EDQUOT, "d/f" },
		{ SYS_fchmod, EIO, -EIO, "d/f" },
		{ SYS_utimensat, EIO, -EIO, "d/f" },
	};
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_renew(&scratch);
		pid_t pid = fork();
		if (pid == 0) {
			struct tarball tar = tarball_of(everything);
			int layer_fd = memory_file(tar.bytes, tar.length);
			deny_call(rows[i].call, rows[i].code);
			int r = oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err);
			if (r != rows[i].result || strcmp(err.entry, rows[i].entry) != 0)
				fprintf(stderr, "row %zu: %d, %s: %s: %s\n", i, r, err.entry,
					err.op, err.detail);
			_exit(r != rows[i].result || strcmp(err.entry, rows[i].entry) != 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* --- E04 --- */

static void no_name_in_the_rootfs_is_ours(void **state)
{
	static const struct member names[] = {
		directory(".pivot_root1"),
		file(".pivot_root1/f", "x"),
		directory("proc"),
		file("proc/self", "no proc"),
		directory("dev"),
		fifo("dev/null"),
		directory("etc"),
		symlink_to("etc/ld.so.preload", "/lib/evil.so"),
		symlink_to("etc/passwd", "/etc/shadow"),
		END,
	};

	(void)state;
	assert_int_equal(unpack_into(scratch.rootfs_fd, names), 0);
	assert_int_equal(unpack_into(scratch.rootfs_fd, names), 0);
	assert_int_equal(stats.entries, 9);
	assert_true(scratch_file_is(&scratch, ".pivot_root1/f", "x"));
}

/* --- E08, E11 --- */

/* The layer is there before the caller has its limit, which is for files in memory too. */
static int unpack_within(int resource, rlim_t most, const struct member *layer)
{
	const struct rlimit limit = { most, most };
	struct tarball tar = tarball_of(layer);
	int layer_fd = memory_file(tar.bytes, tar.length);

	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return -1;
	return oakum_unpack(layer_fd, scratch.rootfs_fd, NULL, NULL, &err);
}

static int with_few_descriptors(void)
{
	int r = unpack_within(RLIMIT_NOFILE, 8, everything);

	/* Either way, but said. */
	if (r < 0)
		return err.op[0] != '\0' && err.code == EIO ? 0 : 2;
	return is_complete(scratch.rootfs_fd) ? 0 : 3;
}

static int with_small_files_alone(void)
{
	static char large[8192];

	memset(large, 'x', sizeof(large) - 1);
	int r = unpack_within(
		RLIMIT_FSIZE, 4096, MEMBERS(file("small", "x"), file("large", large)));
	if (r != -EFBIG)
		return 2;
	return strcmp(err.entry, "large") == 0 ? 0 : 3;
}

static int with_a_mask_of_everything(void)
{
	umask(0777);
	if (unpack_into(scratch.rootfs_fd, everything) < 0)
		return 1;
	if (umask(0) != 0777)
		return 2;
	return is_complete(scratch.rootfs_fd) ? 0 : 3;
}

static void odd_limits_of_the_caller_are_kept_or_told(void **state)
{
	(void)state;
	assert_int_equal(in_mount_namespace(with_few_descriptors), 0);
	assert_int_equal(in_mount_namespace(with_small_files_alone), 0);
	scratch_renew(&scratch);
	assert_int_equal(in_mount_namespace(with_a_mask_of_everything), 0);
}

static int show_races(unsigned int races, unsigned int files)
{
	scratch_make(&scratch);
	struct tally tally = run_races(races, files);
	scratch_remove(&scratch);
	printf("%u races of %u files, %llu exchanges: %u diverted within the rootfs, %u refused, "
	       "%u escaped\n",
		races, files, (unsigned long long)tally.exchanges, tally.diverted, tally.refused,
		tally.escaped);
	return tally.escaped > 0;
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(no_exchange_of_a_directory_and_a_symlink_leads_out),
		IN_SCRATCH(a_rootfs_that_is_renamed_meanwhile_is_the_same_rootfs),
		IN_SCRATCH(what_kind_of_mount_the_rootfs_is_makes_no_difference),
		IN_SCRATCH(what_a_file_system_lacks_is_counted_or_an_error),
		IN_SCRATCH(every_error_of_a_disk_names_its_entry),
		IN_SCRATCH(what_is_mounted_below_the_rootfs_is_not_written_to),
		IN_SCRATCH(no_name_in_the_rootfs_is_ours),
		IN_SCRATCH(odd_limits_of_the_caller_are_kept_or_told),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	if (argc == 3)
		return show_races((unsigned int)strtoul(argv[1], NULL, 10),
			(unsigned int)strtoul(argv[2], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
