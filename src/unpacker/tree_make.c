/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree_parts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/go_text.h"
#include "layer/path.h"
#include "unpacker/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* --- whatever has the name --- */

int tree_note_placed(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err)
{
	if (tree->is_tracking && placed_add(&tree->placed, &parent->inode, path_base(path)) < 0)
		return fail(err, ENOMEM, "remember", path);
	return tree_note_changed(tree, &parent->inode, path, path_parent_length(path), err);
}

int tree_remove_there(struct tree *tree, const struct parent *parent, const char *path,
	struct placed *spared, struct oakum_error *err)
{
	const char *base = path_base(path);
	struct stat status;

	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "fstatat", path);
	int r = tree_note_changed(tree, &parent->inode, path, path_parent_length(path), err);
	if (r < 0)
		return r;
	r = remove_name(parent, base, spared);
	if (S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode))
		parents_forget(tree->parents);
	return r < 0 ? fail(err, -r, "remove", path) : 0;
}

static int clear_way(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err)
{
	return tree_remove_there(tree, parent, path, NULL, err);
}

/* Some callers want no directory to give way to another thing, nor that to one. */
static int check_kind(const struct tree *tree, const struct parent *parent,
	const struct entry *entry, struct oakum_error *err)
{
	struct stat status;
	char path[GO_QUOTED_BYTES];
	char slashed[GO_QUOTED_BYTES];
	char destination[GO_QUOTED_BYTES];

	if (tree->storage == NULL || !tree->storage->keeps_kinds ||
		fstatat(parent->fd, path_base(entry->path), &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		S_ISDIR(status.st_mode) == (entry->type == ENTRY_DIRECTORY))
		return 0;
	snprintf(slashed, sizeof(slashed), "/%s", entry->path);
	bool is_directory = S_ISDIR(status.st_mode);
	return fail_because(err, EEXIST, "", entry->path,
		"cannot overwrite %sdirectory %s with %sdirectory %s", is_directory ? "" : "non-",
		go_quote(slashed, path), is_directory ? "non-" : "",
		go_quote(tree->storage->destination, destination));
}

int tree_replace(struct tree *tree, const struct parent *parent, const struct entry *entry,
	struct oakum_error *err)
{
	int r = check_kind(tree, parent, entry, err);

	return r < 0 ? r : clear_way(tree, parent, entry->path, err);
}

int tree_clear(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct parent *parent;
	int r = tree_open_or_make(tree, entry->path, path_parent_length(entry->path), &parent);

	/* Below what is no directory nothing has the name, and nothing will have it. */
	if (r == -ENOTDIR || r == -ELOOP || r == -ENOENT)
		return 0;
	if (r < 0)
		return tree_fail_parent(tree, -r, "mknodat", entry->path, err);
	return tree_replace(tree, parent, entry, err);
}

/* --- all but directories and hard links: one system call makes them --- */

static int make_file(int directory_fd, const char *name, const struct entry *entry)
{
	int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		entry->mode & 0777);

	return fd < 0 ? -errno : fd;
}

static int make_symlink(int directory_fd, const char *name, const struct entry *entry)
{
	return symlinkat(entry->link, directory_fd, name) < 0 ? -errno : 0;
}

static int make_character_device(int directory_fd, const char *name, const struct entry *entry)
{
	dev_t device = makedev(entry->device_major, entry->device_minor);

	return mknodat(directory_fd, name, S_IFCHR | (entry->mode & 0777), device) < 0 ? -errno : 0;
}

static int make_block_device(int directory_fd, const char *name, const struct entry *entry)
{
	dev_t device = makedev(entry->device_major, entry->device_minor);

	return mknodat(directory_fd, name, S_IFBLK | (entry->mode & 0777), device) < 0 ? -errno : 0;
}

static int make_fifo(int directory_fd, const char *name, const struct entry *entry)
{
	return mknodat(directory_fd, name, S_IFIFO | (entry->mode & 0777), 0) < 0 ? -errno : 0;
}

static const struct {
	int (*make)(int directory_fd, const char *name, const struct entry *entry);
	const char *op;
} makers[] = {
	[ENTRY_FILE] = { make_file, "openat" },
	[ENTRY_SYMLINK] = { make_symlink, "symlinkat" },
	[ENTRY_CHARACTER_DEVICE] = { make_character_device, "mknodat" },
	[ENTRY_BLOCK_DEVICE] = { make_block_device, "mknodat" },
	[ENTRY_FIFO] = { make_fifo, "mknodat" },
};

static int fail_making(
	const struct tree *tree, int code, const struct entry *entry, struct oakum_error *err)
{
	const char *op = makers[entry->type].op;

	if (tree->storage != NULL && entry->type == ENTRY_SYMLINK)
		return fail_because(err, code, op, entry->path, "%s", entry->link);
	if (tree->storage == NULL && code == EPERM &&
		(entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE))
		return fail_because(err, code, op, entry->path,
			"devices need CAP_MKNOD outside of user namespaces; --devices=skip leaves "
			"them out");
	return fail(err, code, op, entry->path);
}

/* Replaces what has the name already. A descriptor of a file, 0 of all others, or -errno. */
static int make(struct tree *tree, const struct entry *entry, struct parent **parent,
	struct oakum_error *err)
{
	const char *base = path_base(entry->path);
	int r = -EEXIST;

	for (int tries = 0; r == -EEXIST && tries < TREE_REPLACE_TRIES; tries++) {
		int opened =
			tree_open_parent(tree, entry->path, makers[entry->type].op, parent, err);
		if (opened < 0)
			return tree->storage == NULL ? opened
						     : fail_making(tree, -opened, entry, err);
		r = makers[entry->type].make((*parent)->fd, base, entry);
		if (r == -EEXIST && tree_replace(tree, *parent, entry, err) < 0)
			return -err->code;
	}
	return r < 0 ? fail_making(tree, -r, entry, err) : r;
}

int tree_create_file(struct tree *tree, const struct entry *entry, int *file_fd,
	struct metadata *metadata, struct oakum_error *err)
{
	struct parent *parent;
	int r = make(tree, entry, &parent, err);

	if (r < 0)
		return r;
	cleanup_fd int fd = r;
	r = tree_note_placed(tree, parent, entry->path, err);
	if (r < 0)
		return r;
	*metadata = tree_metadata(tree, tree_rules(tree), entry, parents_is_plain(parent));
	*file_fd = steal_fd(&fd);
	return 0;
}

int tree_place_unopened(struct tree *tree, const struct entry *entry,
	const struct metadata_rules *rules, struct oakum_error *err)
{
	struct parent *parent;
	int r = make(tree, entry, &parent, err);

	if (r == 0)
		r = tree_note_placed(tree, parent, entry->path, err);
	if (r < 0)
		return r;
	const struct metadata metadata =
		tree_metadata(tree, rules, entry, parents_is_plain(parent));
	return metadata_apply_at(&metadata, parent->fd, path_base(entry->path), entry, err);
}
