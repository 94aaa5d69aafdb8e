/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/path.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

enum { WHITEOUT_BYTES = 4 }; /* ".wh." before a name that fits, makes one that does not */

static int check_component(
	const char *name, const char *component, size_t length, struct oakum_error *err)
{
	if (length == 2 && component[0] == '.' && component[1] == '.')
		return fail_because(err, EBADMSG, "check name", name,
			"a component \"..\": it would lead out of the rootfs");
	size_t most = PATH_COMPONENT_MAX +
		      (strncmp(component, ".wh.", WHITEOUT_BYTES) == 0 ? WHITEOUT_BYTES : 0);
	if (length > most)
		return fail_because(err, EFBIG, "check name", name,
			"a component of %zu bytes: file systems take %d", length,
			PATH_COMPONENT_MAX);
	return 0;
}

int path_clean(const char *name, const struct limits *limits, char *buffer, struct oakum_error *err)
{
	const char *from = name;
	size_t length = strlen(name);
	size_t depth = 0;
	char *to = buffer;

	if (length == 0)
		return fail_because(err, EBADMSG, "check name", name, "the name is empty");
	if (length > limits->name_bytes)
		return limit_exceeded(err, "name-bytes", limits->name_bytes, name);
	while (*from != '\0') {
		size_t component = strcspn(from, "/");
		bool is_nothing = component == 0 || (component == 1 && *from == '.');
		int r = check_component(name, from, component, err);
		if (r < 0)
			return r;
		if (!is_nothing && ++depth > limits->path_depth)
			return limit_exceeded(err, "path-depth", limits->path_depth, name);
		if (!is_nothing) {
			if (to > buffer)
				*to++ = '/';
			memmove(to, from, component);
			to += component;
		}
		from += component;
		from += *from == '/';
	}
	*to = '\0';
	return 0;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

size_t path_parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path);
}

size_t path_depth(const char *path)
{
	size_t depth = *path == '\0' ? 0 : 1;

	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
		depth++;
	return depth;
}

bool path_is_at_or_below(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	if (length == 0)
		return true;
	return strncmp(path, parent, length) == 0 && (path[length] == '\0' || path[length] == '/');
}
