/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/upper.h"

#include "layer/text.h"

#include <stddef.h>
#include <string.h>

static const struct xattr *find(
	const struct xattr *xattrs, size_t count, const char *prefix, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (string_starts_with(xattrs[i].name, prefix) &&
			strcmp(xattrs[i].name + strlen(prefix), name) == 0)
			return &xattrs[i];
	}
	return NULL;
}

/* "x" says that whiteouts in it are files with an attribute, and hides nothing. */
static bool is_yes(const struct xattr *xattr)
{
	return xattr != NULL && xattr->value_bytes == 1 && *(const char *)xattr->value == 'y';
}

enum upper upper_kind(
	const struct stat *status, const struct xattr *xattrs, size_t count, const char *prefix)
{
	switch (status->st_mode & S_IFMT) {
	case S_IFCHR:
		return status->st_rdev == 0 ? UPPER_WHITEOUT : UPPER_ORDINARY;
	case S_IFREG:
		if (find(xattrs, count, prefix, "metacopy") != NULL)
			return UPPER_PARTIAL;
		return status->st_size == 0 && find(xattrs, count, prefix, "whiteout") != NULL
			       ? UPPER_WHITEOUT
			       : UPPER_ORDINARY;
	case S_IFDIR:
		if (find(xattrs, count, prefix, "redirect") != NULL)
			return UPPER_PARTIAL;
		return is_yes(find(xattrs, count, prefix, "opaque")) ? UPPER_OPAQUE
								     : UPPER_ORDINARY;
	default:
		return UPPER_ORDINARY;
	}
}
