/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/comparison.h"

#include "base/error.h"
#include "layer/acl.h"
#include "layer/text.h"
#include "layer/xattr_policy.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

static const char access_acl[] = "system.posix_acl_access";

/* --- what is there --- */

/* The names; none where the file system has no attributes. The length, or -errno. */
static ssize_t list_names(struct comparison *c, const struct xattr_source *source)
{
	ssize_t length = source->fd >= 0 ? flistxattr(source->fd, c->names, sizeof(c->names))
					 : llistxattr(source->name, c->names, sizeof(c->names));

	return length < 0 ? -errno : length;
}

static ssize_t read_value(struct comparison *c, const struct xattr_source *source, const char *name)
{
	ssize_t length = source->fd >= 0
				 ? fgetxattr(source->fd, name, c->value, sizeof(c->value))
				 : lgetxattr(source->name, name, c->value, sizeof(c->value));

	return length < 0 ? -errno : length;
}

static int hold(struct comparison *c, enum difference_kind kind, const struct entry *entry,
	const char *name, struct oakum_error *err)
{
	const struct difference difference = { .kind = kind, .path = entry->path, .of = name };

	return comparison_hold(c, &difference, err);
}

/* --- what there should be --- */

/*
 * As it comes out when it was set: the mode, which is set after it, has its say in an ACL, and
 * one that says no more than a mode is none. False: none is to be there.
 */
static bool expect(struct comparison *c, const struct entry *entry, struct xattr *wanted)
{
	if (strcmp(wanted->name, access_acl) != 0)
		return true;
	if (!acl_is_extended(wanted->value, wanted->value_bytes))
		return false;
	memcpy(c->acl, wanted->value, wanted->value_bytes);
	acl_take_mode(c->acl, wanted->value_bytes, entry->mode);
	wanted->value = c->acl;
	return true;
}

static int compare_wanted(struct comparison *c, const struct xattr_source *source,
	const struct entry *entry, const struct xattr *layers, struct oakum_error *err)
{
	struct xattr wanted = *layers;

	if (wanted.value_bytes > sizeof(c->acl) || !expect(c, entry, &wanted))
		return 0;
	ssize_t length = read_value(c, source, wanted.name);
	if (length == -EOPNOTSUPP && string_starts_with(wanted.name, "user.")) {
		c->lost_xattrs++; /* the same is forgiven when it is unpacked */
		return 0;
	}
	if (length == -ENODATA || length == -EOPNOTSUPP)
		return hold(c, LACKS_XATTR, entry, wanted.name, err);
	if (length < 0)
		return fail_because(err, (int)-length, "getxattr", entry->path, "%s", wanted.name);
	if ((size_t)length == wanted.value_bytes &&
		memcmp(c->value, wanted.value, wanted.value_bytes) == 0)
		return 0;
	return hold(c, DIFFERS_XATTR, entry, wanted.name, err);
}

static bool is_wanted(struct comparison *c, const struct entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->xattr_count; i++) {
		struct xattr wanted = entry->xattrs[i];
		if (strcmp(wanted.name, name) == 0)
			return wanted.value_bytes > sizeof(c->acl) || expect(c, entry, &wanted);
	}
	return false;
}

/* What a host says of its files, a label say, is no difference: layers do not bring it. */
static bool is_of_layers(const char *name)
{
	return xattr_is_of_layers(name) || strcmp(name, "security.capability") == 0;
}

int xattrs_compare(struct comparison *comparison, const struct xattr_source *source,
	const struct entry *entry, struct oakum_error *err)
{
	ssize_t length = list_names(comparison, source);
	const char *end = comparison->names + (length > 0 ? length : 0);
	int r = 0;

	if (length == -ENOENT)
		return 0; /* taken away just now */
	if (length < 0 && length != -EOPNOTSUPP)
		return fail(err, length == -EBADF ? EACCES : (int)-length, "listxattr",
			entry->path); /* EBADF: a directory that we may pass, but not read */
	for (const char *name = comparison->names; r == 0 && name < end; name += strlen(name) + 1) {
		if (is_of_layers(name) && !is_wanted(comparison, entry, name))
			r = hold(comparison, HAS_EXTRA_XATTR, entry, name, err);
	}
	for (size_t i = 0; r == 0 && i < entry->xattr_count; i++)
		r = compare_wanted(comparison, source, entry, &entry->xattrs[i], err);
	return r;
}
