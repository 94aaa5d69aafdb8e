/* SPDX-License-Identifier: Apache-2.0 */
/* Owners, attributes and privileges as the kernel then has them, through the whole jail. */
#include "layer/acl.h"
#include "support/scratch.h"
#include "support/tarball.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <oakum/oakum.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

/* CAP_NET_RAW of the host's root, and of root 100000. */
#define CAPABILITY_2 "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CAPABILITY_3 "\1\0\0\3\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\240\206\1\0"

static const struct oakum_id_range container_ids[] = { { 0, 100000, 65536 }, { 0 } };

static struct scratch scratch;
static struct oakum_stats stats;
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

static int unpack(const struct member *layer, const struct oakum_unpack_options *options)
{
	struct tarball tar = tarball_of(layer);
	int layer_fd = memory_file(tar.bytes, tar.length);

	memset(&err, 0, sizeof(err));
	stats = (struct oakum_stats)OAKUM_STATS_INIT;
	int r = oakum_unpack(layer_fd, scratch.rootfs_fd, options, &stats, &err);
	close(layer_fd);
	tarball_free(&tar);
	return r;
}

static struct stat status_of(const char *name)
{
	struct stat status;

	if (fstatat(scratch.rootfs_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", name, strerror(errno));
	return status;
}

/* Its length, or -1. */
static ssize_t get_xattr(const char *name, const char *attribute, void *value, size_t room)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/rootfs/%s", scratch.path, name);
	return lgetxattr(path, attribute, value, room);
}

static void assert_has_xattr(
	const char *name, const char *attribute, const void *value, ssize_t bytes)
{
	char found[256];

	if (get_xattr(name, attribute, found, sizeof(found)) != bytes)
		fail_msg("%s: %s: %s", name, attribute, strerror(errno));
	assert_memory_equal(found, value, (size_t)bytes);
}

static void owners_capabilities_and_lists_go_through_the_maps(void **state)
{
	const struct member layer[] = {
		directory("home", .uid = 1, .gid = 2, .mode = 02755),
		pax_body(RAW("57 SCHILY.xattr.security.capability=" CAPABILITY_2 "\n")),
		file("home/ping", "x", .uid = 65535, .gid = 0, .mode = 04755),
		symlink_to("home/link", "ping", .uid = 3, .gid = 4),
		pax("SCHILY.acl.access=user::rw-,user:9:rw-,group::r--,mask::rw-,other::---"),
		file("home/shared", "", .uid = 5, .gid = 6, .mode = 0660),
		END,
	};
	struct acl_entry entries[] = {
		{ ACL_OF_OWNER, 6, 0 },
		{ ACL_OF_USER, 6, 100009 },
		{ ACL_OF_OWNING_GROUP, 4, 0 },
		{ ACL_OF_MASK, 6, 0 },
		{ ACL_OF_OTHERS, 0, 0 },
	};
	unsigned char acl[ACL_HEADER_BYTES + 5 * ACL_ENTRY_BYTES];

	(void)state;
	if (unpack(layer,
		    OAKUM_UNPACK_OPTIONS(.uid_map = container_ids, .gid_map = container_ids)) < 0)
		fail_msg("%s: %s", err.entry, err.detail);
	assert_int_equal(status_of("home").st_uid, 100001);
	assert_int_equal(status_of("home").st_gid, 100002);
	assert_int_equal(status_of("home").st_mode, S_IFDIR | 02755);
	assert_int_equal(status_of("home/ping").st_uid, 165535);
	assert_int_equal(status_of("home/ping").st_mode, S_IFREG | 04755);
	assert_int_equal(status_of("home/link").st_uid, 100003);
	assert_int_equal(status_of("home/link").st_gid, 100004);
	assert_has_xattr("home/ping", "security.capability", CAPABILITY_3, 24);
	acl_write(entries, 5, acl);
	assert_has_xattr("home/shared", "system.posix_acl_access", acl, sizeof(acl));
	assert_int_equal(status_of("home/shared").st_mode, S_IFREG | 0660);
}

static void an_owner_in_no_range_is_named_with_what_to_do(void **state)
{
	const struct member layer[] = {
		file("good", ""),
		file("home/of-nobody", "", .uid = 65536, .gid = 7),
		END,
	};

	(void)state;
	assert_int_equal(unpack(layer, OAKUM_UNPACK_OPTIONS(.uid_map = container_ids)), -EINVAL);
	assert_string_equal(err.entry, "home/of-nobody");
	assert_non_null(strstr(err.detail, "65536:7"));
	assert_non_null(strstr(err.detail, "--owner="));
	assert_false(scratch_has(&scratch, "home/of-nobody"));
}

static void all_can_belong_to_one(void **state)
{
	const struct member layer[] = {
		directory("d", .uid = 4000000000U, .gid = 7),
		file("d/f", "", .uid = 65534, .gid = 65534),
		END,
	};

	(void)state;
	assert_int_equal(unpack(layer, OAKUM_UNPACK_OPTIONS(.owners = OAKUM_OWNERS_SQUASH,
					       .squash_uid = 12, .squash_gid = 13)),
		0);
	assert_int_equal(status_of("d").st_uid, 12);
	assert_int_equal(status_of("d/f").st_gid, 13);
}

/* In a process of its own that may not chown: 0, or what failed. */
static int unpack_without_chown(const struct member *layer, uint32_t owners)
{
	pid_t pid = fork();
	int wait_status;

	if (pid == 0) {
		/* Beyond this, root's exec(2) of the helper cannot give it back. */
		if (prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0) < 0)
			_exit(100);
		int r = unpack(layer, OAKUM_UNPACK_OPTIONS(.owners = owners));
		if (r == 0)
			_exit(stats.unset_owners == 4 ? 0 : 101);
		_exit(strcmp(err.entry, "dir/set-id") == 0 &&
					strstr(err.detail, "--ignore-chown-errors") != NULL
				? -r
				: 102);
	}
	assert_int_equal(waitpid(pid, &wait_status, 0), pid);
	assert_true(WIFEXITED(wait_status));
	return WEXITSTATUS(wait_status);
}

