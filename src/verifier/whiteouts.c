/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/comparison.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* --- what they leave nothing of --- */

/* A symlink, or what it leads to, is not what an opaque marker empties. */
int whiteouts_compare_removed(
	struct comparison *comparison, enum hold hold, const char *path, struct oakum_error *err)
{
	const struct difference seen = { .kind = DIFFERS_REMOVED, .path = path };
	struct stat status;
	int r = comparison_look(comparison, path, &status, err);

	if (r <= 0 || (hold == HOLD_CONTENT && !S_ISDIR(status.st_mode)))
		return r < 0 ? r : 0;
	return differences_hold(comparison->differences, hold, &seen, err);
}

/* --- of overlayfs --- */

/* 1, 0, or -errno with *err. */
static int is_opaque(struct comparison *c, const char *path, size_t length, struct oakum_error *err)
{
	struct parent *directory;
	int r = parents_open(c->parents, path, length, &directory);

	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	return r < 0 ? fail(err, -r, "open", path) : overlay_is_opaque(&c->overlay, directory->fd);
}

static bool is_inode(int fd, struct inode *inode)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	*inode = (struct inode){ .device = status.st_dev, .number = status.st_ino };
	return true;
}

/* The lowest directory above the name that is there: 1, or -errno. */
static int open_above(
	struct comparison *c, const char *path, struct parent **above, struct oakum_error *err)
{
	size_t length = path_parent_length(path);
	int r;

	while ((r = comparison_open(c, path, length, above, err)) == 0 && length > 0) {
		while (length > 0 && path[length - 1] != '/')
			length--;
		length -= length > 0;
	}
	return r;
}

/*
 * Is one of the directories above it? Then there is nothing that it could hide. By "..", for
 * the path may lead through symlinks, up to the rootfs; above the root of all there is only itself.
 */
static int is_in_opaque(struct comparison *c, const char *path, struct oakum_error *err)
{
	struct inode here = { 0 };
	struct parent *root;
	struct parent *parent;
	int r = open_above(c, path, &parent, err);

	if (r <= 0)
		return r;
	r = parents_open(c->parents, "", 0, &root);
	if (r < 0)
		return fail(err, -r, "open rootfs", path);
	int fd = parent->fd;
	cleanup_fd int above_fd = -1;
	for (;;) {
		const struct inode below = here;
		if (overlay_is_passed_opaque(&c->overlay, fd))
			return 1;
		if (!is_inode(fd, &here) || is_same_inode(&here, &root->inode) ||
			is_same_inode(&here, &below))
			return 0;
		int next_fd = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next_fd < 0)
			return 0;
		close_fd(&above_fd);
		above_fd = next_fd;
		fd = next_fd;
	}
}

static int hold_unless_opaque(struct comparison *c, enum hold hold, const struct difference *lacks,
	struct oakum_error *err)
{
	int r = is_in_opaque(c, lacks->path, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return differences_hold(c->differences, hold, lacks, err);
}

int whiteouts_compare_opaque(
	struct comparison *comparison, const char *path, struct oakum_error *err)
{
	const struct difference lacks = { .kind = LACKS_OPAQUE, .path = path };
	struct stat status;
	int r = ways_compare(comparison, path, strlen(path), err);

	if (r >= 0)
		r = comparison_look(comparison, path, &status, err);
	if (r > 0 && S_ISLNK(status.st_mode))
		return 0;
	if (r >= 0)
		r = comparison_mark(comparison, path, BROUGHT_OPAQUE, err);
	if (r >= 0)
		r = is_opaque(comparison, path, strlen(path), err);
	if (r == 0)
		r = differences_hold(comparison->differences, HOLD_MARK, &lacks, err);
	if (r < 0)
		return r;
	return whiteouts_compare_removed(comparison, HOLD_CONTENT, path, err);
}

/* The whiteout itself is of the layer. */
static int note(struct comparison *c, const char *path, struct oakum_error *err)
{
	struct parent *parent;
	int r = comparison_parent(c, path, &parent, err);

	if (r > 0 && brought_add(c->brought, &parent->inode, path_base(path)) < 0)
		return fail(err, ENOMEM, "remember", path);
	return r < 0 ? r : 0;
}

/* 1 if the directory that the whiteout is in is there, *parent, else 0, or -errno. */
static int open_hiding(struct comparison *c, const struct entry *entry, struct parent **parent,
	struct oakum_error *err)
{
	int r = ways_compare(c, entry->path, path_parent_length(entry->path), err);

	if (r >= 0)
		r = comparison_parent(c, entry->path, parent, err);
	if (r <= 0 || c->overlay.whiteout.name == NULL)
		return r;
	if (brought_mark(c->brought, &(*parent)->inode, BROUGHT_WHITEOUTS) < 0)
		return fail(err, ENOMEM, "remember", entry->path);
	return 1;
}

/* A whiteout where overlayfs does not look for one is an empty file to it. */
static bool hides(const struct comparison *c, const struct parent *parent, const char *name)
{
	return overlay_is_whiteout(&c->overlay, parent->fd, name) &&
	       overlay_looks_for_whiteouts(&c->overlay, parent->fd);
}

/* A directory hides as well if it is opaque, and has nothing in it but what the layer brings. */
static int compare_directory(
	struct comparison *comparison, const char *path, struct oakum_error *err)
{
	const struct difference lacks = { .kind = LACKS_OPAQUE, .path = path };
	int r = comparison_mark(comparison, path, BROUGHT_OPAQUE, err);

	if (r == 0)
		r = is_opaque(comparison, path, strlen(path), err);
	if (r == 0)
		r = hold_unless_opaque(comparison, HOLD_MARK, &lacks, err);
	if (r < 0)
		return r;
	return whiteouts_compare_removed(comparison, HOLD_NAME, path, err);
}

/* What the layer brings by the name hides as well. */
int whiteouts_compare(
	struct comparison *comparison, const struct entry *entry, struct oakum_error *err)
{
	struct difference lacks = { .kind = LACKS_WHITEOUT, .path = entry->path };
	struct parent *parent;
	struct stat status;
	int r = open_hiding(comparison, entry, &parent, err);

	if (r > 0 && hides(comparison, parent, path_base(entry->path)))
		return note(comparison, entry->path, err);
	if (r >= 0)
		r = comparison_look(comparison, entry->path, &status, err);
	if (r < 0)
		return r;
	if (r > 0 && S_ISDIR(status.st_mode))
		return compare_directory(comparison, entry->path, err);
	if (r > 0)
		lacks.kind = HIDES_NOTHING;
	return hold_unless_opaque(comparison, HOLD_UNLESS, &lacks, err);
}
