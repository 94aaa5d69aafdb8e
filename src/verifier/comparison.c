/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/comparison.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"
#include "verifier/kept_time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	VALUE_BYTES = 64,
	SET_ID_BITS = 06000,
	RENEWED_MAX = 1 << 17, /* names in the tree that are looked at for that */
	FORGET_COST = 1 << 10, /* all ways are walked anew: as many as that */
};

/* --- what is there --- */

int comparison_hold(
	struct comparison *comparison, const struct difference *difference, struct oakum_error *err)
{
	return differences_hold(comparison->differences, HOLD_ENTRY, difference, err);
}

/* Somebody may change the tree meanwhile: then it is found as it is, or not at all. */
static bool is_nowhere(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

int comparison_open(struct comparison *comparison, const char *path, size_t length,
	struct parent **directory, struct oakum_error *err)
{
	int r = parents_open(comparison->parents, path, length, directory);

	if (is_nowhere(r))
		return 0;
	return r < 0 ? fail(err, -r, "open parent", path) : 1;
}

int comparison_parent(struct comparison *comparison, const char *path, struct parent **parent,
	struct oakum_error *err)
{
	return comparison_open(comparison, path, path_parent_length(path), parent, err);
}

int comparison_look(struct comparison *comparison, const char *path, struct stat *status,
	struct oakum_error *err)
{
	struct parent *parent;
	int r = comparison_parent(comparison, path, &parent, err);

	if (r <= 0)
		return r;
	r = *path == '\0' ? fstat(parent->fd, status)
			  : fstatat(parent->fd, path_base(path), status, AT_SYMLINK_NOFOLLOW);
	if (r == 0)
		return 1;
	return is_nowhere(-errno) ? 0 : fail(err, errno, "fstatat", path);
}

int comparison_mark(struct comparison *comparison, const char *path, enum brought_mark mark,
	struct oakum_error *err)
{
	struct parent *directory;

	if (comparison->overlay.opaque == NULL)
		return 0;
	int r = comparison_open(comparison, path, strlen(path), &directory, err);
	if (r > 0 && brought_mark(comparison->brought, &directory->inode, mark) < 0)
		return fail(err, ENOMEM, "remember", path);
	return r < 0 ? r : 0;
}

static int hold_missing(struct comparison *c, const char *path, struct oakum_error *err)
{
	const struct difference difference = { .kind = DIFFERS_MISSING, .path = path };

	return comparison_hold(c, &difference, err);
}

/* --- one line each --- */

static int hold_values(struct comparison *c, enum difference_kind kind, const struct entry *entry,
	const char *const values[2], struct oakum_error *err)
{
	const struct difference difference = {
		.kind = kind,
		.path = entry->path,
		.tree = values[0],
		.layer = values[1],
	};

	return comparison_hold(c, &difference, err);
}

static int compare_mode(struct comparison *c, const struct entry *entry, const struct stat *status,
	uint32_t mode, struct oakum_error *err)
{
	char tree[VALUE_BYTES];
	char layer[VALUE_BYTES];

	if (S_ISLNK(status->st_mode) || (status->st_mode & 07777) == mode)
		return 0;
	snprintf(tree, sizeof(tree), "%04o", (unsigned int)status->st_mode & 07777);
	snprintf(layer, sizeof(layer), "%04" PRIo32, mode);
	return hold_values(c, DIFFERS_MODE, entry, (const char *[]){ tree, layer }, err);
}

static int compare_owner(struct comparison *c, const struct entry *entry, const struct stat *status,
	struct oakum_error *err)
{
	char tree[VALUE_BYTES];
	char layer[VALUE_BYTES];

	if (status->st_uid == entry->uid && status->st_gid == entry->gid)
		return 0;
	snprintf(tree, sizeof(tree), "%" PRIu32 ":%" PRIu32, status->st_uid, status->st_gid);
	snprintf(layer, sizeof(layer), "%" PRIu32 ":%" PRIu32, entry->uid, entry->gid);
	return hold_values(c, DIFFERS_OWNER, entry, (const char *[]){ tree, layer }, err);
}

/* Of what is before 1970 the nanoseconds count from the second below: -1.5 is -2 and 500000000. */
static void format_time(const struct timespec *time, char text[VALUE_BYTES])
{
	const bool is_before = time->tv_sec < 0 && time->tv_nsec > 0;
	const int64_t seconds = is_before ? time->tv_sec + 1 : time->tv_sec;

	snprintf(text, VALUE_BYTES, "%s%" PRId64 ".%09ld", is_before && seconds == 0 ? "-" : "",
		seconds, is_before ? 1000000000 - time->tv_nsec : time->tv_nsec);
}

static int compare_mtime(struct comparison *c, const struct entry *entry, const struct stat *status,
	struct oakum_error *err)
{
	const struct timespec asked_for = { .tv_sec = entry->mtime_s, .tv_nsec = entry->mtime_ns };
	char tree[VALUE_BYTES];
	char layer[VALUE_BYTES];

	c->grain_ns = kept_time_refine(c->grain_ns, &status->st_ctim);
	if (entry->sets_no_times || kept_time_is(&status->st_mtim, &asked_for, c->grain_ns))
		return 0;
	format_time(&status->st_mtim, tree);
	format_time(&asked_for, layer);
	return hold_values(c, DIFFERS_MTIME, entry, (const char *[]){ tree, layer }, err);
}

/* An owner that could not be set and was forgiven: the file is our own and has no set-id bits. */
static bool is_forgiven(
	const struct comparison *c, const struct entry *entry, const struct stat *status)
{
	return c->forgives_owner && status->st_uid == c->uid && status->st_gid == c->gid &&
	       (status->st_uid != entry->uid || status->st_gid != entry->gid);
}

static int compare_metadata(struct comparison *c, const struct entry *entry,
	const struct stat *status, struct oakum_error *err)
{
	const bool is_as_made = is_forgiven(c, entry, status);
	uint32_t mode = entry->mode;
	int r;

	if (is_as_made)
		mode &= ~(uint32_t)SET_ID_BITS;
	r = compare_mode(c, entry, status, mode, err);
	if (r == 0 && !is_as_made && !entry->sets_no_owner)
		r = compare_owner(c, entry, status, err);
	return r < 0 ? r : compare_mtime(c, entry, status, err);
}

/* --- a kind each; the name is there and of the right type --- */

static int compare_size(struct comparison *c, const struct entry *entry, const struct stat *status,
	struct oakum_error *err)
{
	char tree[VALUE_BYTES];
	char layer[VALUE_BYTES];

	snprintf(tree, sizeof(tree), "%" PRIu64, (uint64_t)status->st_size);
	snprintf(layer, sizeof(layer), "%" PRIu64, entry->logical_bytes);
	return hold_values(c, DIFFERS_SIZE, entry, (const char *[]){ tree, layer }, err);
}

static int compare_bytes(
	struct comparison *c, const struct entry *entry, int fd, struct oakum_error *err)
{
	char byte[VALUE_BYTES];
	uint64_t at;
	int r = content_compare(c, fd, entry, &at, err);

	if (r < 0 || at == UINT64_MAX)
		return r;
	snprintf(byte, sizeof(byte), "%" PRIu64, at);
	const struct difference difference = {
		.kind = DIFFERS_CONTENT,
		.path = entry->path,
		.of = byte,
	};
	return comparison_hold(c, &difference, err);
}

/* Not a fifo, nor waiting for one; O_NOATIME is for those who own the file. */
static int open_file(struct comparison *c, const struct entry *entry)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	const char *base = path_base(entry->path);
	struct parent *parent;
	int r = parents_open(c->parents, entry->path, path_parent_length(entry->path), &parent);

	if (r < 0)
		return r;
	int fd = openat(parent->fd, base, flags | (c->spares_atime ? O_NOATIME : 0));
	if (fd < 0 && errno == EPERM)
		fd = openat(parent->fd, base, flags);
	return fd < 0 ? -errno : fd;
}

