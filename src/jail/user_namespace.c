/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/user_namespace.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/id_map.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAP_TEXT_MAX = 64 << 10,       /* 340 lines of three numbers are less */
	MAP_LINE_BYTES = 64,	       /* three numbers of ten digits */
	FIRST_NAMESPACE = 0xEFFFFFFDU, /* PROC_USER_INIT_INO of the kernel */
};

static const char *why_not(int code)
{
	switch (code) {
	case ENOSPC:
	case EUSERS:
		return "there may be no more user namespaces: see the sysctl "
		       "user.max_user_namespaces";
	case EPERM:
		return "user namespaces are forbidden here: by the sysctls "
		       "kernel.unprivileged_userns_clone or "
		       "kernel.apparmor_restrict_unprivileged_userns, or by a container's seccomp";
	default:
		return "a user namespace cannot be had";
	}
}

/* Restricted ones can be made, and give no rights: Ubuntu 23.10 and later, by AppArmor. */
static int check_rights(struct oakum_error *err)
{
	uint64_t effective;
	uint64_t permitted;

	if (sys_capget(&effective, &permitted) < 0)
		return fail(err, errno, "capget", NULL);
	if (effective != 0)
		return 0;
	return fail_because(err, EPERM, "unshare", NULL,
		"the new user namespace has no rights: install the AppArmor profile of "
		"oakum-helper, or see kernel.apparmor_restrict_unprivileged_userns");
}

/*
 * The descriptor is of the mount namespace before, where we have no rights: the working
 * directory is what follows into the new one.
 */
int user_namespace_enter(int rootfs_fd, bool *is_inside, struct oakum_error *err)
{
	*is_inside = false;
	if (fchdir(rootfs_fd) < 0)
		return fail_because(err, errno, "fchdir", NULL, "the rootfs cannot be entered");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return fail_because(err, errno, "unshare", NULL, "%s", why_not(errno));
	*is_inside = true;
	cleanup_fd int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, rootfs_fd) < 0)
		return fail(err, errno, "open rootfs", NULL);
	return check_rights(err);
}

static int write_file(const char *path, const char *text, struct oakum_error *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	const size_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		return fail_because(err, errno, "map ids", NULL, "%s", path);
	return 0;
}

static int map_one(const char *path, const struct oakum_id_range *range, struct oakum_error *err)
{
	char line[MAP_LINE_BYTES];

	snprintf(line, sizeof(line), "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", range->container,
		range->host, range->count);
	return write_file(path, line, err);
}

int user_namespace_map_own(const struct oakum_id_range *uids, const struct oakum_id_range *gids,
	struct oakum_error *err)
{
	/* Else a group could be left that takes rights away (user_namespaces(7)). */
	int r = write_file("/proc/self/setgroups", "deny", err);

	if (r == 0)
		r = map_one("/proc/self/gid_map", gids, err);
	return r < 0 ? r : map_one("/proc/self/uid_map", uids, err);
}

static bool has_line(const char *text, const struct oakum_id_range *range)
{
	struct oakum_id_range found;

	while (id_map_next(&text, &found)) {
		if (found.container == range->container && found.host == range->host &&
			found.count == range->count)
			return true;
	}
	return false;
}

static int check_map(const char *path, const struct oakum_id_range *map, struct oakum_error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *text = NULL;
	size_t length;

	if (fd < 0)
		return fail_because(err, errno, "map ids", NULL, "%s", path);
	int r = fd_read_all(fd, MAP_TEXT_MAX, &text, &length);
	if (r < 0)
		return fail_because(err, -r, "map ids", NULL, "%s", path);
	for (; map->count > 0; map++) {
		if (!has_line(text, map))
			return fail_because(err, EPERM, "map ids", NULL,
				"%s did not get the range %" PRIu32 ":%" PRIu32 ":%" PRIu32, path,
				map->container, map->host, map->count);
	}
	return 0;
}

int user_namespace_check(const struct oakum_id_range *uids, const struct oakum_id_range *gids,
	struct oakum_error *err)
{
	int r = check_map("/proc/self/uid_map", uids, err);

	return r < 0 ? r : check_map("/proc/self/gid_map", gids, err);
}

bool user_namespace_is_inner(void)
{
	struct stat status;

	return stat("/proc/self/ns/user", &status) == 0 && status.st_ino != FIRST_NAMESPACE;
}
