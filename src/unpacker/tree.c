/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"
#include "unpacker/deferred.h"
#include "unpacker/parents.h"
#include "unpacker/placed.h"
#include "unpacker/remove.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum {
	IMPLIED_MODE = 0755, /* of directories that no entry tells about */
	OWNER_ALL = 0700,    /* directories are filled before they get their mode */
};

struct tree {
	uint32_t whiteouts;
	struct owner maker;
	struct parents *parents;
	struct deferred *deferred;
	struct placed placed;
};

int tree_new(int root_fd, uint32_t whiteouts, struct tree **tree, struct oakum_error *err)
{
	struct tree *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare tree", NULL);
	new->whiteouts = whiteouts;
	new->maker = (struct owner){ geteuid(), getegid() };
	new->parents = parents_new(root_fd);
	new->deferred = deferred_new();
	if (new->parents == NULL || new->deferred == NULL || placed_init(&new->placed) < 0) {
		tree_free(new);
		return fail(err, ENOMEM, "prepare tree", NULL);
	}
	*tree = new;
	return 0;
}

void tree_free(struct tree *tree)
{
	if (tree == NULL)
		return;
	parents_free(tree->parents);
	deferred_free(tree->deferred);
	placed_free(&tree->placed);
	free(tree);
}

static int fail_parent(struct oakum_error *err, int code, const char *path)
{
	switch (code) {
	case ENOTDIR:
		return fail_because(
			err, code, "open parent", path, "something above it is no directory");
	case ELOOP:
		return fail_because(err, code, "open parent", path,
			"too many symlinks above it, or they lead in a circle");
	case ENOENT:
		return fail_because(
			err, code, "open parent", path, "a symlink above it leads nowhere");
	default:
		return fail(err, code, "open parent", path);
	}
}

/* One missing directory, in a parent that is there. */
static int make_implied(struct tree *tree, const char *path, size_t length)
{
	cleanup_free char *copy = strndup(path, length);
	struct parent parent;
	struct parent made;

	if (copy == NULL)
		return -ENOMEM;
	int r = parents_open(tree->parents, copy, path_parent_length(copy), &parent);
	if (r < 0)
		return r;
	if (mkdirat(parent.fd, path_base(copy), IMPLIED_MODE) < 0)
		return errno == EEXIST ? -ENOENT : -errno; /* a symlink that leads nowhere */
	r = parents_open(tree->parents, copy, length, &made);
	if (r == 0)
		deferred_forget(tree->deferred, made.device, made.inode);
	return r;
}

/* Up to the first directory that is there, and down again making the rest. */
static int open_parent(struct tree *tree, const char *path, size_t length, struct parent *parent)
{
	size_t there = length;
	int r = parents_open(tree->parents, path, length, parent);

	if (r != -ENOENT)
		return r;
	while (r == -ENOENT && there > 0) {
		while (there > 0 && path[there - 1] != '/')
			there--;
		there -= there > 0;
		r = parents_open(tree->parents, path, there, parent);
	}
	while (r == 0 && there < length) {
		there += there > 0;
		there += strcspn(path + there, "/");
		r = make_implied(tree, path, there);
	}
	return r < 0 ? r : parents_open(tree->parents, path, length, parent);
}

static int open_parent_of(
	struct tree *tree, const char *path, struct parent *parent, struct oakum_error *err)
{
	int r = open_parent(tree, path, path_parent_length(path), parent);

	return r < 0 ? fail_parent(err, -r, path) : 0;
}

static int note_placed(struct tree *tree, const char *path, struct oakum_error *err)
{
	if (tree->whiteouts == OAKUM_WHITEOUTS_VERBATIM)
		return 0;
	if (placed_add(&tree->placed, path) < 0)
		return fail(err, ENOMEM, "remember", path);
	return 0;
}

/*
 * Takes away whatever has the name, for the last entry of a name wins. It is
 * never opened: it may be a device, or a fifo that nobody reads.
 */
static int clear_way(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err)
{
	const char *base = path_base(path);
	struct stat status;

	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "fstatat", path);
	int r = remove_name(parent->fd, base);
	if (r < 0)
		return fail(err, -r, "replace", path);
	if (S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode))
		parents_forget(tree->parents);
	return 0;
}

/* How a name is made: one system call, which fails if there is one already. */
struct way {
	const char *op;
	int (*make)(const struct parent *parent, const char *base, const struct entry *entry);
};

static int make_file(const struct parent *parent, const char *base, const struct entry *entry)
{
	int fd = openat(parent->fd, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		entry->mode & 0777);

	return fd < 0 ? -errno : fd;
}

