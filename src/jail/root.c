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
static int clone_mount(int rootfs_fd)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	cleanup_fd int tree_fd =
		sys_open_tree(rootfs_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree_fd < 0)
		return -errno;
	if (sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attributes) < 0)
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

int root_switch(int rootfs_fd, uint32_t max_level, uint32_t *level, uint32_t *walls,
	struct oakum_error *err)
{
	cleanup_fd int root_fd = -EPERM;
	int r;

	if (max_level == 0 || max_level >= OAKUM_LEVEL_DETACHED)
		root_fd = clone_mount(rootfs_fd);
	if (root_fd >= 0) {
		r = change_root(root_fd, err);
		if (r < 0)
			return r;
		*level = OAKUM_LEVEL_DETACHED;
		*walls |= OAKUM_WALL_ROOT | OAKUM_WALL_DETACHED;
		return steal_fd(&root_fd);
	}

	/* EPERM: no CAP_SYS_ADMIN, as in a container; ENOSYS: before Linux 5.12. */
	r = change_root(rootfs_fd, err);
	if (r < 0)
		return r;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return fail(err, errno, "open the new root", NULL);
	*level = OAKUM_LEVEL_CHROOT;
	*walls |= OAKUM_WALL_ROOT;
	return steal_fd(&root_fd);
}
