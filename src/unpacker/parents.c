/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/parents.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "unpacker/walk.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum {
	KEPT_MAX = 64,
	STEP_DEPTH = 32, /* components that one open walks, so that a deep path is walked once */
	STEPS_MAX = 24,	 /* kept for one path: two of them and more fit into KEPT_MAX */
	EAGAIN_TRIES = 1000,
};

struct kept {
	char *path;    /* length bytes, not terminated */
	size_t length; /* 0: a free place */
	uint64_t used; /* a clock: the smallest goes first */
	struct parent parent;
};

struct parents {
	int root_fd;
	uint64_t clock;
	struct kept root; /* its path is empty and it stays */
	struct kept kept[KEPT_MAX];
	char *scratch; /* a terminated copy of what openat2(2) is given */
	size_t scratch_room;
};

static int describe(int fd, struct parent *parent)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*parent = (struct parent){
		.fd = fd,
		.plainness = (status.st_mode & S_ISGID) != 0 ? NOT_PLAIN : PLAINNESS_UNKNOWN,
		.inode = { .device = status.st_dev, .number = status.st_ino },
	};
	return 0;
}

struct parents *parents_new(int root_fd)
{
	struct parents *parents = calloc(1, sizeof(*parents));

	if (parents == NULL)
		return NULL;
	parents->root_fd = root_fd;
	parents->root.parent.fd = -1;
	return parents;
}

