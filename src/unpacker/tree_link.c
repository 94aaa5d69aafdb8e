/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree_parts.h"

#include "base/error.h"
#include "layer/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_link(
	const struct tree *tree, int code, const struct entry *entry, struct oakum_error *err)
{
	if (tree->storage != NULL)
		return fail(err, code, "linkat", entry->path);
	if (code == ENOENT)
		return fail_because(err, EBADMSG, "linkat", entry->path,
			"its target does not exist: it comes later, or was left out");
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
	struct parent *parent;
	struct parent *target_parent;
	int r = tree_open_parent(tree, entry->path, "linkat", &parent, err);

	if (r < 0)
		return r;
	r = parents_open(
		tree->parents, entry->link, path_parent_length(entry->link), &target_parent);
	if (r < 0)
		return fail_link(tree, -r, entry, err);
	if (tree->storage == NULL && overlay_is_whiteout(&tree->overlay, target_parent->fd, target))
		return fail_link(tree, ENOENT, entry, err);
	/* Flags 0: a link to a symlink is to itself, not to what it points at. */
	if (linkat(target_parent->fd, target, parent->fd, base, 0) == 0)
		return tree_note_placed(tree, parent, entry->path, err) < 0 ? -err->code : 1;
	if (errno != EEXIST)
		return fail_link(tree, errno, entry, err);
	if (is_same_file(parent, base, target_parent, target))
		return tree_note_placed(tree, parent, entry->path, err) < 0 ? -err->code : 1;
	return tree_replace(tree, parent, entry, err);
}

/* Does the name lead to something that is no symlink, taken as it stands from the root? */
static bool leads_to_file(struct tree *tree, const char *name)
{
	struct stat status;

	return parents_stat(tree->parents, name, &status) == 0 && !S_ISLNK(status.st_mode);
}

/*
 * containers/storage gives the linked file what the entry of the link says. Mode and
 * times only if the link's target is found from the root, whatever the destination.
 */
static int pass_on_metadata(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct metadata metadata = tree_metadata(tree, tree_rules(tree), entry, false);
	const bool leads = leads_to_file(tree, entry->link_name);
	const char *base = path_base(entry->path);
	struct parent *parent;
	struct stat status;
	int r = tree_open_parent(tree, entry->path, "linkat", &parent, err);

	if (r < 0)
		return r;
	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "fstatat", entry->path);
	if (metadata.sets_owner)
		metadata.sets_owner =
			status.st_uid != metadata.uid || status.st_gid != metadata.gid;
	metadata.sets_mode = leads && !S_ISLNK(status.st_mode);
	metadata.sets_mtime = metadata.sets_mode;
	metadata.sets_atime = metadata.sets_mode;
	return metadata_apply_at(&metadata, parent->fd, base, entry, err);
}

/* Link entries change no metadata: it is that of the file they name (POSIX pax). */
int tree_place_hard_link(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	int r = 0;

	for (int tries = 0; r == 0 && tries < TREE_REPLACE_TRIES; tries++)
		r = try_link(tree, entry, err);
	if (r == 0)
		return fail(err, EEXIST, "linkat", entry->path);
	if (r < 0 || tree->storage == NULL)
		return r < 0 ? r : 0;
	return pass_on_metadata(tree, entry, err);
}