/* What is open is what counts, whatever the name meant a moment ago. */
static int compare_file(struct comparison *c, const struct entry *entry, struct oakum_error *err)
{
	struct stat status;
	cleanup_fd int fd = open_file(c, entry);

	if (is_nowhere(fd))
		return hold_missing(c, entry->path, err);
	if (fd < 0)
		return fail(err, -fd, "open", entry->path);
	if (fstat(fd, &status) < 0)
		return fail(err, errno, "fstat", entry->path);
	if (!S_ISREG(status.st_mode))
		return hold_missing(c, entry->path, err);
	int r = compare_metadata(c, entry, &status, err);
	if (r == 0)
		r = xattrs_compare(c, &(const struct xattr_source){ .fd = fd }, entry, err);
	if (r < 0)
		return r;
	return (uint64_t)status.st_size == entry->logical_bytes
		       ? compare_bytes(c, entry, fd, err)
		       : compare_size(c, entry, &status, err);
}

static int compare_directory(
	struct comparison *c, const struct entry *entry, struct oakum_error *err)
{
	struct parent *directory;
	int r = parents_open(c->parents, entry->path, strlen(entry->path), &directory);

	if (is_nowhere(r))
		return hold_missing(c, entry->path, err);
	if (r < 0)
		return fail(err, -r, "open", entry->path);
	r = xattrs_compare(c, &(const struct xattr_source){ .fd = directory->fd }, entry, err);
	return r < 0 ? r : xattrs_compare_directory(c, entry->path, err);
}