/* Not before it is needed: until the first entry there is no more open than must be. */
static int open_root(struct parents *parents)
{
	struct parent *root = &parents->root.parent;

	if (root->fd >= 0)
		return 0;
	cleanup_fd int fd = openat(parents->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : describe(fd, root);
	if (r < 0) {
		root->fd = -1;
		return r;
	}
	root->fd = steal_fd(&fd);
	return 0;
}

static void drop(struct kept *kept)
{
	if (kept->length == 0)
		return;
	close(kept->parent.fd);
	free(kept->path);
	*kept = (struct kept){ 0 };
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

static bool is_at_or_above(const struct kept *kept, const char *path, size_t length)
{
	if (kept->length > length || (kept->length < length && path[kept->length] != '/'))
		return false;
	return memcmp(kept->path, path, kept->length) == 0;
}

/* The longest path that is kept and leads to or towards this one; at the least the rootfs. */
static struct kept *nearest(struct parents *parents, const char *path, size_t length)
{
	struct kept *best = &parents->root;

	for (size_t i = 0; i < KEPT_MAX; i++) {
		struct kept *kept = &parents->kept[i];
		if (kept->length > best->length && is_at_or_above(kept, path, length))
			best = kept;
	}
	return best;
}

size_t parents_reach(struct parents *parents, const char *path, size_t length)
{
	return nearest(parents, path, length)->length;
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

/* By the kernel, below from_fd. It says EAGAIN when ".." is walked while anything is renamed. */
static int open_any_below(int from_fd, const char *path, uint64_t resolve, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
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

static int open_below(int from_fd, const char *path, uint64_t resolve, int flags)
{
	return open_any_below(from_fd, path, resolve, flags | O_DIRECTORY);
}

int parents_stat(struct parents *parents, const char *name, struct stat *status)
{
	cleanup_fd int fd =
		open_any_below(parents->root_fd, name, RESOLVE_IN_ROOT, O_PATH | O_NOFOLLOW);

	if (fd < 0)
		return fd;
	return fstat(fd, status) < 0 ? -errno : 0;
}

/* The whole path from the rootfs, through symlinks; by hand where the kernel gives up. */
static int open_from_root(struct parents *parents, const char *path, size_t length, int flags)
{
	const int root_fd = parents->root_fd;
	const char *whole = terminated(parents, path, length);

	if (whole == NULL)
		return -ENOMEM;
	int fd = open_below(root_fd, whole, RESOLVE_IN_ROOT, flags);
	if (fd == -EAGAIN || fd == -ENAMETOOLONG)
		fd = walk_open(root_fd, whole, flags);
	return fd;
}

static int open_step(
	struct parents *parents, const struct kept *base, const char *path, size_t end, int flags)
{
	size_t skipped = base->length > 0 ? base->length + 1 : 0;
	const char *rest = terminated(parents, path + skipped, end - skipped);

	if (rest == NULL)
		return -ENOMEM;
	int fd = open_below(base->parent.fd, rest, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, flags);
	/* A symlink is on the way, or the rest is over PATH_MAX. */
	if (fd == -ELOOP || fd == -EXDEV || fd == -EAGAIN || fd == -ENAMETOOLONG)
		fd = open_from_root(parents, path, end, flags);
	/* A directory that others may not read, and we have no CAP_DAC_OVERRIDE. */
	if (fd == -EACCES && flags != O_PATH)
		fd = open_step(parents, base, path, end, O_PATH);
	return fd;
}

/* A place for path: its own, a free one, or that of the one not used for longest. */
static struct kept *place_for(struct parents *parents, const char *path, size_t length)
{
	struct kept *oldest = &parents->kept[0];

	for (size_t i = 0; i < KEPT_MAX; i++) {
		struct kept *kept = &parents->kept[i];
		if (kept->length == length && memcmp(kept->path, path, length) == 0)
			return kept;
		if (kept->used < oldest->used)
			oldest = kept;
	}
	return oldest;
}

int parents_keep(
	struct parents *parents, const char *path, size_t length, int *fd, struct parent **parent)
{
	struct parent described;
	int r = describe(*fd, &described);

	if (r < 0)
		return r;
	char *copy = malloc(length + 1);
	if (copy == NULL)
		return -ENOMEM;
	struct kept *kept = place_for(parents, path, length);
	drop(kept);
	memcpy(copy, path, length);
	*kept = (struct kept){
		.path = copy,
		.length = length,
		.used = ++parents->clock,
		.parent = described,
	};
	*fd = -1;
	*parent = &kept->parent;
	return 0;
}

static size_t stop_after(const char *path, size_t from, size_t length, size_t components)
{
	size_t at = from;

	for (; components > 0 && at < length; components--) {
		at += at > 0; /* the slash */
		while (at < length && path[at] != '/')
			at++;
	}
	return at;
}

/* More for the deepest: what the call before this one returned must not be pushed out. */
static size_t step_depth(const char *path, size_t from, size_t length)
{
	size_t depth = 1;

	for (size_t i = from; i < length; i++)
		depth += path[i] == '/';
	return depth / STEPS_MAX < STEP_DEPTH ? STEP_DEPTH : depth / STEPS_MAX + 1;
}

int parents_open(struct parents *parents, const char *path, size_t length, struct parent **parent)
{
	struct kept *base = nearest(parents, path, length);
	size_t reached = base->length;
	const size_t depth = reached < length ? step_depth(path, reached, length) : 0;
	int r = open_root(parents);

	if (r < 0)
		return r;
	base->used = ++parents->clock;
	*parent = &base->parent;
	while (reached < length) {
		size_t end = stop_after(path, reached, length, depth);
		cleanup_fd int fd =
			open_step(parents, nearest(parents, path, reached), path, end, O_RDONLY);
		r = fd < 0 ? fd : parents_keep(parents, path, end, &fd, parent);
		if (r < 0)
			return r;
		reached = end;
	}
	return 0;
}

bool parents_is_plain(struct parent *parent)
{
	if (parent->plainness != PLAINNESS_UNKNOWN)
		return parent->plainness == PLAIN;
	bool has_none = fgetxattr(parent->fd, "system.posix_acl_default", NULL, 0) < 0 &&
			(errno == ENODATA || errno == EOPNOTSUPP);
	parent->plainness = has_none ? PLAIN : NOT_PLAIN;
	return has_none;
}
