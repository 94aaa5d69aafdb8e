/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree_parts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"
#include "unpacker/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	IMPLIED_MODE = 0755, /* of directories that no entry tells about */
	OWNER_ALL = 0700,    /* directories are filled before they get their mode */
	LEFT_OPEN = 8,	     /* of directories that are made at once: the next entry is near */
};

/* --- those that no entry tells about --- */

int tree_fail_parent(const struct tree *tree, int code, const char *op, const char *path,
	struct oakum_error *err)
{
	if (tree->storage != NULL)
		return fail(err, code, op, path);
	switch (code) {
	case ENOTDIR:
		return fail_because(
			err, EBADMSG, "open parent", path, "something above it is no directory");
	case ELOOP:
		return fail_because(err, EBADMSG, "open parent", path,
			"too many symlinks above it, or they lead in a circle");
	case ENOENT:
		return fail_because(
			err, EBADMSG, "open parent", path, "a symlink above it leads nowhere");
	default:
		return fail(err, code, "open parent", path);
	}
}

/* Is what was made in it just now plain, be it by our own hand? */
static bool makes_plain(const struct tree *tree, struct parent *above)
{
	return tree->storage == NULL || parents_is_plain(above);
}

static uint32_t implied_mode(const struct tree *tree)
{
	return tree->storage == NULL ? (uint32_t)IMPLIED_MODE : tree->storage->implied_mode;
}

/* Those that no entry tells about are the maker's, or whose the caller says. */
static int set_implied_owner(const struct tree *tree, struct parent *above, int fd)
{
	const struct owner *owner;

	if (tree->storage == NULL)
		return 0;
	owner = &tree->storage->implied_owner;
	if (parents_is_plain(above) && owner->uid == tree->maker.uid &&
		owner->gid == tree->maker.gid)
		return 0;
	return fchown(fd, owner->uid, owner->gid) < 0 ? -errno : 0;
}

int tree_open_directory(int directory_fd, const char *name)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * Opens a directory that was made just now. From here on it is plain, whatever
 * is above it, and nothing of a lower layer is in it.
 */
static int open_made(struct tree *tree, struct parent *above, const char *name, uint32_t mode)
{
	cleanup_fd int fd = tree_open_directory(above->fd, name);
	int r = 0;

	if (fd >= 0 && tree->storage == NULL && !parents_is_plain(above))
		r = metadata_make_plain(fd, tree->maker, mode);
	return r < 0 ? r : steal_fd(&fd);
}

/* All that is in it is of this layer, and what was noted of another one with its inode is void. */
static int note_made(struct tree *tree, const struct deferred_place *place)
{
	if (tree_is_clear(tree, &place->inode))
		tree->clear_count = 0;
	if (tree->is_tracking && placed_add(&tree->placed, &place->inode, "") < 0)
		return -ENOMEM;
	return deferred_add(tree->deferred, place, NULL);
}

/* Takes *fd, made at the first length bytes of path, below the inode above. */
static int keep_made(struct tree *tree, const struct deferred_place *place, bool is_plain, int *fd,
	struct parent **made)
{
	struct deferred_place known = *place;
	int r = parents_keep(tree->parents, place->path, place->path_length, fd, made);

	if (r < 0)
		return r;
	if (is_plain)
		(*made)->plainness = PLAIN;
	known.inode = (*made)->inode;
	return note_made(tree, &known);
}

/* A whiteout and a directory of one name are a directory that hides all below it. */
static int replace_whiteout(struct tree *tree, const struct parent *above, const char *name)
{
	int r = remove_name(above, name, NULL);

	if (r < 0)
		return r;
	if (mkdirat(above->fd, name, implied_mode(tree)) < 0)
		return -errno;
	cleanup_fd int fd = tree_open_directory(above->fd, name);
	tree->clear_count = 0;
	return fd < 0 ? fd : overlay_mark_opaque(&tree->overlay, fd);
}

/* The last component of the first length bytes of path, terminated; where it begins, or -errno. */
static ssize_t copy_base(const char *path, size_t length, char name[NAME_MAX + 1])
{
	size_t base = length;

	while (base > 0 && path[base - 1] != '/')
		base--;
	if (length - base > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + base, length - base);
	name[length - base] = '\0';
	return (ssize_t)base;
}

/* The directory at the first length bytes of path, which no entry told about, in one that is there.
 */
