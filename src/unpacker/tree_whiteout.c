/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree_parts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"
#include "unpacker/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { WHITEOUT_MODE = 0600 }; /* its attribute is set by its owner's right to write */

/* --- the whiteouts of overlayfs --- */

bool tree_is_clear(const struct tree *tree, const struct inode *directory)
{
	for (size_t i = 0; i < tree->clear_count; i++) {
		if (is_same_inode(&tree->clear[i], directory))
			return true;
	}
	return false;
}

/*
 * The directory, those above it up to the rootfs, or to one that is known: is one of them
 * opaque? By "..", for a path may lead through symlinks, and what it names is then not what lies
 * above. With O_PATH, which Landlock does not walk up to the root for. found has the first two.
 */
static bool climb(struct tree *tree, int directory_fd, struct inode found[2], size_t *count)
{
	struct parent *root;
	struct stat status;
	struct inode here = { 0 };
	cleanup_fd int fd = -1;

	if (parents_open(tree->parents, "", 0, &root) < 0)
		return false;
	while (fstat(directory_fd, &status) == 0) {
		const struct inode below = here;
		here = (struct inode){ .device = status.st_dev, .number = status.st_ino };
		if (overlay_is_passed_opaque(&tree->overlay, directory_fd))
			return true;
		/* Above the root of all there is only itself: somebody has moved it out meanwhile.
		 */
		if (is_same_inode(&here, &root->inode) || is_same_inode(&here, &below) ||
			tree_is_clear(tree, &here))
			return false;
		if (*count < 2)
			found[(*count)++] = here;
		int above_fd = openat(directory_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (above_fd < 0)
			return false;
		close_fd(&fd);
		fd = above_fd;
		directory_fd = fd;
	}
	return false;
}

/* Nothing of a lower layer is seen where one directory on the way is opaque. */
static bool is_in_opaque(struct tree *tree, int directory_fd)
{
	struct inode found[2];
	size_t count = 0;

	if (!tree->overlay.has_opaque)
		return false;
	if (climb(tree, directory_fd, found, &count))
		return true;
	if (count > 0) {
		memcpy(tree->clear, found, sizeof(found));
		tree->clear_count = count;
	}
	return false;
}

static int note_marked(
	struct tree *tree, int directory_fd, const char *path, struct oakum_error *err)
{
	struct stat status;

	if (!durable_has_directories(tree->durable))
		return 0;
	if (fstat(directory_fd, &status) < 0)
		return fail(err, errno, "fstat", path);
	const struct inode marked = { .device = status.st_dev, .number = status.st_ino };
	return tree_note_changed(tree, &marked, path, strlen(path), err);
}

/*
 * All that is in it hides nothing now; containers/storage leaves the whiteouts there. Below
 * one that is opaque there are none, and nobody looks again.
 */
int tree_mark_directory_opaque(
	struct tree *tree, int directory_fd, const char *path, struct oakum_error *err)
{
	const bool may_have_whiteouts = tree->overlay.has_whiteouts && tree->storage == NULL;
	int r = 0;

	if (overlay_is_opaque(&tree->overlay, directory_fd))
		return 0;
	if (may_have_whiteouts && !is_in_opaque(tree, directory_fd))
		r = overlay_remove_whiteouts(&tree->overlay, directory_fd, &tree->placed);
	if (r < 0)
		return fail(err, -r, "remove whiteouts", path);
	tree->clear_count = 0;
	r = overlay_mark_opaque(&tree->overlay, directory_fd);
	if (r < 0)
		return fail_because(err, -r, "mark opaque", path,
			"%s: the mark of an opaque directory cannot be set", tree->overlay.opaque);
	return note_marked(tree, directory_fd, path, err);
}

static int make_whiteout(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct entry file = *entry;
	struct metadata metadata;
	cleanup_fd int fd = -1;

	if (tree->overlay.whiteout.name == NULL)
		return tree_place_unopened(tree, entry, NULL, err);
	file.type = ENTRY_FILE;
	file.mode = WHITEOUT_MODE;
	file.xattrs = &tree->overlay.whiteout;
	file.xattr_count = 1;
	int r = tree_create_file(tree, &file, &fd, &metadata, err);
	metadata.forgiven = NULL; /* without its attribute it would be an empty file */
	if (r == 0)
		r = metadata_apply(&metadata, fd, entry->path, err);
	return r < 0 ? r : durable_take(tree->durable, &fd, entry->path, err);
}

/* All that is in a directory of this layer is of this layer. */
static int remove_lower(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err)
{
	if (placed_has(&tree->placed, &parent->inode, ""))
		return 0;
	return tree_remove_there(tree, parent, path, &tree->placed, err);
}

/* The directory that the whiteout is in; what lower layers have by its name there is removed. */
static int open_hiding(struct tree *tree, const struct entry *entry, struct parent **parent,
	struct oakum_error *err)
{
	int r = tree_open_parent(tree, entry->path, "mknodat", parent, err);

	if (r < 0 || !tree->is_tracking)
		return r;
	r = remove_lower(tree, *parent, entry->path, err);
	/* Again: what was removed may have been a directory, and all of them were forgotten. */
	return r < 0 ? r : tree_open_parent(tree, entry->path, "mknodat", parent, err);
}

/*
 * A whiteout is for what lower layers have: they are in other directories, or were in this one
 * before. What this layer has by the name stays.
 */
static int place_whiteout(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	const char *base = path_base(entry->path);
	struct stat status;
	struct parent *parent;
	int r = open_hiding(tree, entry, &parent, err);

	if (r < 0)
		return r;
	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(status.st_mode))
			return 0;
		cleanup_fd int fd = tree_open_directory(parent->fd, base);
		return fd < 0 ? fail(err, -fd, "open directory", entry->path)
			      : tree_mark_directory_opaque(tree, fd, entry->path, err);
	}
	if (tree->storage == NULL && is_in_opaque(tree, parent->fd))
		return 0;
	r = overlay_expect_whiteout(&tree->overlay, parent->fd);
	if (r < 0)
		return fail_because(err, -r, "mark directory of whiteouts", entry->path, "%s",
			tree->overlay.opaque);
	return make_whiteout(tree, entry, err);
}

