/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/go_text.h"
#include "layer/path.h"
#include "unpacker/deferred.h"
#include "unpacker/overlay.h"
#include "unpacker/parents.h"
#include "unpacker/placed.h"
#include "unpacker/remove.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum {
	IMPLIED_MODE = 0755,  /* of directories that no entry tells about */
	OWNER_ALL = 0700,     /* directories are filled before they get their mode */
	WHITEOUT_MODE = 0600, /* its attribute is set by its owner's right to write */
	REPLACE_TRIES = 8,    /* somebody else may make the name again and again */
};

struct tree {
	bool is_tracking; /* whiteouts are carried out: what is placed must be known */
	struct overlay overlay;
	const struct tree_storage *storage; /* NULL: oakum's own ways */
	_Atomic(uint64_t) *unset_owners;    /* NULL: one that cannot be set is an error */
	struct owner maker;
	struct parents *parents;
	struct deferred *deferred;
	struct placed placed;
};

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
	tree->deferred = deferred_new(&root, tree->unset_owners);
	return tree->parents == NULL || tree->deferred == NULL ? -ENOMEM : 0;
}

int tree_new(const struct tree_options *options, struct tree **tree, struct oakum_error *err)
{
	struct tree *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare tree", NULL);
	new->is_tracking = options->whiteouts == OAKUM_WHITEOUTS_APPLY;
	new->overlay = overlay_of(options->whiteouts, options->whiteout_form);
	new->storage = options->storage;
	new->unset_owners = options->unset_owners;
	new->maker = (struct owner){ geteuid(), getegid() };
	int r = open_parts(new, options->root_fd);
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

/* --- parents --- */

/* A path that cannot be is the layer's fault, or that of the layers below: never "try again". */
static int fail_parent(const struct tree *tree, int code, const char *op, const char *path,
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

static int open_directory(int directory_fd, const char *name)
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
	cleanup_fd int fd = open_directory(above->fd, name);
	int r = 0;

	if (fd >= 0 && tree->storage == NULL && !parents_is_plain(above))
		r = metadata_make_plain(fd, tree->maker, mode);
	return r < 0 ? r : steal_fd(&fd);
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
	if (tree->is_tracking && placed_add(&tree->placed, &known.inode, "") < 0)
		return -ENOMEM;
	return deferred_add(tree->deferred, &known, NULL);
}

/* A whiteout and a directory of one name are a directory that hides all below it. */
static int replace_whiteout(struct tree *tree, int directory_fd, const char *name)
{
	if (unlinkat(directory_fd, name, 0) < 0 ||
		mkdirat(directory_fd, name, implied_mode(tree)) < 0)
		return -errno;
	cleanup_fd int fd = open_directory(directory_fd, name);
	return fd < 0 ? fd : overlay_mark_opaque(&tree->overlay, fd);
}

/* The directory at the first length bytes of path, which no entry told about, in one that is there.
 */
static int make_implied(struct tree *tree, const char *path, size_t length, struct parent **made)
{
	struct deferred_place place = { .path = path, .path_length = length };
	char name[NAME_MAX + 1];
	struct parent *above;
	size_t base = length;

	while (base > 0 && path[base - 1] != '/')
		base--;
	if (length - base > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + base, length - base);
	name[length - base] = '\0';
	int r = parents_open(tree->parents, path, base > 0 ? base - 1 : 0, &above);
	if (r == 0 && mkdirat(above->fd, name, implied_mode(tree)) < 0)
		r = -errno;
	if (r == -EEXIST && overlay_is_whiteout(&tree->overlay, above->fd, name))
		r = replace_whiteout(tree, above->fd, name);
	if (r < 0)
		return r;
	place.above = above->inode;
	cleanup_fd int fd = open_made(tree, above, name, implied_mode(tree));
	r = fd < 0 ? fd : set_implied_owner(tree, above, fd);
	return r < 0 ? r : keep_made(tree, &place, makes_plain(tree, above), &fd, made);
}

static size_t next_end(const char *path, size_t end)
{
	end += end > 0; /* the slash */
	return end + strcspn(path + end, "/");
}

/* Opens the directory at the first length bytes of path; makes it and those above it if missing. */
static int open_or_make(struct tree *tree, const char *path, size_t length, struct parent **parent)
{
	int r = parents_open(tree->parents, path, length, parent);
	const int why = r;

	if (r != -ENOENT && (r != -ENOTDIR || tree->overlay.opaque == NULL))
		return r;
	size_t end = next_end(path, parents_reach(tree->parents, path, length));
	/* Of the last component it is known, and in a directory made just now there is nothing. */
	bool is_missing = end == length;
	for (;; end = next_end(path, end)) {
		r = is_missing ? why : parents_open(tree->parents, path, end, parent);
		if (r == -ENOENT || r == -ENOTDIR) {
			int made = make_implied(tree, path, end, parent);
			/* EEXIST: it is a symlink to nowhere, or no directory. */
			r = made == -EEXIST ? r : made;
			is_missing = true;
		}
		if (r < 0 || end == length)
			return r;
	}
}

/* op: what for; the name of the operation that cannot be done then. */
static int open_parent_of(struct tree *tree, const char *path, const char *op,
	struct parent **parent, struct oakum_error *err)
{
	int r = open_or_make(tree, path, path_parent_length(path), parent);

	return r < 0 ? fail_parent(tree, -r, op, path, err) : 0;
}

static int note_placed(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err)
{
	if (tree->is_tracking && placed_add(&tree->placed, &parent->inode, path_base(path)) < 0)
		return fail(err, ENOMEM, "remember", path);
	return 0;
}

/* --- whatever has the name --- */

/*
 * Takes it away, for the last entry of a name wins. It is never opened: it may
 * be a device, or a fifo that nobody reads.
 */
static int remove_there(struct tree *tree, const struct parent *parent, const char *path,
	struct placed *spared, struct oakum_error *err)
{
	const char *base = path_base(path);
	struct stat status;

	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "fstatat", path);
	int r = remove_name(parent, base, spared);
	if (S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode))
		parents_forget(tree->parents);
	return r < 0 ? fail(err, -r, "remove", path) : 0;
}

