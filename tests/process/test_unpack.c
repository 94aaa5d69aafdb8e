/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way of a layer, and what the caller gets when it does not work out. */
#include "base/sys.h"
#include "support/host_state.h"
#include "support/pack.h"
#include "support/scratch.h"
#include "support/slow_layer.h"
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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct member small[] = {
	directory("etc", .mode = 0750),
	file("etc/passwd", "root", .mode = 0640),
	END,
};

static int unpack(struct scratch *scratch, const void *bytes, size_t length,
	const struct oakum_unpack_options *options, struct oakum_error *err)
{
	int layer_fd = memory_file(bytes, length);
	int r;

	memset(err, 0, sizeof(*err));
	r = oakum_unpack(layer_fd, scratch->rootfs_fd, options, NULL, err);
	close(layer_fd);
	return r;
}

static void the_host_is_left_as_it_was(void **state)
{
	struct tarball tar = tarball_of(small);
	struct host_state before;
	struct host_state after;
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	umask(0137);
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length, NULL, &err), 0);
	host_state_take(&before);
	for (int i = 0; i < 3; i++)
		assert_int_equal(unpack(&scratch, tar.bytes, tar.length, NULL, &err), 0);
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length - 1600, NULL, &err), -EBADMSG);
	host_state_take(&after);
	assert_true(host_state_is_the_same(&before, &after));
	umask(022);
	oakum_trim();
	host_state_take(&after);
	assert_int_equal(after.open_fds_above, before.open_fds_above - 1);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void a_layer_cut_off_anywhere_is_never_a_success(void **state)
{
	struct tarball tar = tarball_of(small);
	struct packed packed = pack_gzip(tar.bytes, tar.length);
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (size_t length = 1; length < packed.length; length += 7) {
		assert_int_equal(unpack(&scratch, packed.bytes, length, NULL, &err), -EBADMSG);
		assert_string_not_equal(err.detail, "");
	}
	for (size_t length = 1; length < tar.length - 1024; length += 211)
		assert_int_equal(unpack(&scratch, tar.bytes, length, NULL, &err), -EBADMSG);
	assert_true(scratch_outside_is_untouched(&scratch));
	scratch_remove(&scratch);
	free(packed.bytes);
	tarball_free(&tar);
}

static void a_wrong_checksum_is_the_decompressors_word_and_not_a_success(void **state)
{
	struct tarball tar = tarball_of(small);
	struct packed packed = pack_gzip(tar.bytes, tar.length);
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (size_t from_end = 1; from_end <= 8; from_end++) {
		packed.bytes[packed.length - from_end] ^= 1;
		assert_int_equal(
			unpack(&scratch, packed.bytes, packed.length, NULL, &err), -EBADMSG);
		assert_int_equal(err.stage, OAKUM_STAGE_DECOMPRESS);
		assert_string_equal(err.op, "inflate");
		packed.bytes[packed.length - from_end] ^= 1;
	}
	assert_int_equal(unpack(&scratch, packed.bytes, packed.length, NULL, &err), 0);
	scratch_remove(&scratch);
	free(packed.bytes);
	tarball_free(&tar);
}

