/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/metadata.h"

#include "base/error.h"
#include "base/sys.h"
#include "layer/text.h"
#include "layer/xattr_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	SPECIAL_BITS = 07000,
	SET_ID_BITS = 06000,
};

struct metadata metadata_of(const struct entry *entry, struct owner maker, bool is_plain)
{
	bool is_ours = entry->uid == maker.uid && entry->gid == maker.gid;

	return (struct metadata){
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.mtime_s = entry->mtime_s,
		.mtime_ns = entry->mtime_ns,
		.atime_s = entry->atime_s,
		.atime_ns = entry->atime_ns,
		.sets_mtime = !entry->sets_no_times,
		.sets_owner = (!is_plain || !is_ours) && !entry->sets_no_owner,
		/* Set-id bits come last of all: a file that is half there never has them. */
		.sets_mode = !is_plain || (entry->mode & SPECIAL_BITS) != 0 ||
			     entry->xattr_count > 0, /* an ACL among them changes it */
		.drops_acl = !is_plain,
		.xattrs = entry->xattrs,
		.xattr_count = entry->xattr_count,
	};
}

struct metadata metadata_by(const struct metadata_rules *rules, const struct entry *entry,
	struct owner maker, bool is_plain)
{
	struct metadata metadata = metadata_of(entry, maker, is_plain);

	metadata.rules = rules;
	if (rules == NULL)
		return metadata;
	metadata.sets_atime = entry->has_atime && !entry->sets_no_times;
	metadata.sets_owner &= !rules->leaves_owner;
	metadata.drops_acl = false;
	return metadata;
}

static void times_of(const struct metadata *metadata, struct timespec times[2])
{
	times[0] = (struct timespec){ .tv_sec = metadata->atime_s, .tv_nsec = metadata->atime_ns };
	times[1] = (struct timespec){ .tv_sec = metadata->mtime_s, .tv_nsec = metadata->mtime_ns };
	if (!metadata->sets_atime)
		times[0].tv_nsec = UTIME_OMIT;
	if (!metadata->sets_mtime)
		times[1].tv_nsec = UTIME_OMIT;
}

static const char *hint_of(int code)
{
	if (code == EINVAL)
		return "; the user namespace has no such id: --owner=0:0 needs none";
	return code == EPERM ? "; --ignore-chown-errors goes on without" : "";
}

/*
 * Of an owner that could not be set. Where that is forgiven the file is its maker's,
 * whose powers it shall not lend: *mode loses its set-id bits.
 */
static int fail_owner(const struct metadata *metadata, const char *op, const char *path,
	uint32_t *mode, struct oakum_error *err)
{
	const struct metadata_rules *rules = metadata->rules;

	if (metadata->forgiven != NULL && metadata->forgiven->owners) {
		atomic_fetch_add(&metadata->forgiven->unset_owners, 1);
		*mode &= ~(uint32_t)SET_ID_BITS;
		return 0;
	}

	fail_because(err, errno, op, path, "requested %" PRIu32 ":%" PRIu32 "%s", metadata->uid,
		metadata->gid, rules == NULL ? hint_of(errno) : "");
	if (rules == NULL || !rules->forgives_owner)
		return -err->code;
	rules->tell(rules->context, err);
	return 0;
}

static int fail_xattr(struct oakum_error *err, const char *path, const char *name)
{
	int code = errno;

	if (code == EPERM && string_starts_with(name, "trusted."))
		return fail_because(err, code, "setxattr", path,
			"%s: the unpacker has no right to trusted attributes", name);
	if (code == EOPNOTSUPP)
		return fail_because(err, code, "setxattr", path,
			"%s: the file system of the rootfs does not take it", name);
	return fail_because(err, code, "setxattr", path, "%s", name);
}

static bool is_needed(const struct metadata_rules *rules, const struct xattr *xattr)
{
	return rules->needed_xattr != NULL && strcmp(rules->needed_xattr, xattr->name) == 0;
}

/* The file loses nothing but a note: rights are in other namespaces, and are never lost. */
static bool is_lost(const struct metadata *metadata, const struct xattr *xattr, int code)
{
	if (code != -EOPNOTSUPP || metadata->rules != NULL || metadata->forgiven == NULL ||
		!string_starts_with(xattr->name, "user."))
		return false;
	atomic_fetch_add(&metadata->forgiven->lost_xattrs, 1);
	return true;
}