static void an_owner_that_cannot_be_set_is_forgiven_and_counted(void **state)
{
	const struct member layer[] = {
		file("mine", "", .mode = 04755),
		directory("dir", .uid = 5, .mode = 02777),
		file("dir/set-id", "", .uid = 5, .mode = 06755),
		symlink_to("dir/link", "x", .uid = 5),
		fifo("dir/fifo", .gid = 5, .mode = 04644),
		END,
	};

	(void)state;
	assert_int_equal(unpack_without_chown(layer, OAKUM_OWNERS_KEEP), EPERM);
	scratch_renew(&scratch);
	assert_int_equal(unpack_without_chown(layer, OAKUM_OWNERS_FORGIVE), 0);
	assert_int_equal(status_of("mine").st_mode, S_IFREG | 04755);
	assert_int_equal(status_of("dir").st_mode, S_IFDIR | 0777);
	assert_int_equal(status_of("dir/set-id").st_mode, S_IFREG | 0755);
	assert_int_equal(status_of("dir/set-id").st_uid, geteuid());
	assert_int_equal(status_of("dir/fifo").st_mode, S_IFIFO | 0644);
}

static void lists_of_pax_are_applied(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.acl.access=user::rwx\nuser:1000:r-x\ngroup::r-x\nmask::r-x\nother::---"
		    "\n",
			"SCHILY.acl.default=user::rwx\ngroup::r--\ngroup:77:rwx\nmask::rwx\nother::"
			"---\n"),
		directory("d", .mode = 0750),
		file("d/child", "", .mode = 0644),
		pax("SCHILY.acl.access=user::rw-,user:daemon:rw-,group::---,mask::rw-,other::---"),
		file("nameless", "", .mode = 0660),
		pax("SCHILY.acl.access=user::rw-,user:daemon:rw-:2,group::---,mask::rw-,other::--"
		    "-"),
		file("star", "", .mode = 0660),
		/* As bsdtar writes it: its mode has not the mask but the group's bits. */
		pax("SCHILY.acl.access=user::rw-,user::rw-:1000,group::r--,mask::rw-,other::r--"),
		file("masked", "", .mode = 04644),
		END,
	};
	char value[64];

	(void)state;
	if (unpack(layer, NULL) < 0)
		fail_msg("%s: %s: %s", err.entry, err.op, err.detail);
	assert_has_xattr("d", "system.posix_acl_access",
		"\2\0\0\0"
		"\1\0\7\0\377\377\377\377"
		"\2\0\5\0\350\3\0\0"
		"\4\0\5\0\377\377\377\377"
		"\20\0\5\0\377\377\377\377"
		"\40\0\0\0\377\377\377\377",
		44);
	assert_has_xattr("d", "system.posix_acl_default",
		"\2\0\0\0"
		"\1\0\7\0\377\377\377\377"
		"\4\0\4\0\377\377\377\377"
		"\10\0\7\0\115\0\0\0"
		"\20\0\7\0\377\377\377\377"
		"\40\0\0\0\377\377\377\377",
		44);
	/* What the layer says of the child, and not what its directory hands down. */
	assert_int_equal(get_xattr("d/child", "system.posix_acl_access", value, sizeof(value)), -1);
	assert_int_equal(status_of("d/child").st_mode, S_IFREG | 0644);
	/* A name without a number: no list, and nothing more for the group. */
	assert_int_equal(
		get_xattr("nameless", "system.posix_acl_access", value, sizeof(value)), -1);
	assert_int_equal(status_of("nameless").st_mode, S_IFREG | 0600);
	assert_int_equal(stats.dropped_xattrs, 1);
	assert_int_equal(get_xattr("star", "system.posix_acl_access", value, sizeof(value)), 44);
	assert_int_equal(status_of("masked").st_mode, S_IFREG | 04664);
	assert_has_xattr("masked", "system.posix_acl_access",
		"\2\0\0\0"
		"\1\0\6\0\377\377\377\377"
		"\2\0\6\0\350\3\0\0"
		"\4\0\4\0\377\377\377\377"
		"\20\0\6\0\377\377\377\377"
		"\40\0\4\0\377\377\377\377",
		44);
}