static void a_full_disk_names_the_entry_that_did_not_fit(void **state)
{
	static const struct member large[] = {
		file("small", "fits"),
		big_file("dir/large", 3 << 20),
		END,
	};
	struct tarball tar = tarball_of(large);
	struct oakum_error err;
	struct scratch scratch;
	char path[512];

	(void)state;
	scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	assert_int_equal(mount("none", path, "tmpfs", 0, "size=1m"), 0);
	for (unsigned int threads = 1; threads <= 3; threads += 2) {
		int mounted_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int layer_fd = memory_file(tar.bytes, tar.length);
		assert_int_equal(oakum_unpack(layer_fd, mounted_fd,
					 OAKUM_UNPACK_OPTIONS(.threads = threads), NULL, &err),
			-ENOSPC);
		assert_int_equal(err.stage, OAKUM_STAGE_WRITE);
		assert_string_equal(err.entry, "dir/large");
		assert_string_equal(err.op, "write");
		close(layer_fd);
		close(mounted_fd);
	}
	assert_int_equal(umount(path), 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void a_read_only_rootfs_says_so(void **state)
{
	struct tarball tar = tarball_of(small);
	struct oakum_error err;
	struct scratch scratch;
	char path[512];

	(void)state;
	scratch_make(&scratch);
	snprintf(path, sizeof(path), "%s/rootfs", scratch.path);
	assert_int_equal(mount("none", path, "tmpfs", MS_RDONLY, "size=1m"), 0);
	int mounted_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int layer_fd = memory_file(tar.bytes, tar.length);
	assert_int_equal(oakum_unpack(layer_fd, mounted_fd, NULL, NULL, &err), -EROFS);
	assert_string_equal(err.entry, "etc");
	close(layer_fd);
	close(mounted_fd);
	assert_int_equal(umount(path), 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

/* In a child, whose exit status says how it went. */
static int in_child(int (*body)(struct scratch *scratch, const struct tarball *tar))
{
	struct tarball tar = tarball_of(small);
	struct scratch scratch;
	int status;

	scratch_make(&scratch);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		_exit(body(&scratch, &tar));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status == 0)
		assert_true(scratch_file_is(&scratch, "etc/passwd", "root"));
	scratch_remove(&scratch);
	tarball_free(&tar);
	return status;
}

static int with_closed_standard_fds(struct scratch *scratch, const struct tarball *tar)
{
	struct oakum_error err;

	close(0);
	close(1);
	close(2);
	return unpack(scratch, tar->bytes, tar->length, NULL, &err) != 0 ||
	       fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0 || fcntl(2, F_GETFD) >= 0;
}

static void a_host_without_descriptors_0_to_2_is_no_different(void **state)
{
	(void)state;
	assert_int_equal(in_child(with_closed_standard_fds), 0);
}

static int with_many_descriptors(struct scratch *scratch, const struct tarball *tar)
{
	struct oakum_error err;

	for (int i = 0; i < 5000; i++) {
		if (dup(0) < 0)
			break;
	}
	return unpack(scratch, tar->bytes, tar->length, NULL, &err);
}

static void a_host_with_thousands_of_descriptors_is_no_different(void **state)
{
	(void)state;
	assert_int_equal(in_child(with_many_descriptors), 0);
}

/* The library keeps a descriptor of its helper: programs that close what they do not know are
 * common. */
static int with_its_kept_descriptor_closed(struct scratch *scratch, const struct tarball *tar)
{
	struct oakum_error err;

	for (int run = 0; run < 3; run++) {
		if (unpack(scratch, tar->bytes, tar->length, NULL, &err) != 0)
			return 1;
		if (run == 0)
			sys_close_range(64, ~0U, 0);
		if (run == 1)
			dup2(1, 64);
	}
	return fcntl(64, F_GETFD) < 0;
}

static void a_host_that_closes_our_descriptor_costs_a_new_one(void **state)
{
	(void)state;
	assert_int_equal(in_child(with_its_kept_descriptor_closed), 0);
}

/* What a container has by default: among others no CAP_SYS_ADMIN. */
static const uint64_t container_capabilities =
	UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_FSETID |
	UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_MKNOD | UINT64_C(1) << CAP_NET_RAW |
	UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETFCAP |
	UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_NET_BIND_SERVICE |
	UINT64_C(1) << CAP_SYS_CHROOT | UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_AUDIT_WRITE;

/* The bounding set too: exec as root gives back all that is in it. */
static int keep_capabilities(uint64_t kept)
{
	for (unsigned long capability = 0; capability <= 40; capability++) {
		if ((kept >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability) < 0 &&
			errno != EINVAL)
			return -1;
	}
	return sys_capset(kept);
}

static int as_in_a_container(struct scratch *scratch, const struct tarball *tar)
{
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	int layer_fd = memory_file(tar->bytes, tar->length);

	if (keep_capabilities(container_capabilities) < 0)
		return 1;
	if (oakum_unpack(layer_fd, scratch->rootfs_fd, NULL, &stats, &err) != 0)
		return 2;
#ifndef OAKUM_SANITIZED
	if (stats.level != OAKUM_LEVEL_CHROOT || stats.denied_calls != 0 ||
		stats.walls != (OAKUM_WALL_ROOT | OAKUM_WALL_CAPABILITIES | OAKUM_WALL_LANDLOCK |
				       OAKUM_WALL_SECCOMP))
		return 3;
#endif
	lseek(layer_fd, 0, SEEK_SET);
	if (oakum_unpack(layer_fd, scratch->rootfs_fd,
		    OAKUM_UNPACK_OPTIONS(.min_level = OAKUM_LEVEL_DETACHED), NULL, &err) != -EPERM)
		return 4;
	return strstr(err.detail, "at least 4") == NULL ? 5 : 0;
}

static void a_caller_without_cap_sys_admin_gets_the_level_below_and_is_told(void **state)
{
	(void)state;
	assert_int_equal(in_child(as_in_a_container), 0);
}

static int without_any_capability(struct scratch *scratch, const struct tarball *tar)
{
	struct oakum_error err;

	if (keep_capabilities(0) < 0)
		return 1;
	if (unpack(scratch, tar->bytes, tar->length,
		    OAKUM_UNPACK_OPTIONS(.user_namespace = OAKUM_USER_NAMESPACE_NEVER),
		    &err) != -EPERM)
		return 2;
	return strstr(err.detail, "CAP_SYS_CHROOT") == NULL ? 3 : 99;
}

static void a_caller_without_rights_is_refused_and_never_unwalled(void **state)
{
	(void)state;
	assert_int_equal(WEXITSTATUS(in_child(without_any_capability)), 99);
}

static void excludes_leave_no_trace(void **state)
{
	static const char *const excludes[] = { "usr/share/doc", "/etc/passwd", NULL };
	static const struct member layer[] = {
		directory("etc"),
		file("etc/passwd", "root"),
		file("etc/passwd-", "kept"),
		directory("usr/share/doc"),
		file("usr/share/doc/a", "x"),
		file("usr/share/docs", "kept"),
		END,
	};
	struct tarball tar = tarball_of(layer);
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length,
				 OAKUM_UNPACK_OPTIONS(.exclude = excludes), &err),
		0);
	assert_false(scratch_has(&scratch, "etc/passwd"));
	assert_false(scratch_has(&scratch, "usr/share/doc"));
	assert_true(scratch_file_is(&scratch, "etc/passwd-", "kept"));
	assert_true(scratch_file_is(&scratch, "usr/share/docs", "kept"));
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void an_empty_layer_is_a_layer(void **state)
{
	struct oakum_error err;
	struct scratch scratch;
	char zeros[1024] = { 0 };

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(unpack(&scratch, "", 0, NULL, &err), 0);
	assert_int_equal(unpack(&scratch, zeros, sizeof(zeros), NULL, &err), 0);
	scratch_remove(&scratch);
}

static void a_size_limit_names_itself_and_the_entry(void **state)
{
	static const struct member large[] = {
		file("a", "1234"),
		file("b", "5678"),
		END,
	};
	struct tarball tar = tarball_of(large);
	struct oakum_error err;
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length,
				 OAKUM_UNPACK_OPTIONS(.max_content_bytes = 7), &err),
		-EFBIG);
	assert_int_equal(err.stage, OAKUM_STAGE_POLICY);
	assert_string_equal(err.entry, "b");
	assert_non_null(strstr(err.detail, "content-bytes=7"));
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length,
				 OAKUM_UNPACK_OPTIONS(.max_entries = 1), &err),
		-EFBIG);
	assert_non_null(strstr(err.detail, "entries=1"));
	scratch_remove(&scratch);
	tarball_free(&tar);
}