/* What cannot be opened, by its name in its directory. */
static int compare_unopened_xattrs(
	struct comparison *c, const struct entry *entry, struct oakum_error *err)
{
	const struct xattr_source source = { .fd = -1, .name = path_base(entry->path) };
	struct parent *parent;
	int r = comparison_parent(c, entry->path, &parent, err);

	if (r <= 0)
		return r;
	if (fchdir(parent->fd) < 0)
		return fail(err, errno, "fchdir", entry->path);
	return xattrs_compare(c, &source, entry, err);
}

/* None of those that layers bring can be on a symlink, unless an entry says so. */
static int compare_symlink(struct comparison *c, const struct entry *entry, struct oakum_error *err)
{
	char target[PATH_MAX];
	struct parent *parent;
	int r = comparison_parent(c, entry->path, &parent, err);

	if (r <= 0)
		return r;
	ssize_t length = readlinkat(parent->fd, path_base(entry->path), target, sizeof(target) - 1);
	if (length < 0)
		return errno == EINVAL || errno == ENOENT
			       ? hold_missing(c, entry->path, err)
			       : fail(err, errno, "readlinkat", entry->path);
	target[length] = '\0';
	if (strcmp(target, entry->link) != 0)
		r = hold_values(
			c, DIFFERS_TARGET, entry, (const char *[]){ target, entry->link }, err);
	if (r < 0 || entry->xattr_count == 0)
		return r < 0 ? r : 0;
	return compare_unopened_xattrs(c, entry, err);
}

static int compare_device(struct comparison *c, const struct entry *entry,
	const struct stat *status, struct oakum_error *err)
{
	char tree[VALUE_BYTES];
	char layer[VALUE_BYTES];

	if (major(status->st_rdev) == entry->device_major &&
		minor(status->st_rdev) == entry->device_minor)
		return 0;
	snprintf(tree, sizeof(tree), "%u:%u", major(status->st_rdev), minor(status->st_rdev));
	snprintf(layer, sizeof(layer), "%" PRIu32 ":%" PRIu32, entry->device_major,
		entry->device_minor);
	return hold_values(c, DIFFERS_DEVICE, entry, (const char *[]){ tree, layer }, err);
}

/* Link entries say nothing of metadata: it is that of the file they name (POSIX pax). */
static int compare_hard_link(struct comparison *c, const struct entry *entry,
	const struct stat *status, struct oakum_error *err)
{
	const struct difference difference = {
		.kind = DIFFERS_LINK,
		.path = entry->path,
		.of = entry->link,
	};
	struct stat other;
	int r = comparison_look(c, entry->link, &other, err);

	if (r < 0)
		return r;
	if (r > 0 && other.st_ino == status->st_ino && other.st_dev == status->st_dev)
		return 0;
	return comparison_hold(c, &difference, err);
}

static int compare_kind(struct comparison *c, const struct entry *entry, const struct stat *status,
	struct oakum_error *err)
{
	int r = 0;

	switch (entry->type) {
	case ENTRY_FILE:
		return compare_file(c, entry, err); /* all of it by its descriptor */
	case ENTRY_HARD_LINK:
		return compare_hard_link(c, entry, status, err);
	case ENTRY_DIRECTORY:
		r = compare_metadata(c, entry, status, err);
		return r < 0 ? r : compare_directory(c, entry, err);
	case ENTRY_SYMLINK:
		r = compare_metadata(c, entry, status, err);
		return r < 0 ? r : compare_symlink(c, entry, err);
	case ENTRY_CHARACTER_DEVICE:
	case ENTRY_BLOCK_DEVICE:
		r = compare_device(c, entry, status, err);
		break;
	case ENTRY_FIFO:
		break;
	}
	if (r == 0)
		r = compare_metadata(c, entry, status, err);
	return r < 0 ? r : compare_unopened_xattrs(c, entry, err);
}

/* --- types --- */

