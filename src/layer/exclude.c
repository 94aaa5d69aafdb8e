/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/exclude.h"

#include "base/error.h"
#include "layer/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct exclude {
	size_t count;
	char **paths; /* sorted bytewise */
};

static int compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void exclude_free(struct exclude *exclude)
{
	if (exclude == NULL)
		return;
	for (size_t i = 0; i < exclude->count; i++)
		free(exclude->paths[i]);
	free(exclude->paths);
	free(exclude);
}

static int add_path(struct exclude *exclude, const char *path, const struct limits *limits,
	struct oakum_error *err)
{
	struct oakum_error why;
	char *copy = strdup(path);

	if (copy == NULL)
		return fail(err, ENOMEM, "check excludes", NULL);
	exclude->paths[exclude->count++] = copy;
	if (path_clean(path, limits, copy, &why) < 0)
		return fail_because(err, EINVAL, "check excludes", path, "%s", why.detail);
	if (*copy == '\0')
		return fail_because(
			err, EINVAL, "check excludes", path, "that would exclude everything");
	return 0;
}

int exclude_new(const char *const *paths, const struct limits *limits, struct exclude **exclude,
	struct oakum_error *err)
{
	struct exclude *new = calloc(1, sizeof(*new));
	size_t count = 0;
	int r = 0;

	while (paths != NULL && paths[count] != NULL)
		count++;
	if (new != NULL)
		new->paths = calloc(count + 1, sizeof(*new->paths));
	if (new == NULL || new->paths == NULL)
		r = fail(err, ENOMEM, "check excludes", NULL);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_path(new, paths[i], limits, err);
	if (r < 0) {
		exclude_free(new);
		return r;
	}
	qsort(new->paths, new->count, sizeof(*new->paths), compare);
	*exclude = new;
	return 0;
}

/* Like strcmp(), but path ends after length bytes. */
static int compare_start(const char *path, size_t length, const char *item)
{
	int order = strncmp(path, item, length);

	return order != 0 ? order : -(item[length] != '\0');
}

static bool has_item(const struct exclude *exclude, const char *path, size_t length)
{
	size_t low = 0;
	size_t high = exclude->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_start(path, length, exclude->paths[middle]);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool exclude_has(const struct exclude *exclude, const char *path)
{
	if (exclude->count == 0)
		return false;
	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		if (has_item(exclude, path, (size_t)(slash - path)))
			return true;
	}
	return has_item(exclude, path, strlen(path));
}
