/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/comparison.h"

#include "base/error.h"
#include "layer/acl.h"
#include "layer/text.h"
#include "layer/xattr_policy.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char access_acl[] = "system.posix_acl_access";
static const char default_acl[] = "system.posix_acl_default";

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
 * As it comes out when it was set: an ACL that says no more than a mode is none. False: none is to
 * be there.
 */
static bool expect(struct comparison *c, struct xattr *wanted)
{
	const bool is_access = strcmp(wanted->name, access_acl) == 0;

	if (!is_access && strcmp(wanted->name, default_acl) != 0)
		return true;
	if (is_access ? !acl_is_extended(wanted->value, wanted->value_bytes)
		      : wanted->value_bytes <= ACL_HEADER_BYTES)
		return false;
	memcpy(c->acl, wanted->value, wanted->value_bytes);
	acl_forget_ids(c->acl, wanted->value_bytes);
	wanted->value = c->acl;
	return true;
}

static int compare_wanted(struct comparison *c, const struct xattr_source *source,
	const struct entry *entry, const struct xattr *layers, struct oakum_error *err)
{
	struct xattr wanted = *layers;

	if (wanted.value_bytes > sizeof(c->acl) || !expect(c, &wanted))
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
			return wanted.value_bytes > sizeof(c->acl) || expect(c, &wanted);
	}
	return false;
}

/* What a host says of its files, a label say, is no difference: layers do not bring it. */
static bool is_of_layers(const char *name)
{
	return xattr_is_of_layers(name) || strcmp(name, "security.capability") == 0;
}

/* Of a directory overlayfs reads more than an entry can say: that is compared by itself. */
static bool is_extra(struct comparison *c, const struct entry *entry, const char *name)
{
	if (entry->type != ENTRY_DIRECTORY && overlay_reads(&c->overlay, name))
		return true;
	return is_of_layers(name) && !is_wanted(c, entry, name);
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
		if (is_extra(comparison, entry, name))
			r = hold(comparison, HAS_EXTRA_XATTR, entry, name, err);
	}
	for (size_t i = 0; r == 0 && i < entry->xattr_count; i++)
		r = compare_wanted(comparison, source, entry, &entry->xattrs[i], err);
	return r;
}

/* --- what overlayfs reads of directories --- */

/* What makes it void: where the layer asks for a mark, perhaps later, it is there rightly. */
static enum hold hold_of(struct comparison *c, const char *name)
{
	const struct xattr_source here = { .fd = -1, .name = "." };

	if (strcmp(name, c->overlay.opaque) != 0 || read_value(c, &here, name) != 1)
		return HOLD_MARK;
	switch (c->value[0]) {
	case 'y':
		return HOLD_UNLESS_OPAQUE;
	case 'x':
		return HOLD_UNLESS_WHITEOUTS;
	default:
		return HOLD_MARK;
	}
}

/* Of the working directory, which is at path. */
static int compare_here(struct comparison *c, const char *path, struct oakum_error *err)
{
	struct difference extra = { .kind = HAS_EXTRA_XATTR, .path = path };
	ssize_t length = list_names(c, &(const struct xattr_source){ .fd = -1, .name = "." });
	int r = 0;

	if (length == -EOPNOTSUPP || length == -ENOENT)
		return 0;
	if (length < 0)
		return fail(err, (int)-length, "listxattr", path);
	for (const char *name = c->names; r == 0 && name < c->names + length;
		name += strlen(name) + 1) {
		extra.of = name;
		if (overlay_reads(&c->overlay, name))
			r = differences_hold(c->differences, hold_of(c, name), &extra, err);
	}
	return r;
}

int xattrs_compare_directory(
	struct comparison *comparison, const char *path, struct oakum_error *err)
{
	struct comparison *c = comparison;
	struct parent *directory;

	if (c->overlay.opaque == NULL)
		return 0;
	int r = comparison_open(c, path, strlen(path), &directory, err);
	if (r <= 0 || brought_is_marked(c->brought, &directory->inode, BROUGHT_LOOKED))
		return r < 0 ? r : 0;
	if (brought_mark(c->brought, &directory->inode, BROUGHT_LOOKED) < 0)
		return fail(err, ENOMEM, "remember", path);
	if (fchdir(directory->fd) < 0)
		return fail(err, errno, "fchdir", path);
	return compare_here(c, path, err);
}
