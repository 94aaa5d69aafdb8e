/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hint.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ANY_STAGE = 0 };

/*
 * The first row that fits counts. op NULL is any operation. about NULL is an error without a
 * story; "" is one whose story is a name and no more; any other: the story begins so.
 */
static const struct {
	int code;
	uint32_t stage; /* enum oakum_stage, or any */
	const char *op;
	const char *about;
	const char *hint;
} hints[] = {
	/* Extended attributes: their story is their name. */
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, "setxattr",
		"security.capability:", "--no-suid leaves file capabilities out" },
	{ EPERM, OAKUM_STAGE_WRITE, "setxattr", "security.capability",
		"it needs CAP_SETFCAP; --no-suid leaves file capabilities out" },
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, "setxattr", "system.posix_acl_",
		"mount it with ACLs, or take one that has them" },
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, "setxattr", "security.",
		"--labels=drop leaves labels out" },
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, "setxattr", "trusted.", "--labels=drop leaves them out" },
	{ EPERM, OAKUM_STAGE_WRITE, "setxattr", "security.", "--labels=drop leaves labels out" },
	{ EPERM, OAKUM_STAGE_WRITE, "setxattr", "trusted.", "--labels=drop leaves them out" },
	{ EPERM, OAKUM_STAGE_WRITE, "setxattr", "user.",
		"the kernel takes them on files and directories only" },
	{ ENOSPC, OAKUM_STAGE_WRITE, "setxattr", "",
		"file systems have little room for attributes: ext4 a block for a file, unless "
		"made "
		"with -O ea_inode" },
	{ E2BIG, OAKUM_STAGE_WRITE, "setxattr", "", "the file system takes no value so large" },
	{ ERANGE, OAKUM_STAGE_WRITE, "setxattr", "", "the file system takes no name so long" },
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, "mark opaque", "user.",
		"ext4, xfs, btrfs, and tmpfs of Linux 6.6 take it, unless mounted with "
		"nouser_xattr" },
	{ EPERM, OAKUM_STAGE_WRITE, "mark opaque", "trusted.",
		"--whiteouts=overlay-userxattr needs no right to it" },

	/* No room. Where it is known by now which, the error says so already. */
	{ ENOSPC, OAKUM_STAGE_WRITE, NULL, NULL,
		"see df and df -i of the rootfs; if both have room, it is a quota of a project, or "
		"a "
		"directory that can have no more names" },
	{ EDQUOT, OAKUM_STAGE_WRITE, NULL, NULL,
		"the quota of the entry's owner, its group, the project or the subvolume is used "
		"up: see quota(1), or btrfs-qgroup(8)" },
	{ EFBIG, OAKUM_STAGE_WRITE, NULL, NULL,
		"it is larger than ulimit -f allows, or than the file system can have: 4 GiB on "
		"FAT" },
	{ EMLINK, OAKUM_STAGE_WRITE, NULL, NULL,
		"the file system has no more links for it: 65000 on ext4" },

	/* No right. */
	{ EROFS, OAKUM_STAGE_WRITE, NULL, NULL,
		"mount it read-write; a file system that met errors is read-only since: see "
		"dmesg" },
	{ EPERM, OAKUM_STAGE_WRITE, NULL, NULL,
		"it, or its directory, may be immutable or append-only: see lsattr; chattr -i -a "
		"takes that off" },
	{ EACCES, OAKUM_STAGE_WRITE, NULL, NULL,
		"its directory is of an id that is not mapped, or SELinux, AppArmor or a file "
		"server "
		"(root_squash) forbids it" },
	{ EACCES, OAKUM_STAGE_SETUP, "execveat", "oakum",
		"is it on a file system that is mounted noexec?" },
	{ EOVERFLOW, OAKUM_STAGE_WRITE, NULL, NULL,
		"its owner has no id in this user namespace, or in this mount" },
	{ ENOKEY, OAKUM_STAGE_WRITE, NULL, NULL,
		"the directory is encrypted, and its key is not there: unlock it" },

	/* What the file system has no notion of. */
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, "mknodat", NULL,
		"the file system has no devices or fifos; --devices=skip leaves devices out" },
	{ EOPNOTSUPP, OAKUM_STAGE_WRITE, NULL, NULL, "the file system of the rootfs cannot do it" },
	{ ENAMETOOLONG, OAKUM_STAGE_WRITE, NULL, NULL,
		"the file system takes no name so long: 255 bytes are usual, 143 where names are "
		"encrypted" },
	{ EILSEQ, OAKUM_STAGE_WRITE, NULL, NULL, "the file system takes names in UTF-8 only" },
	{ EINVAL, OAKUM_STAGE_WRITE, "openat", NULL, "the file system takes no such name" },
	{ EINVAL, OAKUM_STAGE_WRITE, "mkdirat", NULL, "the file system takes no such name" },

	/* Somebody else was there. */
	{ EXDEV, OAKUM_STAGE_WRITE, NULL, NULL,
		"something is mounted below the rootfs, and no link leads into it: unmount it" },
	{ EBUSY, OAKUM_STAGE_WRITE, NULL, NULL, "something is mounted there: unmount it" },
	{ ETXTBSY, OAKUM_STAGE_WRITE, NULL, NULL, "it is a program that runs, or swap space" },
	{ ENOENT, OAKUM_STAGE_WRITE, NULL, NULL, "somebody else removes what is unpacked" },
	{ EEXIST, OAKUM_STAGE_WRITE, NULL, NULL, "somebody else puts files into the rootfs" },
	{ ENOTEMPTY, OAKUM_STAGE_WRITE, NULL, NULL, "somebody else puts files into the rootfs" },
	{ ELOOP, OAKUM_STAGE_WRITE, NULL, NULL,
		"somebody else puts symlinks where directories were" },

	/* Broken things. */
	{ EIO, OAKUM_STAGE_WRITE, NULL, NULL, "the disk failed: see dmesg" },
	{ EUCLEAN, OAKUM_STAGE_WRITE, NULL, NULL,
		"the file system is damaged: unmount it, and run fsck" },
	{ ENODEV, OAKUM_STAGE_WRITE, NULL, NULL, "the disk is gone: see dmesg" },
	{ ENXIO, OAKUM_STAGE_WRITE, NULL, NULL, "the disk is gone: see dmesg" },
	{ ESTALE, OAKUM_STAGE_WRITE, NULL, NULL,
		"the file server has lost it: mount the rootfs anew" },
	{ ENOTCONN, OAKUM_STAGE_WRITE, NULL, NULL,
		"what serves the file system has ended: mount the rootfs anew" },

	/* Limits of the system. */
	{ EMFILE, ANY_STAGE, NULL, NULL, "raise ulimit -n: too few files may be open" },
	{ ENFILE, ANY_STAGE, NULL, NULL,
		"raise the sysctl fs.file-max: too few files may be open" },
	{ ENOMEM, ANY_STAGE, NULL, NULL,
		"see ulimit -v and the memory limit of the cgroup, if there is memory" },
	{ EAGAIN, OAKUM_STAGE_SETUP, NULL, NULL,
		"see ulimit -u and pids.max of the cgroup: no more processes may be started" },
	{ ENOSPC, OAKUM_STAGE_SETUP, "clone", NULL, "see the sysctl user.max_pid_namespaces" },
	{ ENOSYS, ANY_STAGE, NULL, NULL,
		"the kernel is older than Linux 5.6, or a filter of system calls forbids it" },
	{ ENOENT, OAKUM_STAGE_SETUP, "mkdir", NULL, "its parent has to be there" },
	{ ENOSPC, OAKUM_STAGE_SETUP, "mkdir", NULL, "see df and df -i of where it is to be" },
	{ EDQUOT, OAKUM_STAGE_SETUP, "mkdir", NULL,
		"your quota, or that of the subvolume, is used up: see quota(1), or "
		"btrfs-qgroup(8)" },
	{ EROFS, OAKUM_STAGE_SETUP, "mkdir", NULL, "mount what it is on read-write" },
	{ ENOSPC, OAKUM_STAGE_SETUP, "make directory beside target", NULL,
		"see df and df -i of where it is to be" },
	{ EROFS, OAKUM_STAGE_SETUP, "make directory beside target", NULL,
		"mount what it is on read-write" },
	{ EDQUOT, OAKUM_STAGE_SETUP, "make directory beside target", NULL,
		"the quota of its owner or of the subvolume is used up: see quota(1), or "
		"btrfs-qgroup(8)" },

	/* What results are written to: of the rootfs were the rows above. */
	{ ENOSPC, ANY_STAGE, "write", NULL, "what it is written to is full: see df" },
	{ EDQUOT, ANY_STAGE, "write", NULL, "the quota of its owner is used up: see quota(1)" },
	{ EFBIG, ANY_STAGE, "write", NULL,
		"it is larger than ulimit -f allows, or than the file system can have" },
	{ EIO, ANY_STAGE, "write", NULL, "the disk failed: see dmesg" },
};

static bool is_about(const char *detail, const char *about)
{
	if (about == NULL || *detail == '\0')
		return about == NULL && *detail == '\0';
	if (*about == '\0')
		return strchr(detail, ' ') == NULL;
	return strncmp(detail, about, strlen(about)) == 0;
}

const char *hint_find(const struct oakum_error *err)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (hints[i].code == err->code &&
			(hints[i].stage == ANY_STAGE || hints[i].stage == err->stage) &&
			(hints[i].op == NULL || strcmp(hints[i].op, err->op) == 0) &&
			is_about(err->detail, hints[i].about))
			return hints[i].hint;
	}
	return NULL;
}

void hint_add(struct oakum_error *err, const char *hint)
{
	size_t used = strlen(err->detail);

	snprintf(err->detail + used, sizeof(err->detail) - used, "%s%s", used == 0 ? "" : "; ",
		hint);
}
