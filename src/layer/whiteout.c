/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/whiteout.h"

#include "layer/path.h"
#include "layer/text.h"

#include <string.h>

static const char prefix[] = ".wh.";
static const char metadata_prefix[] = ".wh..wh.";
static const char opaque_name[] = ".wh..wh..opq";

/* .wh..wh.plnk and .wh..wh.aufs are directories: what is in them goes with them. */
static bool is_below_metadata(const char *path)
{
	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(path, '/')) {
		if (string_starts_with(path, metadata_prefix))
			return true;
		path = slash + 1;
	}
	return false;
}

enum whiteout whiteout_kind(const char *path)
{
	const char *base = path_base(path);
	const char *hidden = base + strlen(prefix);

	if (is_below_metadata(path))
		return WHITEOUT_AUFS_METADATA;
	if (!string_starts_with(base, prefix))
		return WHITEOUT_NONE;
	if (strcmp(base, opaque_name) == 0)
		return WHITEOUT_OPAQUE;
	if (string_starts_with(base, metadata_prefix))
		return WHITEOUT_AUFS_METADATA;
	if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return WHITEOUT_BAD;
	return WHITEOUT_FILE;
}

void whiteout_target(const char *path, enum whiteout kind, char *buffer)
{
	size_t parent = path_parent_length(path);

	memcpy(buffer, path, parent);
	buffer[parent] = '\0';
	if (kind != WHITEOUT_FILE)
		return;
	if (parent > 0)
		buffer[parent++] = '/';
	const char *hidden = path_base(path) + strlen(prefix);
	memcpy(buffer + parent, hidden, strlen(hidden) + 1);
}