static int make_symlink(const struct parent *parent, const char *base, const struct entry *entry)
{
	return symlinkat(entry->link, parent->fd, base) < 0 ? -errno : 0;
}

static int make_special(const struct parent *parent, const char *base, const struct entry *entry)
{
	dev_t device = makedev(entry->device_major, entry->device_minor);
	mode_t mode = entry->mode & 0777;

	if (entry->type == ENTRY_FIFO)
		device = 0;
	mode |= entry->type == ENTRY_FIFO		? S_IFIFO
		: entry->type == ENTRY_CHARACTER_DEVICE ? S_IFCHR
							: S_IFBLK;
	return mknodat(parent->fd, base, mode, device) < 0 ? -errno : 0;
}

static int make_directory(const struct parent *parent, const char *base, const struct entry *entry)
{
	return mkdirat(parent->fd, base, OWNER_ALL | (entry->mode & 0777)) < 0 ? -errno : 0;
}

static const struct way file_way = { "openat", make_file };
static const struct way symlink_way = { "symlinkat", make_symlink };
static const struct way special_way = { "mknodat", make_special };
static const struct way directory_way = { "mkdirat", make_directory };

/* What has the name already is replaced, once. The maker's result - a descriptor of files - or
 * -errno. */
static int make(struct tree *tree, const struct entry *entry, const struct way *way,
	struct parent *parent, struct oakum_error *err)
{
	const char *base = path_base(entry->path);
	int r = open_parent_of(tree, entry->path, parent, err);

	if (r < 0)
		return r;
	r = way->make(parent, base, entry);
	if (r == -EEXIST) {
		r = clear_way(tree, parent, entry->path, err);
		if (r == 0)
			r = open_parent_of(tree, entry->path, parent, err);
		if (r < 0)
			return r;
		r = way->make(parent, base, entry);
	}
	if (r < 0)
		return fail(err, -r, way->op, entry->path);
	int noted = note_placed(tree, entry->path, err);
	if (noted < 0 && r > 0)
		close(r);
	return noted < 0 ? noted : r;
}

int tree_create_file(struct tree *tree, const struct entry *entry, int *file_fd,
	struct metadata *metadata, struct oakum_error *err)
{
	struct parent parent;
	int fd = make(tree, entry, &file_way, &parent, err);

	if (fd < 0)
		return fd;
	*metadata = metadata_of(entry, tree->maker, parent.is_plain);
	*file_fd = fd;
	return 0;
}

static int place_unopened(struct tree *tree, const struct entry *entry, const struct way *way,
	struct oakum_error *err)
{
	struct parent parent;
	int r = make(tree, entry, way, &parent, err);

	if (r < 0)
		return r;
	const struct metadata metadata = metadata_of(entry, tree->maker, parent.is_plain);
	return metadata_apply_at(&metadata, parent.fd, path_base(entry->path), entry, err);
}

/* An overlay whiteout is for what lower layers have: a name of this layer keeps what it got. */
static int place_device(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	bool is_whiteout = entry->type == ENTRY_CHARACTER_DEVICE && entry->device_major == 0 &&
			   entry->device_minor == 0;

	if (is_whiteout && tree->whiteouts != OAKUM_WHITEOUTS_VERBATIM &&
		placed_has(&tree->placed, entry->path))
		return 0;
	return place_unopened(tree, entry, &special_way, err);
}

static bool is_directory(int parent_fd, const char *base, struct stat *status)
{
	return fstatat(parent_fd, base, status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status->st_mode);
}

static int defer(struct tree *tree, const struct entry *entry, const struct stat *status,
	const struct metadata *metadata, struct oakum_error *err)
{
	if (deferred_add(tree->deferred, status->st_dev, status->st_ino, entry->path, metadata) < 0)
		return fail(err, ENOMEM, "remember", entry->path);
	return note_placed(tree, entry->path, err);
}

/* A directory that is there is kept with what is in it; a symlink to one is not one. */
static int place_directory(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	const char *base = *entry->path == '\0' ? "." : path_base(entry->path);
	struct parent parent;
	struct stat status;
	bool is_new = false;
	int r = open_parent_of(tree, entry->path, &parent, err);

	if (r < 0)
		return r;
	if (!is_directory(parent.fd, base, &status)) {
		r = make(tree, entry, &directory_way, &parent, err);
		if (r < 0)
			return r;
		if (fstatat(parent.fd, base, &status, AT_SYMLINK_NOFOLLOW) < 0)
			return fail(err, errno, "fstatat", entry->path);
		is_new = true;
	}
	struct metadata metadata = metadata_of(entry, tree->maker, parent.is_plain && is_new);
	metadata.sets_mode |= (status.st_mode & 07777) != entry->mode;
	return defer(tree, entry, &status, &metadata, err);
}

