/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory beside the target, which takes its place when all went well. Its name is made of the
 * target's, so that whoever comes next finds what an interrupted run has left, and a lock on it
 * tells the two apart. What a layer has put there is removed by a confined unpacker like any other
 * tree: this process looks at no name in it.
 */
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/hint.h"
#include "wire/request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum {
	OUTER_MODE = 0700,
	ROOTFS_MODE = 0755,
	KEPT_NAME_BYTES = 200, /* of a target's name that is too long for a prefix before it */
	LOCK_TRIES = 10,       /* a process that was killed holds its lock for a moment */
	LOCK_TRY_MS = 10,
	OUTER_TRIES = 8, /* its last user may remove it again and again */
	BLOCK_BYTES = 512,
	LAYER_BYTES = 3 * BLOCK_BYTES,
	CHECKSUM_AT = 148,
	CHECKSUM_BYTES = 8,
};

static const char inner_name[] = "rootfs";

struct oakum_atomic {
	int parent_fd;
	int outer_fd; /* locked: private, and in it is the rootfs alone */
	int rootfs_fd;
	char outer_name[NAME_MAX + 1];
	char name[NAME_MAX + 1];
	struct oakum_unpack_options options;
};

static void free_atomic(struct oakum_atomic *atomic)
{
	close_fd(&atomic->parent_fd);
	close_fd(&atomic->outer_fd);
	close_fd(&atomic->rootfs_fd);
	free(atomic);
}

/* --- the target --- */

static bool is_mount(int fd)
{
	struct statx status;

	return statx(fd, "", AT_EMPTY_PATH, 0, &status) == 0 &&
	       (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* 1, 0 or -errno. */
static int is_empty(int directory_fd)
{
	_Alignas(struct dirent64) char batch[1024];
	cleanup_fd int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	while ((length = getdents64(fd, batch, sizeof(batch))) > 0) {
		for (ssize_t at = 0; at < length;) {
			const struct dirent64 *entry =
				(const struct dirent64 *)(void *)(batch + at);
			at += entry->d_reclen;
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				return 0;
		}
	}
	return length < 0 ? -errno : 1;
}

static int fail_target(struct oakum_error *err, int code)
{
	switch (code) {
	case ENOTDIR:
	case ELOOP:
		return fail_because(err, ENOTDIR, "check target", NULL,
			"what has its name is no directory; a symlink is not followed");
	case ENOTEMPTY:
	case EEXIST:
		return fail_because(err, ENOTEMPTY, "check target", NULL,
			"what is in it would be lost: only an empty directory is replaced");
	case EBUSY:
		return fail_because(err, EBUSY, "check target", NULL,
			"something is mounted there, and a mount cannot be replaced");
	default:
		return fail(err, code, "check target", NULL);
	}
}

/* 1 with the status of the directory that is there, 0 if nothing is, or -errno. */
static int check_target(
	int parent_fd, const char *name, struct stat *status, struct oakum_error *err)
{
	cleanup_fd int fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, status) < 0)
		return fail_target(err, errno);
	if (is_mount(fd))
		return fail_target(err, EBUSY);
	int r = is_empty(fd);
	if (r <= 0)
		return fail_target(err, r == 0 ? ENOTEMPTY : -r);
	return 1;
}

