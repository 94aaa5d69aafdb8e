/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/root.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <unistd.h>

/*
 * A private copy of the rootfs's mount that hangs in no mount tree: whoever is
 * chrooted into it has nothing above, so neither a second chroot nor a working
 * directory that is renamed away leads out. nosuid, nodev and noexec do not
 * hinder mknod, chmod 4755 or security.capability; opening a device, yes.
 * Returns its descriptor or -errno.
 */
static int clone_mount(const struct root_request *request)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	const unsigned int flags = AT_EMPTY_PATH | (request->has_submounts ? AT_RECURSIVE : 0);
	if (request->is_read_only)
		attributes.attr_set |= MOUNT_ATTR_RDONLY;
	cleanup_fd int tree_fd =
		sys_open_tree(request->rootfs_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (tree_fd < 0)
		return -errno;
	if (sys_mount_setattr(tree_fd, "", flags, &attributes) < 0)
		return -errno;
	return steal_fd(&tree_fd);
}

/* chroot(2) alone is no wall: what holds at this level is said in oakum_level. */
static int change_root(int directory_fd, struct oakum_error *err)
{
	if (fchdir(directory_fd) < 0)
		return fail_because(err, errno, "fchdir", NULL, "the rootfs cannot be entered");
	if (chroot(".") < 0)
		return fail_because(err, errno, "chroot", NULL,
			"no wall round the rootfs can be had: run as root, or with CAP_SYS_CHROOT");
	return 0;
}

/* No root at all: what holds then is that no name is resolved but below this descriptor. */
static int stay(int rootfs_fd, uint32_t *level, struct oakum_error *err)
{
	cleanup_fd int fd = openat(rootfs_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fchdir(rootfs_fd) < 0)
		return fail(err, errno, "open rootfs", NULL);
	*level = OAKUM_LEVEL_OPENAT2;
	return steal_fd(&fd);
}

int root_switch(const struct root_request *request, uint32_t *level, uint32_t *walls,
	struct oakum_error *err)
{
	const uint32_t max_level = request->max_level;
	cleanup_fd int root_fd = -EPERM;
	int r;

	if (max_level == 0 || max_level >= OAKUM_LEVEL_DETACHED)
		root_fd = clone_mount(request);
	if (root_fd >= 0) {
		r = change_root(root_fd, err);
		if (r < 0)
			return r;
		*level = OAKUM_LEVEL_DETACHED;
		*walls |= OAKUM_WALL_ROOT | OAKUM_WALL_DETACHED;
		return steal_fd(&root_fd);
	}

	/* EPERM: no CAP_SYS_ADMIN, as in a container; ENOSYS: before Linux 5.12. */
	r = max_level == OAKUM_LEVEL_OPENAT2 ? fail(err, EPERM, "chroot", NULL)
					     : change_root(request->rootfs_fd, err);
	if (r == -EPERM && request->may_stay)
		return stay(request->rootfs_fd, level, err);
	if (r < 0)
		return r;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return fail(err, errno, "open the new root", NULL);
	*level = OAKUM_LEVEL_CHROOT;
	*walls |= OAKUM_WALL_ROOT;
	return steal_fd(&root_fd);
}
