/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/metadata.h"

#include "base/error.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SPECIAL_BITS = 07000 };

struct metadata metadata_of(const struct entry *entry, struct owner maker, bool is_plain)
{
	bool is_ours = entry->uid == maker.uid && entry->gid == maker.gid;

	return (struct metadata){
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.mtime_s = entry->mtime_s,
		.mtime_ns = entry->mtime_ns,
		.sets_owner = !is_plain || !is_ours,
		/* Set-id bits come last of all: a file that is half there never has them. */
		.sets_mode = !is_plain || (entry->mode & SPECIAL_BITS) != 0,
		.drops_acl = !is_plain,
		.xattrs = entry->xattrs,
		.xattr_count = entry->xattr_count,
	};
}

/* Reading a layer is no reading of its files: their atime is that of their making. */
static void times_of(const struct metadata *metadata, struct timespec times[2])
{
	times[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	times[1] = (struct timespec){
		.tv_sec = metadata->mtime_s,
		.tv_nsec = metadata->mtime_ns,
	};
}

static int fail_xattr(struct oakum_error *err, const char *path, const char *name)
{
	int code = errno;

	if (code == EPERM && strncmp(name, "trusted.", strlen("trusted.")) == 0)
		return fail_because(err, code, "setxattr", path,
			"%s: the unpacker has no right to trusted attributes", name);
	if (code == EOPNOTSUPP)
		return fail_because(err, code, "setxattr", path,
			"%s: the file system of the rootfs does not take it", name);
	return fail_because(err, code, "setxattr", path, "%s", name);
}

/*
 * An ACL without entries is none: the kernel then removes the attribute. Its
 * version 2 is little-endian (linux/posix_acl_xattr.h). It fails where the file
 * system has no ACLs, and then there is none to remove.
 */
static const struct xattr no_access_acl = { "system.posix_acl_access", "\2\0\0", 4 };
static const struct xattr no_default_acl = { "system.posix_acl_default", "\2\0\0", 4 };

static void drop_acl(int fd, const struct xattr *none)
{
	(void)fsetxattr(fd, none->name, none->value, none->value_bytes, 0);
}

int metadata_make_plain(int fd, struct owner maker, uint32_t mode)
{
	if (fchown(fd, maker.uid, maker.gid) < 0)
		return -errno;
	drop_acl(fd, &no_access_acl);
	drop_acl(fd, &no_default_acl);
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* Owner before xattrs and mode: chown(2) clears security.capability and set-id bits. */
int metadata_apply(
	const struct metadata *metadata, int fd, const char *path, struct oakum_error *err)
{
	struct timespec times[2];

	if (metadata->sets_owner && fchown(fd, metadata->uid, metadata->gid) < 0)
		return fail(err, errno, "fchown", path);
	if (metadata->drops_acl)
		drop_acl(fd, &no_access_acl);
	for (size_t i = 0; i < metadata->xattr_count; i++) {
		const struct xattr *xattr = &metadata->xattrs[i];
		if (fsetxattr(fd, xattr->name, xattr->value, xattr->value_bytes, 0) < 0)
			return fail_xattr(err, path, xattr->name);
	}
	if (metadata->sets_mode && fchmod(fd, metadata->mode) < 0)
		return fail(err, errno, "fchmod", path);
	times_of(metadata, times);
	if (futimens(fd, times) < 0)
		return fail(err, errno, "utimensat", path);
	return 0;
}

/* Before Linux 6.13 only by way of the working directory, which is nobody else's in this process.
 */
static int set_xattr_at(int directory_fd, const char *name, const struct xattr *xattr)
{
	if (sys_setxattrat(directory_fd, name, xattr->name, xattr->value, xattr->value_bytes) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	if (fchdir(directory_fd) < 0)
		return -1;
	return lsetxattr(name, xattr->name, xattr->value, xattr->value_bytes, 0);
}

int metadata_apply_at(const struct metadata *metadata, int directory_fd, const char *name,
	const struct entry *entry, struct oakum_error *err)
{
	struct timespec times[2];

	if (metadata->sets_owner &&
		fchownat(directory_fd, name, metadata->uid, metadata->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "fchownat", entry->path);
	if (metadata->drops_acl && entry->type != ENTRY_SYMLINK)
		(void)set_xattr_at(directory_fd, name, &no_access_acl);
	for (size_t i = 0; i < metadata->xattr_count; i++) {
		if (set_xattr_at(directory_fd, name, &metadata->xattrs[i]) < 0)
			return fail_xattr(err, entry->path, metadata->xattrs[i].name);
	}
	/* A chown takes set-id bits from devices and fifos too; symlinks have no mode. */
	if (metadata->sets_mode && entry->type != ENTRY_SYMLINK) {
		int r = sys_fchmodat2(directory_fd, name, metadata->mode, AT_SYMLINK_NOFOLLOW);
		if (r < 0 && errno == ENOSYS) /* before Linux 6.6 */
			r = fchmodat(directory_fd, name, metadata->mode, 0);
		if (r < 0)
			return fail(err, errno, "fchmodat", entry->path);
	}
	times_of(metadata, times);
	if (utimensat(directory_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "utimensat", entry->path);
	return 0;
}
