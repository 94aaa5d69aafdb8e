/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/remove.h"

#include "base/cleanup.h"
#include "layer/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH_BYTES = 4 << 10 }; /* read again after each directory that was looked into */

/* A directory that is being emptied, or one above it. */
struct level {
	size_t path_length;
	off_t next;	  /* where to read on */
	bool has_removed; /* since it was read from its start */
	bool is_changed;  /* ever */
};

/*
 * Down and up a tree of any depth: a level is a few bytes, and its directory is
 * opened again when it is not among those that are kept.
 */
struct removal {
	struct placed *placed;
	const struct removal_filter *filter; /* NULL: all that is not in the set */
	struct parents *directories;	     /* by their paths below the first */
	char *path;			     /* of the directory at hand, below the first */
	size_t path_room;
	struct level *levels;
	size_t depth;
	size_t level_room;
};

static void end_removal(struct removal *removal)
{
	parents_free(removal->directories);
	free(removal->path);
	free(removal->levels);
}
#define cleanup_removal __attribute__((cleanup(end_removal)))

static struct level *lowest(struct removal *removal)
{
	return &removal->levels[removal->depth - 1];
}

static bool is_spared(const struct placed *placed, const struct inode *directory, const char *name)
{
	return placed != NULL && placed_has(placed, directory, name);
}

/* 1: it is gone; 0: it is a directory with something in it, or spared; or -errno. */
static int try_remove(const struct parent *parent, const char *name, const struct placed *placed,
	const struct removal_filter *filter)
{
	if (filter != NULL && !filter->takes(filter->context, parent->fd, name))
		return 0;
	if (is_spared(placed, &parent->inode, name))
		return 0;
	if (unlinkat(parent->fd, name, 0) == 0 || errno == ENOENT)
		return 1;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(parent->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 1;
	return errno == ENOTEMPTY || errno == EEXIST ? 0 : -errno;
}

static int reserve(struct removal *removal, size_t path_bytes)
{
	if (path_bytes > removal->path_room) {
		char *larger = realloc(removal->path, path_bytes * 2);
		if (larger == NULL)
			return -ENOMEM;
		removal->path = larger;
		removal->path_room = path_bytes * 2;
	}
	if (removal->depth == removal->level_room) {
		size_t room = removal->level_room * 2 + 16;
		struct level *larger = realloc(removal->levels, room * sizeof(*larger));
		if (larger == NULL)
			return -ENOMEM;
		removal->levels = larger;
		removal->level_room = room;
	}
	return 0;
}

/* Goes down into a directory: 1, or 0 if there is nothing in it to look for, or -errno. */
static int enter(struct removal *removal, const char *name)
{
	size_t length = removal->depth > 0 ? lowest(removal)->path_length : 0;
	struct parent *entered;

	if (reserve(removal, length + 1 + strlen(name) + 1) < 0)
		return -ENOMEM;
	if (length > 0)
		removal->path[length++] = '/';
	memcpy(removal->path + length, name, strlen(name) + 1);
	length += strlen(name);
	int r = parents_open(removal->directories, removal->path, length, &entered);
	if (r < 0)
		return r;
	if (is_spared(removal->placed, &entered->inode, ""))
		return 0;
	if (removal->filter != NULL && removal->depth > 0 &&
		!removal->filter->enters(removal->filter->context, entered->fd))
		return 0;
	removal->levels[removal->depth++] = (struct level){ .path_length = length };
	return 1;
}

/* Some file systems do not tell in the list of names. */
static bool is_directory(int directory_fd, const struct dirent64 *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(directory_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static void note_removed(struct level *level, int removed)
{
	level->has_removed |= removed > 0;
	level->is_changed |= removed > 0;
}

/* 1 when a directory was entered, so that the rest of the batch has to wait; 0 or -errno. */
static int visit(struct removal *removal, const struct parent *here, const struct dirent64 *entry)
{
	const char *name = entry->d_name;

	lowest(removal)->next = entry->d_off;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	int r = try_remove(here, name, removal->placed, removal->filter);
	if (r != 0) {
		note_removed(lowest(removal), r);
		return r < 0 ? r : 0;
	}
	return is_directory(here->fd, entry) ? enter(removal, name) : 0;
}

/* Of one that stays. Now, for in the end nobody knows of it any more, and it is rare. */
static int sync_left(const struct removal *removal, const struct level *left, int directory_fd)
{
	if (removal->placed == NULL || !removal->placed->syncs || !left->is_changed)
		return 0;
	return fsync(directory_fd) < 0 ? -errno : 0;
}

/* Up again, and then the directory itself goes, unless it or something in it is spared. */
static int leave(struct removal *removal, const struct parent *here)
{
	struct level *level = lowest(removal);
	const struct level left = *level;
	struct parent *above;

	if (level->has_removed) { /* names may have been passed over meanwhile */
		level->has_removed = false;
		level->next = 0;
		return 0;
	}
	if (removal->placed != NULL && placed_add(removal->placed, &here->inode, "") < 0)
		return -ENOMEM;
	removal->path[level->path_length] = '\0';
	removal->depth--;
	if (removal->depth == 0)
		return sync_left(removal, &left, here->fd);
	int r = parents_open(
		removal->directories, removal->path, lowest(removal)->path_length, &above);
	if (r == 0)
		r = try_remove(above, path_base(removal->path), removal->placed, removal->filter);
	if (r == 0 && removal->placed == NULL)
		return -ENOTEMPTY; /* somebody else makes names in it */
	if (r == 0)
		return sync_left(removal, &left, here->fd);
	note_removed(lowest(removal), r);
	return r < 0 ? r : 0;
}

/* Reads on in the directory at hand, up to the first directory in it. */
static int step(struct removal *removal)
{
	_Alignas(struct dirent64) char batch[BATCH_BYTES];
	struct level *level = lowest(removal);
	struct parent *here;
	int r = parents_open(removal->directories, removal->path, level->path_length, &here);

	if (r < 0)
		return r;
	if (lseek(here->fd, level->next, SEEK_SET) < 0)
		return -errno;
	ssize_t length = getdents64(here->fd, batch, sizeof(batch));
	if (length < 0)
		return -errno;
	if (length == 0)
		return leave(removal, here);
	for (ssize_t at = 0; at < length && r == 0;) {
		const struct dirent64 *entry = (const struct dirent64 *)(void *)(batch + at);
		at += entry->d_reclen;
		r = visit(removal, here, entry);
	}
	return r < 0 ? r : 0;
}

int remove_matching(int directory_fd, struct placed *placed, const struct removal_filter *filter)
{
	cleanup_removal struct removal removal = {
		.placed = placed,
		.filter = filter,
		.directories = parents_new(directory_fd),
	};

	if (removal.directories == NULL)
		return -ENOMEM;
	int r = enter(&removal, "");
	while (r >= 0 && removal.depth > 0)
		r = step(&removal);
	return r < 0 ? r : 0;
}

int remove_content(int directory_fd, struct placed *placed)
{
	return remove_matching(directory_fd, placed, NULL);
}

int remove_name(const struct parent *parent, const char *name, struct placed *placed)
{
	int r = try_remove(parent, name, placed, NULL);

	if (r != 0)
		return r < 0 ? r : 0;
	cleanup_fd int fd =
		openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	r = remove_content(fd, placed);
	if (r == 0)
		r = try_remove(parent, name, placed, NULL);
	if (r == 0 && placed == NULL)
		return -ENOTEMPTY;
	return r < 0 ? r : 0;
}