/* Whether it is forgiven is said by containers/storage: what no file system takes is left out. */
static int fail_or_tell_xattr(const struct metadata *metadata, const char *path,
	const struct xattr *xattr, struct oakum_error *err)
{
	const struct metadata_rules *rules = metadata->rules;
	int r = fail_xattr(err, path, xattr->name);

	if (is_lost(metadata, xattr, r))
		return 0;
	bool is_forgiven = rules != NULL && !is_needed(rules, xattr) &&
			   (r == -EOPNOTSUPP || (r == -EPERM && rules->is_in_user_namespace));

	if (!is_forgiven)
		return r;
	rules->tell(rules->context, err);
	return 0;
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

static int set_xattrs(
	const struct metadata *metadata, int fd, const char *path, struct oakum_error *err)
{
	for (size_t i = 0; i < metadata->xattr_count; i++) {
		const struct xattr *xattr = &metadata->xattrs[i];
		if (fsetxattr(fd, xattr->name, xattr->value, xattr->value_bytes, 0) == 0)
			continue;
		int r = fail_or_tell_xattr(metadata, path, xattr, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_xattr(const struct metadata *metadata, const char *name)
{
	for (size_t i = 0; i < metadata->xattr_count; i++) {
		if (strcmp(metadata->xattrs[i].name, name) == 0)
			return true;
	}
	return false;
}

/*
 * A file system without attributes has none to remove. Not inlined: its list is for the
 * stack of one call in many.
 */
static __attribute__((noinline)) int remove_other_xattrs(
	const struct metadata *metadata, int fd, const char *path, struct oakum_error *err)
{
	char names[XATTR_LIST_MAX];
	ssize_t length = flistxattr(fd, names, sizeof(names));

	if (length < 0)
		return errno == EOPNOTSUPP ? 0 : fail(err, errno, "flistxattr", path);
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		if (has_xattr(metadata, name) || !xattr_is_of_layers(name))
			continue;
		if (fremovexattr(fd, name) < 0 && errno != ENODATA)
			return fail_because(err, errno, "removexattr", path, "%s", name);
	}
	return 0;
}

/*
 * Owner before xattrs and mode: chown(2) clears security.capability and set-id
 * bits. By other rules the mode comes before the attributes: an ACL among them
 * then has the last word.
 */
int metadata_apply(
	const struct metadata *metadata, int fd, const char *path, struct oakum_error *err)
{
	struct timespec times[2];
	uint32_t mode = metadata->mode;
	int r = 0;

	if (metadata->sets_owner && fchown(fd, metadata->uid, metadata->gid) < 0)
		r = fail_owner(metadata, "fchown", path, &mode, err);
	if (r < 0)
		return r;
	if (metadata->drops_acl)
		drop_acl(fd, &no_access_acl);
	if (metadata->replaces_xattrs)
		r = remove_other_xattrs(metadata, fd, path, err);
	if (r == 0 && metadata->rules == NULL)
		r = set_xattrs(metadata, fd, path, err);
	if (r == 0 && metadata->sets_mode && fchmod(fd, mode) < 0)
		r = fail(err, errno, "fchmod", path);
	if (r == 0 && metadata->rules != NULL)
		r = set_xattrs(metadata, fd, path, err);
	if (r < 0)
		return r;
	if (!metadata->sets_atime && !metadata->sets_mtime)
		return 0;
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

static int set_xattrs_at(const struct metadata *metadata, int directory_fd, const char *name,
	const struct entry *entry, struct oakum_error *err)
{
	for (size_t i = 0; i < metadata->xattr_count; i++) {
		const struct xattr *xattr = &metadata->xattrs[i];
		if (set_xattr_at(directory_fd, name, xattr) == 0)
			continue;
		int r = fail_or_tell_xattr(metadata, entry->path, xattr, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A chown takes set-id bits from devices and fifos too; symlinks have no mode. */
static int set_mode_at(int directory_fd, const char *name, uint32_t mode, const char *path,
	struct oakum_error *err)
{
	int r = sys_fchmodat2(directory_fd, name, mode, AT_SYMLINK_NOFOLLOW);

	if (r < 0 && errno == ENOSYS) /* before Linux 6.6 */
		r = fchmodat(directory_fd, name, mode, 0);
	return r < 0 ? fail(err, errno, "fchmodat", path) : 0;
}

int metadata_apply_at(const struct metadata *metadata, int directory_fd, const char *name,
	const struct entry *entry, struct oakum_error *err)
{
	const bool sets_mode = metadata->sets_mode && entry->type != ENTRY_SYMLINK;
	struct timespec times[2];
	uint32_t mode = metadata->mode;
	int r = 0;

	if (metadata->sets_owner &&
		fchownat(directory_fd, name, metadata->uid, metadata->gid, AT_SYMLINK_NOFOLLOW) < 0)
		r = fail_owner(metadata, "fchownat", entry->path, &mode, err);
	if (r < 0)
		return r;
	if (metadata->drops_acl && entry->type != ENTRY_SYMLINK)
		(void)set_xattr_at(directory_fd, name, &no_access_acl);
	if (metadata->rules == NULL)
		r = set_xattrs_at(metadata, directory_fd, name, entry, err);
	if (r == 0 && sets_mode)
		r = set_mode_at(directory_fd, name, mode, entry->path, err);
	if (r == 0 && metadata->rules != NULL)
		r = set_xattrs_at(metadata, directory_fd, name, entry, err);
	if (r < 0)
		return r;
	if (!metadata->sets_atime && !metadata->sets_mtime)
		return 0;
	times_of(metadata, times);
	if (utimensat(directory_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "utimensat", entry->path);
	return 0;
}