static void attributes_are_read_in_both_spellings_of_pax(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.xattr.user.schily=one", "LIBARCHIVE.xattr.user.base64=dHdv"),
		file("a", ""),
		END,
	};

	(void)state;
	assert_int_equal(unpack(layer, NULL), 0);
	assert_has_xattr("a", "user.schily", "one", 3);
	assert_has_xattr("a", "user.base64", "two", 3);
}

static void labels_are_dropped_unless_they_are_asked_for(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.xattr.trusted.a=1", "SCHILY.xattr.user.a=2",
			"SCHILY.xattr.trusted.overlay.opaque=y",
			"SCHILY.xattr.user.overlay.redirect=/etc"),
		directory("d"),
		END,
	};
	char value[16];

	(void)state;
	assert_int_equal(unpack(layer, NULL), 0);
	assert_int_equal(stats.dropped_xattrs, 3);
	assert_int_equal(get_xattr("d", "trusted.a", value, sizeof(value)), -1);
	assert_has_xattr("d", "user.a", "2", 1);
	scratch_renew(&scratch);
	assert_int_equal(unpack(layer, OAKUM_UNPACK_OPTIONS(.labels = OAKUM_LABELS_KEEP)), 0);
	assert_int_equal(stats.dropped_xattrs, 2);
	assert_has_xattr("d", "trusted.a", "1", 1);
	assert_int_equal(get_xattr("d", "trusted.overlay.opaque", value, sizeof(value)), -1);
	assert_int_equal(get_xattr("d", "user.overlay.redirect", value, sizeof(value)), -1);
}

static void file_flags_leave_the_tree_removable(void **state)
{
	const struct member layer[] = {
		pax("SCHILY.fflags=immutable,append,nodump"),
		directory("d"),
		pax("SCHILY.fflags=schg,sappnd,uappnd"),
		file("d/f", ""),
		END,
	};

	(void)state;
	assert_int_equal(unpack(layer, NULL), 0);
	assert_int_equal(unlinkat(scratch.rootfs_fd, "d/f", 0), 0);
	assert_int_equal(unlinkat(scratch.rootfs_fd, "d", AT_REMOVEDIR), 0);
}

static void privileges_and_devices_can_be_left_out(void **state)
{
	const struct member layer[] = {
		pax_body(RAW("57 SCHILY.xattr.security.capability=" CAPABILITY_2 "\n")),
		file("ping", "", .mode = 06755),
		character_device("null", 1, 3),
		directory("tmp", .mode = 03777),
		END,
	};
	char value[64];

	(void)state;
	assert_int_equal(unpack(layer, OAKUM_UNPACK_OPTIONS(.privileges = OAKUM_PRIVILEGES_DROP,
					       .devices = OAKUM_DEVICES_SKIP)),
		0);
	assert_int_equal(status_of("ping").st_mode, S_IFREG | 0755);
	assert_int_equal(status_of("tmp").st_mode, S_IFDIR | 01777);
	assert_int_equal(get_xattr("ping", "security.capability", value, sizeof(value)), -1);
	assert_false(scratch_has(&scratch, "null"));
	assert_int_equal(stats.dropped_entries, 1);
	assert_int_equal(stats.dropped_xattrs, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(owners_capabilities_and_lists_go_through_the_maps),
		TEST(an_owner_in_no_range_is_named_with_what_to_do),
		TEST(all_can_belong_to_one),
		TEST(an_owner_that_cannot_be_set_is_forgiven_and_counted),
		TEST(lists_of_pax_are_applied),
		TEST(attributes_are_read_in_both_spellings_of_pax),
		TEST(labels_are_dropped_unless_they_are_asked_for),
		TEST(file_flags_leave_the_tree_removable),
		TEST(privileges_and_devices_can_be_left_out),
	};

	if (geteuid() != 0) {
		fputs("skipped: owners are for root to set\n", stderr);
		return 77;
	}
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
