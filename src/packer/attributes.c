/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/attributes.h"

#include "layer/text.h"
#include "packer/sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

enum {
	FIRST_ROOM = 16,
	VALUE_BYTES = 64 << 10, /* XATTR_SIZE_MAX: nothing is longer */
};

/* What overlayfs keeps there is about the layer as it lies on this disk. */
static bool is_packed_by_go(const char *name)
{
	if (string_starts_with(name, "user."))
		return !string_starts_with(name, "user.overlay.");
	return strcmp(name, "security.capability") == 0 || strcmp(name, "security.ima") == 0;
}

static int reserve(struct attributes *attributes, size_t count)
{
	if (count <= attributes->room)
		return 0;
	size_t room = count * 2 + FIRST_ROOM;
	struct xattr *xattrs = realloc(attributes->xattrs, room * sizeof(*xattrs));
	if (xattrs != NULL)
		attributes->xattrs = xattrs;
	const char **names = realloc(attributes->names, room * sizeof(*names));
	if (names != NULL)
		attributes->names = names;
	if (xattrs == NULL || names == NULL)
		return -ENOMEM;
	attributes->room = room;
	return 0;
}

/* How many names of the list are packed, in order; or -errno. */
static ssize_t choose(struct attributes *attributes, int fd, const char *name)
{
	bool (*const is_packed)(const char *name) =
		attributes->is_packed == NULL ? is_packed_by_go : attributes->is_packed;
	size_t count = 0;
	ssize_t length = fd >= 0 ? flistxattr(fd, attributes->list, sizeof(attributes->list))
				 : llistxattr(name, attributes->list, sizeof(attributes->list));

	if (length < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (ssize_t at = 0; at < length;) {
		const char *found = attributes->list + at;
		at += (ssize_t)strlen(found) + 1;
		if (!is_packed(found))
			continue;
		if (reserve(attributes, count + 1) < 0)
			return -ENOMEM;
		attributes->names[count++] = found;
	}
	sort_names(attributes->names, count);
	return (ssize_t)count;
}

/* Appends the value and its description, which has no pointer yet: values may move. */
static int read_value(struct attributes *attributes, int fd, const char *file, const char *name)
{
	char *value = bytes_extend(&attributes->values, VALUE_BYTES);

	if (value == NULL)
		return -ENOMEM;
	ssize_t length = fd >= 0 ? fgetxattr(fd, name, value, VALUE_BYTES)
				 : lgetxattr(file, name, value, VALUE_BYTES);
	int code = errno;
	attributes->values.length -= VALUE_BYTES;
	if (length < 0)
		return -code;
	attributes->values.length += (size_t)length;
	attributes->xattrs[attributes->count++] =
		(struct xattr){ .name = name, .value_bytes = (size_t)length };
	return 0;
}

int attributes_read(
	struct attributes *attributes, int fd, const char *name, struct attributes_trouble *trouble)
{
	attributes->count = 0;
	attributes->values.length = 0;
	*trouble = (struct attributes_trouble){ .op = "llistxattr" };
	ssize_t count = choose(attributes, fd, name);
	if (count < 0)
		return (int)count;
	for (ssize_t i = 0; i < count; i++) {
		int r = read_value(attributes, fd, name, attributes->names[i]);
		if (r == -E2BIG)
			trouble->too_big = attributes->names[i];
		if (r == 0 || r == -E2BIG || r == -ENODATA || r == -EOPNOTSUPP)
			continue; /* what is gone since the list was made is absent */
		trouble->op = "lgetxattr";
		trouble->name = attributes->names[i];
		return r;
	}
	const char *value = attributes->values.data;
	for (size_t i = 0; i < attributes->count; i++) {
		attributes->xattrs[i].value = value;
		value += attributes->xattrs[i].value_bytes;
	}
	return 0;
}

void attributes_free(struct attributes *attributes)
{
	free(attributes->xattrs);
	free(attributes->names);
	bytes_free(&attributes->values);
}
