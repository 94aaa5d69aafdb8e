/* SPDX-License-Identifier: Apache-2.0 */
#include "jail/root.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
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

/*
 * For kernels that have no mount_setattr(2): the rootfs, mounted on itself in a mount namespace
 * of its own, where nobody else sees it. It is the working directory then; its descriptor or
 * -errno. A descriptor from before is of the namespace of before, but where one works that goes
 * along.
 */
static int enter_mount_namespace(const struct root_request *request)
{
	const unsigned int flags = request->has_submounts ? AT_RECURSIVE : 0;

	if (fchdir(request->rootfs_fd) < 0 || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	cleanup_fd int tree_fd =
		sys_open_tree(AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
	if (tree_fd < 0 ||
		sys_move_mount(tree_fd, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
		fchdir(tree_fd) < 0)
		return -errno;
	return steal_fd(&tree_fd);
}

/* Attributes that are there already stay: in a user namespace they may be locked. */
static int restrict_mount(unsigned long attributes)
{
	static const struct {
		unsigned long found;
		unsigned long kept;
	} present[] = {
		{ ST_RDONLY, MS_RDONLY },
		{ ST_NOSUID, MS_NOSUID },
		{ ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },
	};
	struct statvfs now;

	if (statvfs(".", &now) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(present) / sizeof(present[0]); i++) {
		if ((now.f_flag & present[i].found) != 0)
			attributes |= present[i].kept;
	}
	return mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | attributes, NULL);
}

/* The old root is stacked on the new one, for which no directory is made, and comes off. */
static int pivot(const struct root_request *request, struct oakum_error *err)
{
	const unsigned long attributes =
		MS_NOSUID | MS_NODEV | MS_NOEXEC | (request->is_read_only ? MS_RDONLY : 0);

	if (sys_pivot_root(".", ".") < 0)
		return fail(err, errno, "pivot_root", NULL);
	if (umount2(".", MNT_DETACH) < 0)
		return fail(err, errno, "umount", NULL);
	if (restrict_mount(attributes) < 0)
		return fail(err, errno, "remount", NULL);
	return chdir("/") < 0 ? fail(err, errno, "chdir", NULL) : 0;
}

/* chroot(2) alone is no wall: what holds at this level is said in oakum_level. */
static int change_root(int directory_fd, struct oakum_error *err)
{
	if (fchdir(directory_fd) < 0)
		return fail_because(err, errno, "fchdir", NULL, "the rootfs cannot be entered");
	if (chroot(".") < 0)
		return fail_because(err, errno, "chroot", NULL,
			"no wall round the rootfs can be had: run as root, or with CAP_SYS_CHROOT, "
			"or "
			"accept less: --min-level=1");
	return 0;
}

static int open_new_root(struct oakum_error *err)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open the new root", NULL) : fd;
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

/* How high it may be, and a test can ask for less. */
static bool may_be(const struct root_request *request, uint32_t level)
{
	return request->max_level == 0 || request->max_level >= level;
}

/* The two whose root has nothing above it: a descriptor, -errno where neither can be had. */
static int switch_mount(const struct root_request *request, uint32_t *level, uint32_t *walls,
	struct oakum_error *err)
{
	cleanup_fd int root_fd = -ENOSYS;

	if (may_be(request, OAKUM_LEVEL_DETACHED))
		root_fd = clone_mount(request);
	if (root_fd >= 0) {
		*level = OAKUM_LEVEL_DETACHED;
		*walls |= OAKUM_WALL_ROOT | OAKUM_WALL_DETACHED;
		return change_root(root_fd, err) < 0 ? -err->code : steal_fd(&root_fd);
	}
	if (root_fd != -ENOSYS || !may_be(request, OAKUM_LEVEL_PIVOTED))
		return fail(err, -root_fd, "open_tree", NULL);
	cleanup_fd int mount_fd = enter_mount_namespace(request);
	if (mount_fd < 0)
		return fail(err, -mount_fd, "enter a mount namespace", NULL);
	*level = OAKUM_LEVEL_PIVOTED;
	*walls |= OAKUM_WALL_ROOT | OAKUM_WALL_MOUNT_NAMESPACE;
	return pivot(request, err) < 0 ? -err->code : open_new_root(err);
}

int root_switch(const struct root_request *request, uint32_t *level, uint32_t *walls,
	struct oakum_error *err)
{
	*level = 0;
	int r = switch_mount(request, level, walls, err);

	/* Half of a switch is an error; none is not. */
	if (r >= 0 || *level != 0)
		return r;
	/* EPERM: no CAP_SYS_ADMIN, as in a container. */
	r = may_be(request, OAKUM_LEVEL_CHROOT) ? change_root(request->rootfs_fd, err)
						: fail(err, EPERM, "chroot", NULL);
	if (r == -EPERM && request->may_stay)
		return stay(request->rootfs_fd, level, err);
	if (r < 0)
		return r;
	*level = OAKUM_LEVEL_CHROOT;
	*walls |= OAKUM_WALL_ROOT;
	return open_new_root(err);
}
