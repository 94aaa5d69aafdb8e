/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree_parts.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LOOK_BYTES = 1 << 10 }; /* a name of any length, and some more */

static bool has_name(const char *batch, ssize_t length)
{
	for (ssize_t at = 0; at < length;) {
		const struct dirent64 *entry = (const struct dirent64 *)(const void *)(batch + at);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return true;
		at += entry->d_reclen;
	}
	return false;
}

/* One that cannot be looked into may have anything in it. */
static bool is_known_empty(int root_fd)
{
	_Alignas(struct dirent64) char batch[LOOK_BYTES];
	cleanup_fd int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t length = -1;

	while (fd >= 0 && (length = getdents64(fd, batch, sizeof(batch))) > 0) {
		if (has_name(batch, length))
			return false;
	}
	return length == 0;
}

/*
 * What was there before is of lower layers, and gives way to whiteouts. For overlayfs a layer
 * has a directory of its own, which is empty at first: then nothing has to be told apart.
 */
static void expect_lower(struct tree *tree, const struct tree_options *options)
{
	tree->overlay = overlay_of(options->whiteouts, options->whiteout_form);
	tree->is_tracking = options->whiteouts == OAKUM_WHITEOUTS_APPLY;
	if (tree->overlay.opaque == NULL || tree->storage != NULL ||
		is_known_empty(options->root_fd))
		return;
	tree->is_tracking = true;
	tree->overlay.has_opaque = true; /* one may be there */
}

static int open_parts(struct tree *tree, int root_fd)
{
	struct inode root;
	struct stat status;
	int r = placed_init(&tree->placed);

	if (r < 0)
		return r;
	if (fstat(root_fd, &status) < 0)
		return -errno;
	root = (struct inode){ .device = status.st_dev, .number = status.st_ino };
	tree->parents = parents_new(root_fd);
	tree->deferred = deferred_new(root_fd, &root, tree->forgiven);
	return tree->parents == NULL || tree->deferred == NULL ? -ENOMEM : 0;
}

int tree_new(const struct tree_options *options, struct tree **tree, struct oakum_error *err)
{
	struct tree *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare tree", NULL);
	new->storage = options->storage;
	expect_lower(new, options);
	new->forgiven = options->forgiven;
	new->durable = options->durable;
	new->maker = (struct owner){ geteuid(), getegid() };
	int r = open_parts(new, options->root_fd);
	new->placed.syncs = durable_has_directories(new->durable);
	if (r < 0) {
		tree_free(new);
		return fail(err, -r, "open rootfs", NULL);
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

const struct metadata_rules *tree_rules(const struct tree *tree)
{
	return tree->storage == NULL ? NULL : &tree->storage->metadata;
}

struct metadata tree_metadata(const struct tree *tree, const struct metadata_rules *rules,
	const struct entry *entry, bool is_plain)
{
	struct metadata metadata = metadata_by(rules, entry, tree->maker, is_plain);

	metadata.forgiven = tree->forgiven;
	return metadata;
}

int tree_note_changed(struct tree *tree, const struct inode *directory, const char *path,
	size_t length, struct oakum_error *err)
{
	if (!durable_has_directories(tree->durable))
		return 0;
	int r = deferred_note_changed(tree->deferred, directory, path, length);
	return r < 0 ? fail(err, -r, "remember", path) : 0;
}

int tree_place(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	switch (entry->type) {
	case ENTRY_DIRECTORY:
		return tree_place_directory(tree, entry, err);
	case ENTRY_HARD_LINK:
		return tree_place_hard_link(tree, entry, err);
	case ENTRY_CHARACTER_DEVICE:
		return tree_place_character_device(tree, entry, err);
	case ENTRY_SYMLINK:
	case ENTRY_BLOCK_DEVICE:
	case ENTRY_FIFO:
		return tree_place_unopened(tree, entry, tree_rules(tree), err);
	case ENTRY_FILE:
		break;
	}
	return fail(err, EINVAL, "place", entry->path);
}

int tree_set_xattr(
	struct tree *tree, const char *path, const struct xattr *xattr, struct oakum_error *err)
{
	struct parent *directory;
	int r = parents_open(tree->parents, path, strlen(path), &directory);

	if (r < 0)
		return tree_fail_parent(tree, -r, "openat", path, err);
	if (fsetxattr(directory->fd, xattr->name, xattr->value, xattr->value_bytes, 0) < 0)
		return fail_because(err, errno, "setxattr", path, "%s", xattr->name);
	return 0;
}

int tree_finish(struct tree *tree, struct oakum_error *err)
{
	return deferred_apply(tree->deferred, tree->parents, err);
}

int tree_sync(struct tree *tree, struct oakum_error *err)
{
	struct parent *root;
	int r = 0;

	if (tree->durable == NULL)
		return 0;
	if (durable_has_directories(tree->durable))
		r = deferred_sync(tree->deferred, tree->parents, err);
	if (r < 0)
		return r;
	r = parents_open(tree->parents, "", 0, &root);
	return r < 0 ? fail(err, -r, "open rootfs", NULL)
		     : durable_sync_all(tree->durable, root->fd, err);
}