static int clear_way(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err)
{
	return remove_there(tree, parent, path, NULL, err);
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

static int replace(struct tree *tree, const struct parent *parent, const struct entry *entry,
	struct oakum_error *err)
{
	int r = check_kind(tree, parent, entry, err);

	return r < 0 ? r : clear_way(tree, parent, entry->path, err);
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

	for (int tries = 0; r == -EEXIST && tries < REPLACE_TRIES; tries++) {
		int opened = open_parent_of(tree, entry->path, makers[entry->type].op, parent, err);
		if (opened < 0)
			return tree->storage == NULL ? opened
						     : fail_making(tree, -opened, entry, err);
		r = makers[entry->type].make((*parent)->fd, base, entry);
		if (r == -EEXIST && replace(tree, *parent, entry, err) < 0)
			return -err->code;
	}
	return r < 0 ? fail_making(tree, -r, entry, err) : r;
}

static const struct metadata_rules *rules_of(const struct tree *tree)
{
	return tree->storage == NULL ? NULL : &tree->storage->metadata;
}

static struct metadata metadata_for(const struct tree *tree, const struct metadata_rules *rules,
	const struct entry *entry, bool is_plain)
{
	struct metadata metadata = metadata_by(rules, entry, tree->maker, is_plain);

	metadata.unset_owners = tree->unset_owners;
	return metadata;
}

int tree_create_file(struct tree *tree, const struct entry *entry, int *file_fd,
	struct metadata *metadata, struct oakum_error *err)
{
	struct parent *parent;
	int r = make(tree, entry, &parent, err);

	if (r < 0)
		return r;
	cleanup_fd int fd = r;
	r = note_placed(tree, parent, entry->path, err);
	if (r < 0)
		return r;
	*metadata = metadata_for(tree, rules_of(tree), entry, parents_is_plain(parent));
	*file_fd = steal_fd(&fd);
	return 0;
}

static int place_unopened(struct tree *tree, const struct entry *entry,
	const struct metadata_rules *rules, struct oakum_error *err)
{
	struct parent *parent;
	int r = make(tree, entry, &parent, err);

	if (r == 0)
		r = note_placed(tree, parent, entry->path, err);
	if (r < 0)
		return r;
	const struct metadata metadata = metadata_for(tree, rules, entry, parents_is_plain(parent));
	return metadata_apply_at(&metadata, parent->fd, path_base(entry->path), entry, err);
}

/* --- the whiteouts of overlayfs --- */

/* All that is in it hides nothing now; containers/storage leaves the whiteouts there. */
static int mark_opaque(
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
	for (;; end = next_end(path, end)) {
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
		return place_unopened(tree, entry, NULL, err);
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
	int r = open_parent_of(tree, entry->path, "mknodat", &parent, err);

	if (r < 0)
		return r;
	if (fstatat(parent->fd, base, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(status.st_mode))
			return 0;
		cleanup_fd int fd = open_directory(parent->fd, base);
		return fd < 0 ? fail(err, -fd, "open directory", entry->path)
			      : mark_opaque(tree, fd, entry->path, err);
	}
	if (is_below_opaque(tree, entry->path))
		return 0;
	r = open_parent_of(tree, entry->path, "mknodat", &parent, err);
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

static int place_character_device(
	struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	if (tree->overlay.opaque != NULL && entry->device_major == 0 && entry->device_minor == 0)
		return hides_in_nothing(tree, entry) ? 0 : place_whiteout(tree, entry, err);
	return place_unopened(tree, entry, rules_of(tree), err);
}

/* --- directories --- */

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
	cleanup_fd int fd = open_directory(above->fd, path_base(entry->path));

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
	struct metadata metadata = metadata_for(
		tree, rules_of(tree), entry, found->is_new && makes_plain(tree, found->above));

	metadata.sets_mode |= (entry->mode & OWNER_ALL) != OWNER_ALL;
	metadata.replaces_xattrs = !found->is_new && tree->storage == NULL;
	if (tree->storage != NULL && set_at_once(found->directory, &metadata, entry, err) < 0)
		return -err->code;
	if (deferred_add(tree->deferred, &place, &metadata) < 0)
		return fail(err, ENOMEM, "remember", entry->path);
	return 0;
}

static int place_root(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct found found = { 0 };
	int r = parents_open(tree->parents, "", 0, &found.directory);

	if (r < 0)
		return fail_parent(tree, -r, "openat", entry->path, err);
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

	for (int tries = 0; r == -EEXIST && tries < REPLACE_TRIES; tries++) {
		int opened = open_parent_of(tree, entry->path, "mkdirat", &found->above, err);
		if (opened < 0)
			return opened;
		r = make_directory(tree, entry, found->above, &found->directory);
		found->is_new = r == 0;
		if (r == -EEXIST)
			r = keep_existing(tree, entry, found->above, &found->directory);
		if (r != -ENOTDIR && r != -ELOOP)
			continue;
		is_opaque |= hides_lower(tree, found->above, base);
		if (replace(tree, found->above, entry, err) < 0)
			return -err->code;
		r = -EEXIST;
	}
	if (r < 0)
		return fail(err, -r, "mkdirat", entry->path);
	return is_opaque ? mark_opaque(tree, found->directory->fd, entry->path, err) : 0;
}

static int place_directory(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	struct found found;

	if (*entry->path == '\0')
		return place_root(tree, entry, err);
	int r = get_directory(tree, entry, &found, err);
	if (r == 0)
		r = note_placed(tree, found.above, entry->path, err);
	return r < 0 ? r : defer(tree, entry, &found, err);
}

/* --- hard links --- */

static int fail_link(
	const struct tree *tree, int code, const struct entry *entry, struct oakum_error *err)
{
	if (tree->storage != NULL)
		return fail(err, code, "linkat", entry->path);
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
	struct parent *parent;
	struct parent *target_parent;
	int r = open_parent_of(tree, entry->path, "linkat", &parent, err);

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
		return note_placed(tree, parent, entry->path, err) < 0 ? -err->code : 1;
	if (errno != EEXIST)
		return fail_link(tree, errno, entry, err);
	if (is_same_file(parent, base, target_parent, target))
		return note_placed(tree, parent, entry->path, err) < 0 ? -err->code : 1;
	return replace(tree, parent, entry, err);
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
	struct metadata metadata = metadata_for(tree, rules_of(tree), entry, false);
	const bool leads = leads_to_file(tree, entry->link_name);
	const char *base = path_base(entry->path);
	struct parent *parent;
	struct stat status;
	int r = open_parent_of(tree, entry->path, "linkat", &parent, err);

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
static int place_hard_link(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	int r = 0;

	for (int tries = 0; r == 0 && tries < REPLACE_TRIES; tries++)
		r = try_link(tree, entry, err);
	if (r == 0)
		return fail(err, EEXIST, "linkat", entry->path);
	if (r < 0 || tree->storage == NULL)
		return r < 0 ? r : 0;
	return pass_on_metadata(tree, entry, err);
}

int tree_place(struct tree *tree, const struct entry *entry, struct oakum_error *err)
{
	switch (entry->type) {
	case ENTRY_DIRECTORY:
		return place_directory(tree, entry, err);
	case ENTRY_HARD_LINK:
		return place_hard_link(tree, entry, err);
	case ENTRY_CHARACTER_DEVICE:
		return place_character_device(tree, entry, err);
	case ENTRY_SYMLINK:
	case ENTRY_BLOCK_DEVICE:
	case ENTRY_FIFO:
		return place_unopened(tree, entry, rules_of(tree), err);
	case ENTRY_FILE:
		break;
	}
	return fail(err, EINVAL, "place", entry->path);
}

/* --- whiteouts --- */

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
		return fail_parent(tree, -r, "remove", path, err);
	/* All that is in a directory of this layer is of this layer. */
	if (placed_has(&tree->placed, &parent->inode, ""))
		return 0;
	return remove_there(tree, parent, path, &tree->placed, err);
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
		return fail_parent(tree, -r, "empty", path, err);
	if (placed_has(&tree->placed, &directory->inode, ""))
		return 0;
	r = remove_content(directory->fd, &tree->placed);
	parents_forget(tree->parents);
	return r < 0 ? fail(err, -r, "empty", path) : 0;
}

int tree_mark_opaque(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *directory;
	int r = open_or_make(tree, path, strlen(path), &directory);

	if (r < 0)
		return fail_parent(tree, -r, "mark opaque", path, err);
	return mark_opaque(tree, directory->fd, path, err);
}

int tree_clear(struct tree *tree, const char *path, struct oakum_error *err)
{
	struct parent *parent;
	int r = open_parent_of(tree, path, "mknodat", &parent, err);

	return r < 0 ? r : clear_way(tree, parent, path, err);
}

int tree_set_xattr(
	struct tree *tree, const char *path, const struct xattr *xattr, struct oakum_error *err)
{
	struct parent *directory;
	int r = parents_open(tree->parents, path, strlen(path), &directory);

	if (r < 0)
		return fail_parent(tree, -r, "openat", path, err);
	if (fsetxattr(directory->fd, xattr->name, xattr->value, xattr->value_bytes, 0) < 0)
		return fail_because(err, errno, "setxattr", path, "%s", xattr->name);
	return 0;
}

int tree_finish(struct tree *tree, struct oakum_error *err)
{
	return deferred_apply(tree->deferred, tree->parents, err);
}