static const char *type_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} types[] = {
		{ S_IFREG, "a file" },
		{ S_IFDIR, "a directory" },
		{ S_IFLNK, "a symlink" },
		{ S_IFCHR, "a character device" },
		{ S_IFBLK, "a block device" },
		{ S_IFIFO, "a fifo" },
		{ S_IFSOCK, "a socket" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type == (mode & S_IFMT))
			return types[i].name;
	}
	return "of no known type";
}

static mode_t type_of(const struct entry *entry)
{
	switch (entry->type) {
	case ENTRY_FILE:
		return S_IFREG;
	case ENTRY_DIRECTORY:
		return S_IFDIR;
	case ENTRY_SYMLINK:
		return S_IFLNK;
	case ENTRY_CHARACTER_DEVICE:
		return S_IFCHR;
	case ENTRY_BLOCK_DEVICE:
		return S_IFBLK;
	case ENTRY_FIFO:
		return S_IFIFO;
	case ENTRY_HARD_LINK:
		break;
	}
	return 0; /* that of its target */
}

/* Whatever is there by the name is of the layer from here on, and no removed or extra thing. */
static int note_brought(struct comparison *c, const struct entry *entry, struct oakum_error *err)
{
	struct parent *parent;
	int r = comparison_parent(c, entry->path, &parent, err);

	if (r > 0 && brought_add(c->brought, &parent->inode, path_base(entry->path)) < 0)
		return fail(err, ENOMEM, "remember", entry->path);
	return r;
}

/* The ways that lead there are to be looked at again: all, where nobody knows which they are. */
static int renew_ways(struct comparison *c, const char *path)
{
	if (!c->leads_through_symlinks)
		return passed_renew(&c->passed, path);
	passed_forget(&c->passed);
	c->renewed += FORGET_COST;
	return 0;
}

/*
 * The directory at path takes the place of another thing, which had the place of a directory
 * perhaps: what was brought into that is not of this one. Rare, and only in layers that are made to
 * be like that.
 */
static int renew(struct comparison *c, const char *path, struct oakum_error *err)
{
	cleanup_free char *start = malloc(strlen(path) + 2);
	struct walker_item item;
	struct stat status;
	int r;

	if (start == NULL)
		return fail(err, ENOMEM, "walk", path);
	start[0] = '/';
	memcpy(start + 1, path, strlen(path) + 1);
	if (walker_start(c->walker, start) < 0 || renew_ways(c, path) < 0)
		return fail(err, ENOMEM, "walk", path);
	while ((r = walker_next(c->walker, &item, err)) > 0) {
		if (++c->renewed > RENEWED_MAX)
			return fail_because(err, EFBIG, "compare", path,
				"the layer replaces directories again and again");
		if (item.code != 0 || !item.is_directory ||
			fstatat(item.directory_fd, item.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		const struct inode inode = { .device = status.st_dev, .number = status.st_ino };
		if (brought_renew(c->brought, &inode) < 0)
			return fail(err, ENOMEM, "remember", path);
	}
	return r;
}

static int begin(struct comparison *c, const struct entry *entry, struct oakum_error *err)
{
	int r = differences_begin(c->differences, entry);

	if (r == -EOPNOTSUPP)
		return fail_because(err, EOPNOTSUPP, "compare", entry->path,
			"the layer has a symlink and a directory by this name, and other entries "
			"below it: it cannot be compared in one pass");
	if (r == -EFBIG)
		return fail_because(err, EFBIG, "remember", entry->path,
			"more than %d directories in one layer cannot be compared", MOMENTS_MAX);
	if (r < 0)
		return fail(err, -r, "remember", entry->path);
	if (r > 0) {
		r = renew(c, entry->path, err);
		if (r == 0)
			r = comparison_mark(c, entry->path, BROUGHT_OPAQUE, err);
	}
	return r < 0 ? r : ways_compare(c, entry->path, path_parent_length(entry->path), err);
}

int comparison_place(
	struct comparison *comparison, const struct entry *entry, struct oakum_error *err)
{
	const mode_t type = type_of(entry);
	struct stat status;

	int r = begin(comparison, entry, err);
	if (r == 0)
		r = note_brought(comparison, entry, err);
	if (r > 0)
		r = comparison_look(comparison, entry->path, &status, err);
	if (r < 0)
		return r;
	if (r == 0)
		return hold_missing(comparison, entry->path, err);
	if (type != 0 && type != (status.st_mode & S_IFMT))
		return hold_values(comparison, DIFFERS_TYPE, entry,
			(const char *[]){ type_name(status.st_mode), type_name(type) }, err);
	return compare_kind(comparison, entry, &status, err);
}