static int make_implied(struct tree *tree, const char *path, size_t length, struct parent **made)
{
	struct deferred_place place = { .path = path, .path_length = length };
	char name[NAME_MAX + 1];
	struct parent *above;
	ssize_t base = copy_base(path, length, name);

	if (base < 0)
		return (int)base;
	int r = parents_open(tree->parents, path, base > 0 ? (size_t)base - 1 : 0, &above);
	if (r == 0 && mkdirat(above->fd, name, implied_mode(tree)) < 0)
		r = -errno;
	if (r == -EEXIST && overlay_is_whiteout(&tree->overlay, above->fd, name))
		r = replace_whiteout(tree, above, name);
	if (r < 0)
		return r;
	place.above = above->inode;
	cleanup_fd int fd = open_made(tree, above, name, implied_mode(tree));
	r = fd < 0 ? fd : set_implied_owner(tree, above, fd);
	return r < 0 ? r : keep_made(tree, &place, makes_plain(tree, above), &fd, made);
}

/*
 * One more below another that was made just now. With O_PATH: for every directory that is
 * really opened Landlock walks up to the root, and there may be thousands.
 */
static int make_passed(int above_fd, const char *name, uint32_t mode, struct inode *inode)
{
	struct stat status;

	if (mkdirat(above_fd, name, mode) < 0)
		return -errno;
	cleanup_fd int fd = openat(above_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	*inode = (struct inode){ .device = status.st_dev, .number = status.st_ino };
	return steal_fd(&fd);
}

static size_t count_components(const char *path, size_t from, size_t to)
{
	size_t count = 0;

	for (; from < to; from = tree_next_end(path, from))
		count++;
	return count;
}

/*
 * Below *made, a directory that was made just now and ends at end, those down to length; but
 * for the last few, which stay open. What is made in them is plain, and hides nothing.
 */
static int make_many(
	struct tree *tree, const char *path, size_t *end, size_t length, const struct parent *made)
{
	struct deferred_place place = { .path = path, .inode = made->inode };
	char name[NAME_MAX + 1];
	cleanup_fd int above_fd = -1;

	for (size_t left = count_components(path, *end, length); left > LEFT_OPEN; left--) {
		*end = tree_next_end(path, *end);
		place.above = place.inode;
		place.path_length = *end;
		ssize_t base = copy_base(path, *end, name);
		if (base < 0)
			return (int)base;
		int fd = make_passed(
			above_fd < 0 ? made->fd : above_fd, name, implied_mode(tree), &place.inode);
		if (fd < 0)
			return fd;
		close_fd(&above_fd);
		above_fd = fd;
		int r = note_made(tree, &place);
		if (r < 0)
			return r;
	}
	return 0;
}

size_t tree_next_end(const char *path, size_t end)
{
	end += end > 0; /* the slash */
	return end + strcspn(path + end, "/");
}

int tree_open_or_make(struct tree *tree, const char *path, size_t length, struct parent **parent)
{
	int r = parents_open(tree->parents, path, length, parent);
	const int why = r;

	if (r != -ENOENT && (r != -ENOTDIR || tree->overlay.opaque == NULL))
		return r;
	size_t end = tree_next_end(path, parents_reach(tree->parents, path, length));
	/* Of the last component it is known, and in a directory made just now there is nothing. */
	bool is_missing = end == length;
	for (;; end = tree_next_end(path, end)) {
		r = is_missing ? why : parents_open(tree->parents, path, end, parent);
		if (r == -ENOENT || r == -ENOTDIR) {
			int made = make_implied(tree, path, end, parent);
			if (made == 0 && tree->storage == NULL)
				made = make_many(tree, path, &end, length, *parent);
			/* EEXIST: it is a symlink to nowhere, or no directory. */
			r = made == -EEXIST ? r : made;
			is_missing = true;
		}
		if (r < 0 || end == length)
			return r;
	}
}

int tree_open_parent(struct tree *tree, const char *path, const char *op, struct parent **parent,
	struct oakum_error *err)
{
	int r = tree_open_or_make(tree, path, path_parent_length(path), parent);

	return r < 0 ? tree_fail_parent(tree, -r, op, path, err) : 0;
}

/* --- those of entries --- */

static int make_directory(
	struct tree *tree, const struct entry *entry, struct parent *above, struct parent **made)
{
	struct deferred_place place = {
		.above = above->inode,
		.path = entry->path,
		.path_length = strlen(entry->path),
	};
	const char *base = path_base(entry->path);
	const uint32_t mode = OWNER_ALL | (entry->mode & 0777);

	if (mkdirat(above->fd, base, mode) < 0)
		return -errno;
	cleanup_fd int fd = open_made(tree, above, base, mode);
	if (fd < 0)
		return fd;
	return keep_made(tree, &place, makes_plain(tree, above), &fd, made);
}

/* A directory that is there is kept with what is in it; a symlink to one is not one. */
static int keep_existing(struct tree *tree, const struct entry *entry, const struct parent *above,
	struct parent **kept)
{
	cleanup_fd int fd = tree_open_directory(above->fd, path_base(entry->path));

	if (fd < 0)
		return fd;
	return parents_keep(tree->parents, entry->path, strlen(entry->path), &fd, kept);
}

struct found {
	struct parent *above; /* the directory that its name is in */
	struct parent *directory;
	bool is_new;
};

/*
 * All but the times; what has the owner already is not given it again, for that takes a
 * right. A group or an ACL that it will hand down is no longer unknown then.
 */
static int set_at_once(struct parent *directory, struct metadata *metadata,
	const struct entry *entry, struct oakum_error *err)
{
	struct metadata now = *metadata;
	struct stat status;

	now.sets_atime = false;
	now.sets_mtime = false;
	if (now.sets_owner && fstat(directory->fd, &status) == 0)
		now.sets_owner = status.st_uid != now.uid || status.st_gid != now.gid;
	if (now.xattr_count > 0)
		directory->plainness = PLAINNESS_UNKNOWN;
	if ((now.mode & S_ISGID) != 0)
		directory->plainness = NOT_PLAIN;
	metadata->sets_owner = false;
	metadata->sets_mode = false;
	metadata->xattr_count = 0;
	return metadata_apply(&now, directory->fd, entry->path, err);
}

/* Its metadata is put off to the end: more may be made in it. */
static int defer(struct tree *tree, const struct entry *entry, const struct found *found,
	struct oakum_error *err)
{
	const struct deferred_place place = {
		.inode = found->directory->inode,
		.above = found->above->inode,
		.path = entry->path,
		.path_length = strlen(entry->path),
	};
	struct metadata metadata = tree_metadata(
		tree, tree_rules(tree), entry, found->is_new && makes_plain(tree, found->above));

	metadata.sets_mode |= (entry->mode & OWNER_ALL) != OWNER_ALL;
	metadata.replaces_xattrs = !found->is_new && tree->storage == NULL;
	if (tree->storage != NULL && set_at_once(found->directory, &metadata, entry, err) < 0)
		return -err->code;
	int r = deferred_add(tree->deferred, &place, &metadata);
	return r < 0 ? fail(err, -r, "remember", entry->path) : 0;
}

static int place_root(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct found found = { 0 };
	int r = parents_open(tree->parents, "", 0, &found.directory);

	if (r < 0)
		return tree_fail_parent(tree, -r, "openat", entry->path, err);
	found.above = found.directory;
	return defer(tree, entry, &found, err);
}

/*
 * Does what a directory takes the place of hide what lower layers have by that name? A
 * whiteout does; so does whatever this layer brought, and then brings again as a directory.
 */
static bool hides_lower(const struct tree *tree, const struct parent *above, const char *base)
{
	if (tree->overlay.opaque == NULL)
		return false;
	return tree->storage == NULL || overlay_is_whiteout(&tree->overlay, above->fd, base);
}

/* Makes the directory of the entry, or keeps the one that is there. */
static int get_directory(
	struct tree *tree, const struct entry *entry, struct found *found, struct oakum_error *err)
{
	const char *base = path_base(entry->path);
	bool is_opaque = false;
	int r = -EEXIST;

	for (int tries = 0; r == -EEXIST && tries < TREE_REPLACE_TRIES; tries++) {
		int opened = tree_open_parent(tree, entry->path, "mkdirat", &found->above, err);
		if (opened < 0)
			return opened;
		r = make_directory(tree, entry, found->above, &found->directory);
		found->is_new = r == 0;
		if (r == -EEXIST)
			r = keep_existing(tree, entry, found->above, &found->directory);
		if (r != -ENOTDIR && r != -ELOOP)
			continue;
		is_opaque |= hides_lower(tree, found->above, base);
		if (tree_replace(tree, found->above, entry, err) < 0)
			return -err->code;
		r = -EEXIST;
	}
	if (r < 0)
		return fail(err, -r, "mkdirat", entry->path);
	return is_opaque ? tree_mark_directory_opaque(tree, found->directory->fd, entry->path, err)
			 : 0;
}

int tree_place_directory(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct found found;

	if (*entry->path == '\0')
		return place_root(tree, entry, err);
	int r = get_directory(tree, entry, &found, err);
	if (r == 0)
		r = tree_note_placed(tree, found.above, entry->path, err);
	return r < 0 ? r : defer(tree, entry, &found, err);
}