static void two_unpacks_into_one_rootfs_never_mix(void **state)
{
	struct tarball tar = tarball_of(small);
	struct oakum_error err;
	struct scratch scratch;
	struct slow_unpack slow;
	pid_t pids[3];

	(void)state;
	scratch_make(&scratch);
	slow_unpack_start(&slow, &scratch, NULL);
	slow_unpack_wait_for_walls(pids);
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length, NULL, &err), -EBUSY);
	assert_non_null(strstr(err.detail, "another unpack"));
	assert_false(scratch_has(&scratch, "etc"));
	assert_int_equal(write(slow.write_fd, tar.bytes, tar.length), (ssize_t)tar.length);
	assert_int_equal(slow_unpack_end(&slow), 0);
	/* And one after the other they may. */
	assert_int_equal(unpack(&scratch, tar.bytes, tar.length, NULL, &err), 0);
	scratch_remove(&scratch);
	tarball_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(the_host_is_left_as_it_was),
		host_test(two_unpacks_into_one_rootfs_never_mix),
		host_test(a_layer_cut_off_anywhere_is_never_a_success),
		host_test(a_wrong_checksum_is_the_decompressors_word_and_not_a_success),
		host_test(a_full_disk_names_the_entry_that_did_not_fit),
		host_test(a_read_only_rootfs_says_so),
		host_test(a_host_without_descriptors_0_to_2_is_no_different),
		host_test(a_host_with_thousands_of_descriptors_is_no_different),
		host_test(a_host_that_closes_our_descriptor_costs_a_new_one),
		host_test(a_caller_without_cap_sys_admin_gets_the_level_below_and_is_told),
		host_test(a_caller_without_rights_is_refused_and_never_unwalled),
		host_test(excludes_leave_no_trace),
		host_test(an_empty_layer_is_a_layer),
		host_test(a_size_limit_names_itself_and_the_entry),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return getenv("CI") == NULL ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
