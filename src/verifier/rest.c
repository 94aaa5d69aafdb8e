/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/rest.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A directory that nobody brought, so far as is known: something in it may be of the layer. */
struct candidate {
	size_t length; /* of its path */
	struct inode inode;
};

struct rest {
	const struct brought *brought;
	struct walker *walker;
	struct placed seen; /* directories that were looked into */

	/* of one search */
	const struct rest_reader *reader;
	enum difference_kind kind;
	char *open;		      /* the path of the last candidate */
	struct candidate *candidates; /* it, and those above it that are the same */
	size_t count;
	size_t room;
	size_t path_room;
};

static const char needed[] = "/"; /* a name that no file has */

struct rest *rest_new(struct walker *walker, const struct brought *brought)
{
	struct rest *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return NULL;
	new->brought = brought;
	new->walker = walker;
	if (placed_init_like(&new->seen, &brought->placed) < 0) {
		rest_free(new);
		return NULL;
	}
	return new;
}

void rest_free(struct rest *rest)
{
	if (rest == NULL)
		return;
	placed_free(&rest->seen);
	free(rest->open);
	free(rest->candidates);
	free(rest);
}

static int tell(struct rest *rest, const char *path, struct oakum_error *err)
{
	const struct difference difference = { .kind = rest->kind, .path = path };

	return rest->reader->take(rest->reader->context, &difference, err);
}

/* --- directories of which nobody knows yet whether something in them is of the layer --- */

static bool is_below(const char *path, const char *directory, size_t length)
{
	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* path NULL: of all. Those that it is not below are done with, and nobody brought them. */
static int leave(struct rest *rest, const char *path, struct oakum_error *err)
{
	int r = 0;

	while (r == 0 && rest->count > 0) {
		size_t length = rest->candidates[rest->count - 1].length;
		if (path != NULL && is_below(path, rest->open, length))
			return 0;
		rest->open[length] = '\0';
		rest->count--;
		r = tell(rest, rest->open, err);
	}
	return r;
}

static int enter(
	struct rest *rest, const char *path, const struct inode *inode, struct oakum_error *err)
{
	size_t length = strlen(path);

	if (length + 1 > rest->path_room) {
		char *larger = realloc(rest->open, (length + 1) * 2);
		if (larger == NULL)
			return fail(err, ENOMEM, "walk", path);
		rest->open = larger;
		rest->path_room = (length + 1) * 2;
	}
	if (rest->count == rest->room) {
		size_t room = rest->room * 2 + 16;
		struct candidate *larger = realloc(rest->candidates, room * sizeof(*larger));
		if (larger == NULL)
			return fail(err, ENOMEM, "walk", path);
		rest->candidates = larger;
		rest->room = room;
	}
	memcpy(rest->open, path, length + 1);
	rest->candidates[rest->count++] = (struct candidate){ length, *inode };
	return 0;
}

/* Something of the layer is in them. It is kept for who comes by again from further above. */
static int keep_all(struct rest *rest)
{
	while (rest->count > 0) {
		if (placed_add(&rest->seen, &rest->candidates[--rest->count].inode, needed) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* --- the walk --- */

/* What an item is: of a directory all, else no more than is asked for. */
struct finding {
	bool is_brought;
	bool is_new;	/* it was not looked into before */
	bool is_needed; /* it was, and something in it is brought */
	struct inode inode;
};

static int look_into(struct rest *rest, const struct walker_item *item, struct finding *finding)
{
	struct stat status;

	if (!item->is_directory)
		return 0;
	if (fstatat(item->directory_fd, item->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	finding->inode = (struct inode){ .device = status.st_dev, .number = status.st_ino };
	finding->is_new = !placed_has(&rest->seen, &finding->inode, "");
	finding->is_needed = placed_has(&rest->seen, &finding->inode, needed);
	return placed_add(&rest->seen, &finding->inode, "") < 0 ? -ENOMEM : 0;
}

static int find(struct rest *rest, const struct walker_item *item, struct finding *finding)
{
	struct stat status;

	*finding = (struct finding){ .is_new = !item->is_directory };
	if (fstat(item->directory_fd, &status) < 0)
		return -errno;
	const struct inode inode = { .device = status.st_dev, .number = status.st_ino };
	finding->is_brought = brought_has(rest->brought, &inode, item->name);
	return look_into(rest, item, finding);
}

static int judge(
	struct rest *rest, const struct walker_item *item, bool is_start, struct oakum_error *err)
{
	const char *path = item->path + 1; /* the slash */
	struct finding finding;
	int r = find(rest, item, &finding);

	if (r == 0 && (is_start || finding.is_brought || finding.is_needed))
		r = keep_all(rest);
	if (r < 0)
		return fail(err, -r, "fstat", path);
	if (!finding.is_new)
		walker_prune(rest->walker);
	if (is_start || finding.is_brought || !finding.is_new)
		return 0;
	return item->is_directory ? enter(rest, path, &finding.inode, err) : tell(rest, path, err);
}

/* What is gone meanwhile is nothing that is left. */
static bool is_gone(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

static int walk(struct rest *rest, bool is_content, struct oakum_error *err)
{
	struct walker_item item;
	bool is_start = is_content;
	int r;

	while ((r = walker_next(rest->walker, &item, err)) > 0) {
		if (item.code != 0 && !is_gone(item.code))
			return fail(err, item.code, item.op, item.path + 1);
		if (item.code != 0)
			continue;
		r = leave(rest, item.path + 1, err);
		if (r == 0)
			r = judge(rest, &item, is_start, err);
		if (r < 0)
			return r;
		is_start = false;
	}
	return r < 0 ? r : leave(rest, NULL, err);
}

int rest_find(struct rest *rest, const struct difference *difference, bool is_content,
	const struct rest_reader *reader, struct oakum_error *err)
{
	size_t bytes = strlen(difference->path) + 2;
	cleanup_free char *path = malloc(bytes);

	if (path == NULL)
		return fail(err, ENOMEM, "walk", difference->path);
	path[0] = '/';
	memcpy(path + 1, difference->path, bytes - 1);
	rest->reader = reader;
	rest->kind = difference->kind;
	rest->count = 0;
	if (walker_start(rest->walker, path) < 0)
		return fail(err, ENOMEM, "walk", difference->path);
	return walk(rest, is_content, err);
}
