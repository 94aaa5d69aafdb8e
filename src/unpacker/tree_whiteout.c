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

/* All that is in it hides nothing now; containers/storage leaves the whiteouts there. */
int tree_mark_directory_opaque(
	struct tree *tree, int directory_fd, const char *path, struct oakum_error *err)
{
	int r = 0;

	if (overlay_is_opaque(&tree->overlay, directory_fd))
		return 0;
	if (tree->overlay.has_whiteouts && tree->storage == NULL)
		r = overlay_remove_whiteouts(&tree->overlay, directory_fd, &tree->placed);
	if (r < 0)
		return fail(err, -r, "remove whiteouts", path);
	r = overlay_mark_opaque(&tree->overlay, directory_fd);
	if (r < 0)
		return fail_because(err, -r, "mark opaque", path,
			"%s: the mark of an opaque directory cannot be set", tree->overlay.opaque);
	return 0;
}

/* Nothing of a lower layer is seen where one directory on the way is opaque. */
static bool is_below_opaque(struct tree *tree, const char *path)
{
	const size_t length = path_parent_length(path);
	size_t end = 0;
	struct parent *above;

	if (!tree->overlay.has_opaque || tree->storage != NULL)
		return false;
	for (;; end = tree_next_end(path, end)) {
		if (parents_open(tree->parents, path, end, &above) == 0 &&
			overlay_is_opaque(&tree->overlay, above->fd))
			return true;
		if (end == length)
			return false;
	}
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
	return r < 0 ? r : metadata_apply(&metadata, fd, entry->path, err);
}

/*
 * A whiteout is for what lower layers have: here they are in other directories,
 * and what is in this one is of this layer and stays.
 */
static int place_whiteout(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	const char *base = path_base(entry->path);
	struct stat status;
	struct parent *parent;
	int r = tree_open_parent(tree, entry->path, "mknodat", &parent, err);

	if (r < 0)
		return r;
	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(status.st_mode))
			return 0;
		cleanup_fd int fd = tree_open_directory(parent->fd, base);
		return fd < 0 ? fail(err, -fd, "open directory", entry->path)
			      : tree_mark_directory_opaque(tree, fd, entry->path, err);
	}
	if (is_below_opaque(tree, entry->path))
		return 0;
	r = tree_open_parent(tree, entry->path, "mknodat", &parent, err);
	if (r < 0)
		return r;
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
	/* All that is in a directory of this layer is of this layer. */
	if (placed_has(&tree->placed, &parent->inode, ""))
		return 0;
	return tree_remove_there(tree, parent, path, &tree->placed, err);
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

int tree_empty(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *directory;
	int r = open_plain(tree, path, &directory);

	if (is_nowhere(r))
		return 0;
	if (r < 0)
		return tree_fail_parent(tree, -r, "empty", path, err);
	if (placed_has(&tree->placed, &directory->inode, ""))
		return 0;
	r = remove_content(directory->fd, &tree->placed);
	parents_forget(tree->parents);
	return r < 0 ? fail(err, -r, "empty", path) : 0;
}

int tree_mark_opaque(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *directory;
	int r = tree_open_or_make(tree, path, strlen(path), &directory);

	if (r < 0)
		return tree_fail_parent(tree, -r, "mark opaque", path, err);
	return tree_mark_directory_opaque(tree, directory->fd, path, err);
}