static int check_name(const char *name, struct oakum_error *err)
{
	if (*name == '\0' || strlen(name) > NAME_MAX || strchr(name, '/') != NULL ||
		strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail_because(err, EINVAL, "check target", NULL,
			"it needs a name of its own, which something else can take over");
	return 0;
}

/* --- what is beside it --- */

static void name_outer(struct oakum_atomic *atomic)
{
	const char *name = atomic->name;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	int taken = snprintf(atomic->outer_name, sizeof(atomic->outer_name), ".oakum-%s", name);

	if (taken < (int)sizeof(atomic->outer_name))
		return;
	for (const char *at = name; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	snprintf(atomic->outer_name, sizeof(atomic->outer_name), ".oakum-%.*s-%016" PRIx64,
		(int)KEPT_NAME_BYTES, name, hash);
}

static int lock_outer(int fd, struct oakum_error *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_TRY_MS * 1000000L };

	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			return fail_because(err, errno, "lock directory beside target", NULL,
				"without locks nobody knows whether it is in use");
		if (tries >= LOCK_TRIES)
			return fail_because(err, EBUSY, "lock directory beside target", NULL,
				"another unpack into the same target is under way");
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* Nobody else may have put things into it, or be about to. */
static int check_outer(const char *name, int fd, struct stat *status, struct oakum_error *err)
{
	if (fstat(fd, status) < 0)
		return fail(err, errno, "fstat", NULL);
	if (status->st_uid != geteuid() || (status->st_mode & 077) != 0)
		return fail_because(err, EACCES, "check directory beside target", NULL,
			"%s is another user's, or open to others", name);
	return 0;
}

/* 1; 0 if whoever had it before has removed it meanwhile; or -errno. */
static int try_outer(struct oakum_atomic *atomic, struct oakum_error *err)
{
	struct stat status;
	struct stat named;

	if (mkdirat(atomic->parent_fd, atomic->outer_name, OUTER_MODE) < 0 && errno != EEXIST)
		return fail(err, errno, "make directory beside target", NULL);
	cleanup_fd int fd = openat(atomic->parent_fd, atomic->outer_name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "open directory beside target", NULL);
	int r = check_outer(atomic->outer_name, fd, &status, err);
	if (r == 0)
		r = lock_outer(fd, err);
	if (r < 0)
		return r;
	if (fstatat(atomic->parent_fd, atomic->outer_name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
		named.st_dev != status.st_dev || named.st_ino != status.st_ino)
		return 0;
	atomic->outer_fd = steal_fd(&fd);
	return 1;
}

static int open_outer(struct oakum_atomic *atomic, struct oakum_error *err)
{
	int r = 0;

	for (int tries = 0; r == 0 && tries < OUTER_TRIES; tries++)
		r = try_outer(atomic, err);
	if (r == 0)
		return fail_because(err, EBUSY, "lock directory beside target", NULL,
			"other unpacks into the same target come and go");
	return r < 0 ? r : 0;
}

/* --- what was unpacked --- */

/* A layer with one entry: an opaque marker of the rootfs, which hides all that is in it. */
static void write_hiding_layer(char layer[LAYER_BYTES])
{
	unsigned int sum = 0;

	memset(layer, 0, LAYER_BYTES);
	memcpy(layer, ".wh..wh..opq", 12);
	memcpy(layer + 100, "0000644\0000000000\0000000000\00000000000000\00000000000000", 47);
	memset(layer + CHECKSUM_AT, ' ', CHECKSUM_BYTES);
	memcpy(layer + 156, "0", 1);
	memcpy(layer + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		sum += (unsigned char)layer[i];
	snprintf(layer + CHECKSUM_AT, CHECKSUM_BYTES, "%06o", sum);
}

/* With the rights and walls of the unpack that has filled it, or will. */
static struct oakum_unpack_options emptying_options(const struct oakum_unpack_options *asked)
{
	struct oakum_unpack_options options = {
		.size = sizeof(options),
		.min_level = asked->min_level,
		.user_namespace = asked->user_namespace,
		.uid_map = asked->uid_map,
		.gid_map = asked->gid_map,
		.timeout_ms = asked->timeout_ms,
		.owners = OAKUM_OWNERS_SQUASH, /* the marker's owner is an id that there is */
	};

	if (asked->uid_map != NULL)
		options.squash_uid = asked->uid_map[0].container;
	if (asked->gid_map != NULL)
		options.squash_gid = asked->gid_map[0].container;
	return options;
}

static int empty(const struct oakum_atomic *atomic, int rootfs_fd, struct oakum_error *err)
{
	const struct oakum_unpack_options options = emptying_options(&atomic->options);
	char layer[LAYER_BYTES];
	struct pipe_pair pipe;
	int r = fd_pipe(&pipe, (int)sizeof(layer));

	if (r < 0)
		return fail(err, -r, "pipe", NULL);
	cleanup_fd int read_fd = pipe.read_fd;
	write_hiding_layer(layer);
	r = fd_write_all(pipe.write_fd, layer, sizeof(layer));
	close(pipe.write_fd);
	if (r < 0)
		return fail(err, -r, "write", NULL);
	return oakum_unpack(read_fd, rootfs_fd, &options, NULL, err);
}

/* The rootfs, if there is one, with all that is in it. */
static int remove_inner(const struct oakum_atomic *atomic, struct oakum_error *err)
{
	if (unlinkat(atomic->outer_fd, inner_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	cleanup_fd int fd =
		openat(atomic->outer_fd, inner_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open what was left", NULL);
	int r = empty(atomic, fd, err);
	if (r == 0 && unlinkat(atomic->outer_fd, inner_name, AT_REMOVEDIR) < 0)
		r = fail(err, errno, "remove", NULL);
	return r;
}

/* Of an interrupted run. */
static int remove_left(const struct oakum_atomic *atomic, struct oakum_error *err)
{
	int r = remove_inner(atomic, err);
	size_t used;

	if (r == 0)
		return 0;
	used = strlen(err->detail);
	snprintf(err->detail + used, sizeof(err->detail) - used,
		"%san interrupted run has left %s, which has to be removed first",
		used == 0 ? "" : "; ", atomic->outer_name);
	return r;
}

/* Whatever the umask is; what set-gid parents hand down stays. */
static int set_mode(int fd, const struct stat *replaced, struct oakum_error *err)
{
	struct stat status;
	mode_t mode = replaced == NULL ? ROOTFS_MODE : replaced->st_mode & 07777;

	if (fstat(fd, &status) < 0)
		return fail(err, errno, "fstat", NULL);
	if (replaced != NULL &&
		(status.st_uid != replaced->st_uid || status.st_gid != replaced->st_gid) &&
		fchown(fd, replaced->st_uid, replaced->st_gid) < 0)
		return fail_because(err, errno, "chown", NULL,
			"the directory that is there belongs to another, as the new one would");
	if (replaced == NULL)
		mode |= status.st_mode & S_ISGID;
	if ((status.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return fail(err, errno, "chmod", NULL);
	return 0;
}

static int make_inner(
	struct oakum_atomic *atomic, const struct stat *replaced, struct oakum_error *err)
{
	int r = remove_left(atomic, err);

	if (r < 0)
		return r;
	if (mkdirat(atomic->outer_fd, inner_name, ROOTFS_MODE) < 0)
		return fail(err, errno, "make rootfs beside target", NULL);
	atomic->rootfs_fd = openat(
		atomic->outer_fd, inner_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (atomic->rootfs_fd < 0)
		return fail(err, errno, "open rootfs beside target", NULL);
	return set_mode(atomic->rootfs_fd, replaced, err);
}

static void remove_outer(const struct oakum_atomic *atomic)
{
	(void)unlinkat(atomic->parent_fd, atomic->outer_name, AT_REMOVEDIR);
}

static int begin(struct oakum_atomic *atomic, struct oakum_error *err)
{
	struct stat replaced;
	int is_there = check_target(atomic->parent_fd, atomic->name, &replaced, err);

	name_outer(atomic);
	/* A run that was killed right behind its rename. No other can end well into this target. */
	if (is_there == -ENOTEMPTY)
		remove_outer(atomic);
	if (is_there < 0)
		return is_there;
	int r = open_outer(atomic, err);
	if (r < 0)
		return r;
	/* Again, now that no other unpack may take the name: one may just have done so. */
	is_there = check_target(atomic->parent_fd, atomic->name, &replaced, err);
	r = is_there < 0 ? is_there : make_inner(atomic, is_there > 0 ? &replaced : NULL, err);
	if (r < 0 && atomic->rootfs_fd >= 0)
		(void)unlinkat(atomic->outer_fd, inner_name, AT_REMOVEDIR);
	if (r < 0)
		remove_outer(atomic);
	return r;
}

/* With what to do about it, as of every other error. */
static int tell(int r, enum oakum_stage stage, struct oakum_error *err)
{
	if (staged(r, stage, err) < 0) {
		const char *hint = hint_find(err);
		if (hint != NULL)
			hint_add(err, hint);
	}
	return r;
}

int oakum_atomic_begin(int parent_fd, const char *name, const struct oakum_unpack_options *options,
	struct oakum_atomic **atomic, struct oakum_error *err)
{
	cleanup_cancel int cancel_state = cancel_forbid();
	struct oakum_atomic *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return staged(fail(err, ENOMEM, "begin", NULL), OAKUM_STAGE_SETUP, err);
	new->outer_fd = -1;
	new->rootfs_fd = -1;
	new->parent_fd = fcntl(parent_fd, F_DUPFD_CLOEXEC, FD_HIGH);
	int r = new->parent_fd < 0 ? fail(err, errno, "check parent", NULL) : 0;
	if (r == 0)
		r = check_name(name, err);
	if (r == 0)
		r = request_copy_options(options, &new->options, err);
	if (r == 0) {
		snprintf(new->name, sizeof(new->name), "%s", name);
		r = begin(new, err);
	}
	if (r < 0) {
		free_atomic(new);
		return tell(r, OAKUM_STAGE_SETUP, err);
	}
	*atomic = new;
	return 0;
}

int oakum_atomic_rootfs_fd(const struct oakum_atomic *atomic)
{
	return atomic->rootfs_fd;
}

/* --- its end --- */

static int rename_inner(const struct oakum_atomic *atomic)
{
	return renameat(atomic->outer_fd, inner_name, atomic->parent_fd, atomic->name) < 0 ? -errno
											   : 0;
}

/*
 * A caller without root needs the right to write to a directory that it moves, for its ".."
 * changes: layers of some distributions have a rootfs of mode 0555. 1 where it is in its place,
 * and could not be made as it was.
 */
static int rename_unwritable(const struct oakum_atomic *atomic)
{
	struct stat status;

	if (fstat(atomic->rootfs_fd, &status) < 0 || (status.st_mode & S_IWUSR) != 0 ||
		fchmod(atomic->rootfs_fd, (status.st_mode & 07777) | S_IWUSR) < 0)
		return -EACCES;
	int r = rename_inner(atomic);
	if (fchmod(atomic->rootfs_fd, status.st_mode & 07777) < 0 && r == 0)
		return 1;
	if (r == 0 && atomic->options.sync != OAKUM_SYNC_NONE && fsync(atomic->rootfs_fd) < 0)
		return 1;
	return r;
}

static int take_place(const struct oakum_atomic *atomic, struct oakum_error *err)
{
	const bool is_durable = atomic->options.sync != OAKUM_SYNC_NONE;
	/* Before the rename: afterwards nothing should be left that can fail. */
	cleanup_fd int parent_fd =
		is_durable ? openat(atomic->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			   : -1;

	if (is_durable && parent_fd < 0)
		return fail(err, errno, "open parent of target", NULL);
	int r = rename_inner(atomic);
	if (r == -EACCES)
		r = rename_unwritable(atomic);
	if (r == -ENOTEMPTY || r == -EEXIST || r == -ENOTDIR || r == -EBUSY)
		return fail_target(err, -r);
	if (r == -EACCES)
		return fail_because(err, EACCES, "rename to target", NULL,
			"the layer gives the rootfs to another id than the caller's, and who does "
			"not own a directory cannot move it");
	if (r < 0)
		return fail(err, -r, "rename to target", NULL);
	remove_outer(atomic);
	if (r > 0)
		return fail_because(err, EIO, "chmod target", NULL,
			"it is in its place, and its owner may write to it");
	if (is_durable && fsync(parent_fd) < 0)
		return fail_because(err, errno, "fsync parent of target", NULL,
			"it is in its place, and may not be there after a power cut");
	return 0;
}

static int discard(struct oakum_atomic *atomic, struct oakum_error *err)
{
	int r = remove_inner(atomic, err);

	if (r == 0)
		remove_outer(atomic);
	return r;
}

int oakum_atomic_commit(struct oakum_atomic **atomic, struct oakum_error *err)
{
	cleanup_cancel int cancel_state = cancel_forbid();
	struct oakum_atomic *ended = *atomic;
	struct oakum_error unused;

	*atomic = NULL;
	if (ended == NULL)
		return staged(fail(err, EINVAL, "commit", NULL), OAKUM_STAGE_SETUP, err);
	int r = tell(take_place(ended, err), OAKUM_STAGE_WRITE, err);
	if (r < 0)
		(void)discard(ended, &unused);
	free_atomic(ended);
	return r;
}

int oakum_atomic_abort(struct oakum_atomic **atomic, struct oakum_error *err)
{
	cleanup_cancel int cancel_state = cancel_forbid();
	struct oakum_atomic *ended = *atomic;

	*atomic = NULL;
	if (ended == NULL)
		return 0;
	int r = tell(discard(ended, err), OAKUM_STAGE_WRITE, err);
	free_atomic(ended);
	return r;
}
