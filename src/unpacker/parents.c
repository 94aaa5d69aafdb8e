/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/parents.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "unpacker/walk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum {
	KEPT_MAX = 64,
	CHECKPOINT_DEPTH = 32, /* so that no single open walks more than this many components */
	EAGAIN_TRIES = 1000,
};

struct kept {
	char *path; /* length bytes, not terminated; NULL: a free place */
	size_t length;
	uint64_t used; /* a clock: the smallest goes first */
	struct parent parent;
};

struct parents {
	int root_fd;
	uint64_t clock;
	struct kept root;
	struct kept kept[KEPT_MAX];
	char *scratch; /* a terminated copy of what openat2(2) is given */
	size_t scratch_room;
};

struct parents *parents_new(int root_fd)
{
	struct parents *parents = calloc(1, sizeof(*parents));

	if (parents == NULL)
		return NULL;
	parents->root_fd = root_fd;
	parents->root.parent.fd = -1;
	return parents;
}

static void drop(struct kept *kept)
{
	if (kept->path == NULL)
		return;
	close(kept->parent.fd);
	free(kept->path);
	kept->path = NULL;
}

void parents_forget(struct parents *parents)
{
	for (size_t i = 0; i < KEPT_MAX; i++)
		drop(&parents->kept[i]);
}

void parents_free(struct parents *parents)
{
	if (parents == NULL)
		return;
	parents_forget(parents);
	close_fd(&parents->root.parent.fd);
	free(parents->scratch);
	free(parents);
}

static struct kept *find(struct parents *parents, const char *path, size_t length)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		struct kept *kept = &parents->kept[i];
		if (kept->path != NULL && kept->length == length &&
			memcmp(kept->path, path, length) == 0) {
			kept->used = ++parents->clock;
			return kept;
		}
	}
	return NULL;
}

static const char *terminated(struct parents *parents, const char *path, size_t length)
{
	if (length + 1 > parents->scratch_room) {
		char *larger = realloc(parents->scratch, length + 1);
		if (larger == NULL)
			return NULL;
		parents->scratch = larger;
		parents->scratch_room = length + 1;
	}
	memcpy(parents->scratch, path, length);
	parents->scratch[length] = '\0';
	return parents->scratch;
}

/*
 * By the kernel, below from_fd. It says EAGAIN when ".." is walked while
 * anything is renamed anywhere: tried again, and then walked by hand.
 */
static int open_below(int from_fd, const char *path, uint64_t resolve, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)(flags | O_DIRECTORY | O_CLOEXEC),
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};

	for (int tries = 0; tries < EAGAIN_TRIES; tries++) {
		int fd = sys_openat2(from_fd, path, &how);
		if (fd >= 0)
			return fd;
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

/* The whole path from the rootfs, through symlinks. */
static int open_from_root(struct parents *parents, const char *path, int flags)
{
	int fd = open_below(parents->root_fd, path, RESOLVE_IN_ROOT, flags);

	if (fd == -EAGAIN || fd == -ENAMETOOLONG)
		fd = walk_open(parents->root_fd, path, flags);
	return fd;
}

/* Files made in a directory with a default ACL or the set-gid bit get modes and groups of its
 * choice. */
static bool is_plain(int fd, const struct stat *status)
{
	if ((status->st_mode & S_ISGID) != 0)
		return false;
	return fgetxattr(fd, "system.posix_acl_default", NULL, 0) < 0 &&
	       (errno == ENODATA || errno == EOPNOTSUPP);
}

static int describe(int fd, struct parent *parent)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*parent = (struct parent){
		.fd = fd,
		.is_plain = is_plain(fd, &status),
		.device = status.st_dev,
		.inode = status.st_ino,
	};
	return 0;
}

static int keep(
	struct parents *parents, const char *path, size_t length, int *fd, struct parent *parent)
{
	struct kept *oldest = &parents->kept[0];
	char *copy = malloc(length);
	int r;

	if (copy == NULL)
		return -ENOMEM;
	r = describe(*fd, parent);
	if (r < 0) {
		free(copy);
		return r;
	}
	for (size_t i = 0; i < KEPT_MAX && oldest->path != NULL; i++) {
		if (parents->kept[i].path == NULL || parents->kept[i].used < oldest->used)
			oldest = &parents->kept[i];
	}
	drop(oldest);
	memcpy(copy, path, length);
	*oldest = (struct kept){
		.path = copy,
		.length = length,
		.used = ++parents->clock,
		.parent = *parent,
	};
	*fd = -1;
	return 0;
}

static int open_root(struct parents *parents, struct parent *parent)
{
	int r = 0;

	if (parents->root.parent.fd < 0) {
		int fd = openat(parents->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		r = describe(fd, &parents->root.parent);
		if (r < 0)
			close(fd);
	}
	*parent = parents->root.parent;
	return r;
}

/* Where to open from: the parent if it is kept, else the last checkpoint on the way. */
static size_t base_length(struct parents *parents, const char *path, size_t length)
{
	size_t depth = 0;
	size_t checkpoint = 0;
	size_t above = length;

	while (above > 0 && path[above - 1] != '/')
		above--;
	above = above > 0 ? above - 1 : 0;
	if (above == 0 || find(parents, path, above) != NULL)
		return above;
	for (size_t i = 0; i < length; i++) {
		if (path[i] == '/' && ++depth % CHECKPOINT_DEPTH == 0)
			checkpoint = i;
	}
	return checkpoint;
}

static int open_new(struct parents *parents, const char *path, size_t length, int flags)
{
	size_t above = base_length(parents, path, length);
	struct parent base;
	int r = parents_open(parents, path, above, &base);

	if (r < 0)
		return r;
	size_t skipped = above > 0 ? above + 1 : 0;
	const char *rest = terminated(parents, path + skipped, length - skipped);
	if (rest == NULL)
		return -ENOMEM;
	int fd = open_below(base.fd, rest, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, flags);
	if (fd != -ELOOP && fd != -EXDEV && fd != -EAGAIN)
		return fd;
	const char *whole = terminated(parents, path, length);
	return whole == NULL ? -ENOMEM : open_from_root(parents, whole, flags);
}

/* Recursion ends: each call is for a path that is shorter by a checkpoint, or for one that is kept.
 */
int parents_open(struct parents *parents, const char *path, size_t length, struct parent *parent)
{
	struct kept *kept;

	if (length == 0)
		return open_root(parents, parent);
	kept = find(parents, path, length);
	if (kept != NULL) {
		*parent = kept->parent;
		return 0;
	}
	cleanup_fd int fd = open_new(parents, path, length, O_RDONLY);
	if (fd ==
		-EACCES) /* without CAP_DAC_OVERRIDE; it cannot be looked at, so it is not plain */
		fd = open_new(parents, path, length, O_PATH);
	if (fd < 0)
		return fd;
	return keep(parents, path, length, &fd, parent);
}
