/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/comparison.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* 1 if it was looked at since the directory that it is in was begun, or cannot be; else 0. */
static int is_known(struct comparison *c, const char *way, struct oakum_error *err)
{
	const char *base = path_base(way);
	const size_t length = strlen(base);
	char name[NAME_MAX + 2];
	struct parent *above;
	int r = comparison_parent(c, way, &above, err);

	if (r <= 0 || length > NAME_MAX)
		return r < 0 ? r : 1;
	memcpy(name, base, length);
	memcpy(name + length, "/", 2); /* no file has such a name */
	if (brought_has(c->brought, &above->inode, name))
		return 1;
	return brought_add(c->brought, &above->inode, name) < 0 ? fail(err, ENOMEM, "remember", way)
								: 0;
}

/*
 * An unpack makes a directory there. What comes by a symlink is somewhere else, where another entry
 * may account for it; an earlier entry or a later one may have brought that symlink.
 */
static int hold_symlink(struct comparison *c, const char *way, struct oakum_error *err)
{
	const struct difference difference = {
		.kind = DIFFERS_TYPE,
		.path = way,
		.tree = "a symlink",
		.layer = "a directory",
	};

	c->leads_through_symlinks = true;
	return differences_hold(c->differences, HOLD_UNLESS, &difference, err);
}

/* It is of the layer, whatever is in it: perhaps no more than what asked for a mark. */
static int take_directory(struct comparison *c, const char *way, struct oakum_error *err)
{
	struct parent *above;
	int r = comparison_parent(c, way, &above, err);

	if (r > 0 && brought_add(c->brought, &above->inode, path_base(way)) < 0)
		return fail(err, ENOMEM, "remember", way);
	return r < 0 ? r : xattrs_compare_directory(c, way, err);
}

static int compare_way(struct comparison *c, const char *way, struct oakum_error *err)
{
	struct stat status;
	int r = is_known(c, way, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = comparison_look(c, way, &status, err);
	if (r <= 0)
		return r;
	if (S_ISLNK(status.st_mode))
		return hold_symlink(c, way, err);
	return S_ISDIR(status.st_mode) ? take_directory(c, way, err) : 0;
}

/* Of all below the first known bytes of it; way is as it was afterwards. */
static int compare_rest(struct comparison *c, char *way, size_t known, struct oakum_error *err)
{
	const size_t length = strlen(way);
	int r = xattrs_compare_directory(c, "", err);

	for (size_t end = known == 0 ? 0 : known + 1; r == 0 && end < length; end++) {
		end += strcspn(way + end, "/");
		way[end] = '\0';
		r = compare_way(c, way, err);
		if (end < length)
			way[end] = '/';
	}
	return r;
}

int ways_compare(
	struct comparison *comparison, const char *path, size_t length, struct oakum_error *err)
{
	const size_t known = passed_length(&comparison->passed, path, length);

	if (known == length && length > 0)
		return 0;
	cleanup_free char *way = strndup(path, length);
	if (way == NULL)
		return fail(err, ENOMEM, "remember", path);
	int r = compare_rest(comparison, way, known, err);
	if (r < 0)
		return r;
	r = passed_add(&comparison->passed, path, length);
	if (r == -EFBIG)
		return fail_because(err, EFBIG, "remember", path,
			"more than %d directories in one layer cannot be compared", MOMENTS_MAX);
	return r < 0 ? fail(err, -r, "remember", path) : 0;
}
