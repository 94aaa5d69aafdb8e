/* SPDX-License-Identifier: Apache-2.0 */
/* Any name at all: what comes out clean is clean, whatever else happens. */
#include "layer/path.h"
#include "layer/whiteout.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_components(const char *path, const struct limits *limits)
{
	size_t depth = 0;

	for (const char *at = path; *at != '\0'; depth++) {
		size_t length = strcspn(at, "/");
		require(length > 0 && length <= PATH_COMPONENT_MAX + 4);
		require(!(length == 1 && at[0] == '.'));
		require(!(length == 2 && at[0] == '.' && at[1] == '.'));
		at += length;
		if (*at == '/')
			require(*++at != '\0');
	}
	require(depth == path_depth(path) && depth <= limits->path_depth);
}

static void check_parts(const char *path)
{
	char *target = malloc(strlen(path) + 1);
	enum whiteout kind = whiteout_kind(path);

	require(target != NULL);
	require(strlen(path) == path_parent_length(path) + (path_parent_length(path) > 0) +
					strlen(path_base(path)));
	require(path_is_at_or_below(path, path) && path_is_at_or_below(path, ""));
	if (kind == WHITEOUT_FILE || kind == WHITEOUT_OPAQUE) {
		whiteout_target(path, kind, target);
		require(strlen(target) < strlen(path));
		require(path_parent_length(path) == 0 || kind == WHITEOUT_FILE ||
			path_is_at_or_below(path, target));
	}
	free(target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = LIMITS_DEFAULT;
	char *name = malloc(size + 1);
	char *path = malloc(size + 1);
	struct oakum_error err;

	require(name != NULL && path != NULL);
	memcpy(name, data, size);
	name[size] = '\0';
	limits.path_depth = 20;
	int r = path_clean(name, &limits, path, &err);
	require(r == 0 || err.code == -r);
	if (r == 0) {
		require(strlen(path) <= strlen(name));
		check_components(path, &limits);
		check_parts(path);
		/* In place, it is the same. */
		require(path_clean(name, &limits, name, &err) == 0);
		require(strcmp(name, path) == 0);
	}
	free(path);
	free(name);
	return 0;
}