static int fail_link(struct oakum_error *err, int code, const struct entry *entry)
{
	if (code == ENOENT)
		return fail_because(err, EBADMSG, "linkat", entry->path,
			"its target does not exist: a hard link comes after its target");
	if (code == EPERM)
		return fail_because(err, code, "linkat", entry->path,
			"its target is a directory, or the file system has no hard links");
	return fail(err, code, "linkat", entry->path);
}

static bool is_same_file(const struct parent *one, const char *name, const struct parent *other,
	const char *other_name)
{
	struct stat status;
	struct stat other_status;

	return fstatat(one->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(other->fd, other_name, &other_status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       status.st_dev == other_status.st_dev && status.st_ino == other_status.st_ino;
}

/* 1: linked; 0: something has the name and was cleared away; or -errno with *err. */
static int try_link(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	const char *base = path_base(entry->path);
	const char *target = path_base(entry->link);
	struct parent parent;
	struct parent target_parent;
	int r = open_parent_of(tree, entry->path, &parent, err);

	if (r < 0)
		return r;
	r = parents_open(
		tree->parents, entry->link, path_parent_length(entry->link), &target_parent);
	if (r < 0)
		return fail_link(err, -r, entry);
	/* Flags 0: a link to a symlink is to itself, not to what it points at. */
	if (linkat(target_parent.fd, target, parent.fd, base, 0) == 0)
		return 1;
	if (errno != EEXIST)
		return fail_link(err, errno, entry);
	if (is_same_file(&parent, base, &target_parent, target))
		return 1;
	return clear_way(tree, &parent, entry->path, err);
}

/* Link entries change no metadata: it is that of the file they name (POSIX pax). */
static int place_hard_link(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	int r = try_link(tree, entry, err);

	if (r == 0)
		r = try_link(tree, entry, err);
	if (r == 0)
		return fail(err, EEXIST, "linkat", entry->path);
	return r < 0 ? r : note_placed(tree, entry->path, err);
}

int tree_place(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	switch (entry->type) {
	case ENTRY_DIRECTORY:
		return place_directory(tree, entry, err);
	case ENTRY_SYMLINK:
		return place_unopened(tree, entry, &symlink_way, err);
	case ENTRY_HARD_LINK:
		return place_hard_link(tree, entry, err);
	case ENTRY_CHARACTER_DEVICE:
	case ENTRY_BLOCK_DEVICE:
		return place_device(tree, entry, err);
	case ENTRY_FIFO:
		return place_unopened(tree, entry, &special_way, err);
	case ENTRY_FILE:
		break;
	}
	return fail(err, EINVAL, "place", entry->path);
}

static bool is_ours(void *context, const char *path)
{
	const struct tree *tree = context;

	return placed_has(&tree->placed, path);
}

/* What is nowhere to be found needs no removing. */
static bool is_nowhere(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

int tree_empty(struct tree *tree, const char *path, struct oakum_error *err)
{
	const struct remove_spare spare = { .is_spared = is_ours, .context = tree };
	struct parent directory;
	int r = parents_open(tree->parents, path, strlen(path), &directory);

	if (is_nowhere(r))
		return 0;
	if (r < 0)
		return fail_parent(err, -r, path);
	r = remove_content(directory.fd, path, &spare);
	parents_forget(tree->parents);
	if (r < 0)
		return fail(err, -r, "empty", path);
	return 0;
}

int tree_remove(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent parent;
	struct stat status;
	int r = parents_open(tree->parents, path, path_parent_length(path), &parent);

	if (is_nowhere(r))
		return 0;
	if (r < 0)
		return fail_parent(err, -r, path);
	if (!placed_has(&tree->placed, path))
		return clear_way(tree, &parent, path, err);
	/* This layer brought it: of a directory only what lower layers had in it goes. */
	if (is_directory(parent.fd, path_base(path), &status))
		return tree_empty(tree, path, err);
	return 0;
}

int tree_mark_opaque(struct tree *tree, const char *path, struct oakum_error *err)
{
	const char *name = tree->whiteouts == OAKUM_WHITEOUTS_OVERLAY ? "trusted.overlay.opaque"
								      : "user.overlay.opaque";
	struct parent directory;
	int r = open_parent(tree, path, strlen(path), &directory);

	if (r < 0)
		return fail_parent(err, -r, path);
	if (fsetxattr(directory.fd, name, "y", 1, 0) < 0)
		return fail_because(err, errno, "setxattr", path,
			"%s: the mark of an opaque directory cannot be set", name);
	return note_placed(tree, path, err);
}

int tree_finish(struct tree *tree, struct oakum_error *err)
{
	return deferred_apply(tree->deferred, tree->parents, err);
}