/*
 * A layer may hide a directory and what was in it besides: containers/storage makes
 * nothing of the second.
 */
static bool hides_in_nothing(struct tree *tree, const struct entry *entry)
{
	struct parent *parent;

	return tree->storage != NULL &&
	       parents_open(tree->parents, entry->path, path_parent_length(entry->path), &parent) ==
		       -ENOTDIR;
}

int tree_place_character_device(
	struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	if (tree->overlay.opaque != NULL && entry->device_major == 0 && entry->device_minor == 0)
		return hides_in_nothing(tree, entry) ? 0 : place_whiteout(tree, entry, err);
	return tree_place_unopened(tree, entry, tree_rules(tree), err);
}

/* --- whiteouts that are carried out --- */

/* What is nowhere to be found needs no removing. */
static bool is_nowhere(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

int tree_remove(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *parent;
	int r = parents_open(tree->parents, path, path_parent_length(path), &parent);

	if (is_nowhere(r))
		return 0;
	if (r < 0)
		return tree_fail_parent(tree, -r, "remove", path, err);
	return remove_lower(tree, parent, path, err);
}

/* The directory of that very name: what a symlink leads to is not what is hidden. */
static int open_plain(struct tree *tree, const char *path, struct parent **directory)
{
	struct parent *parent;
	struct stat status;
	int r = parents_open(tree->parents, path, path_parent_length(path), &parent);

	if (r == 0 && *path != '\0' &&
		fstatat(parent->fd, path_base(path), &status, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r == 0 && *path != '\0' && !S_ISDIR(status.st_mode))
		r = -ENOTDIR;
	return r < 0 ? r : parents_open(tree->parents, path, strlen(path), directory);
}

/* The directory at path, which is lent no longer then. */
static int empty(struct tree *tree, const struct parent *directory, const char *path,
	struct oakum_error *err)
{
	if (placed_has(&tree->placed, &directory->inode, ""))
		return 0;
	if (tree_note_changed(tree, &directory->inode, path, strlen(path), err) < 0)
		return -err->code;
	int r = remove_content(directory->fd, &tree->placed);
	parents_forget(tree->parents);
	return r < 0 ? fail(err, -r, "empty", path) : 0;
}

int tree_empty(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *directory;
	int r = open_plain(tree, path, &directory);

	if (is_nowhere(r))
		return 0;
	if (r < 0)
		return tree_fail_parent(tree, -r, "empty", path, err);
	return empty(tree, directory, path, err);
}

/* What a symlink leads to is not what is marked: the same as where it is carried out. */
static bool is_symlink(struct tree *tree, const char *path)
{
	struct parent *parent;
	struct stat status;

	return *path != '\0' &&
	       parents_open(tree->parents, path, path_parent_length(path), &parent) == 0 &&
	       fstatat(parent->fd, path_base(path), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(status.st_mode);
}

int tree_mark_opaque(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *directory;

	if (tree->storage == NULL && is_symlink(tree, path))
		return 0;
	int r = tree_open_or_make(tree, path, strlen(path), &directory);
	if (r < 0)
		return tree_fail_parent(tree, -r, "mark opaque", path, err);
	r = tree_mark_directory_opaque(tree, directory->fd, path, err);
	if (r < 0 || !tree->is_tracking)
		return r;
	return empty(tree, directory, path, err);
}
