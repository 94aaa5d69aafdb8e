/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/policy.h"

#include "base/error.h"
#include "layer/exclude.h"
#include "layer/path.h"
#include "layer/text.h"
#include "layer/whiteout.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAJOR_MAX = 0xfff, /* of the kernel's own device numbers */
	MINOR_MAX = 0xfffff,
};

struct policy {
	const struct limits *limits;
	uint32_t whiteouts;
	bool is_strict;
	struct exclude *exclude;

	struct tally tally;

	/* what an edited entry points at, until the next one */
	char *target;
	size_t target_room;
	struct xattr *xattrs;
	size_t xattr_room;
};

int policy_new(
	const struct policy_options *options, struct policy **policy, struct oakum_error *err)
{
	struct policy *new = calloc(1, sizeof(*new));
	int r;

	if (new == NULL)
		return fail(err, ENOMEM, "prepare policy", NULL);
	new->limits = options->limits;
	new->tally.limits = options->limits;
	new->whiteouts = options->whiteouts;
	new->is_strict = options->profile == OAKUM_PROFILE_STRICT;
	r = exclude_new(options->exclude, options->limits, &new->exclude, err);
	if (r < 0) {
		policy_free(new);
		return r;
	}
	*policy = new;
	return 0;
}

void policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	exclude_free(policy->exclude);
	free(policy->target);
	free(policy->xattrs);
	free(policy);
}

static int refuse(
	const struct entry *entry, const char *op, const char *why, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, op, entry->name, "%s", why);
}

static bool is_device(const struct entry *entry)
{
	return entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE;
}

static int check_type(
	const struct policy *policy, const struct entry *entry, struct oakum_error *err)
{
	if (*entry->path == '\0' && entry->type != ENTRY_DIRECTORY)
		return refuse(
			entry, "check entry", "the rootfs itself can only be a directory", err);
	if (entry->type == ENTRY_SYMLINK && *entry->link == '\0')
		return refuse(entry, "check link", "a symlink to nothing", err);
	if (entry->type == ENTRY_SYMLINK && strlen(entry->link) > policy->limits->link_bytes)
		return limit_exceeded(err, "link-bytes", policy->limits->link_bytes, entry->name);
	if (entry->type == ENTRY_HARD_LINK && *entry->link == '\0')
		return refuse(entry, "check link", "a hard link to the rootfs itself", err);
	if (entry->type == ENTRY_HARD_LINK && strcmp(entry->link, entry->path) == 0)
		return refuse(entry, "check link", "a hard link to itself", err);
	if (is_device(entry) &&
		(entry->device_major > MAJOR_MAX || entry->device_minor > MINOR_MAX))
		return refuse(entry, "check entry", "a device number that does not fit", err);
	if (entry->uid == UINT32_MAX || entry->gid == UINT32_MAX)
		return refuse(entry, "check entry", "an owner that is no user or group id", err);
	return 0;
}

/*
 * Labels of another host's security modules mean nothing here, and overlayfs
 * believes its own attributes: in the overlay modes they are ours alone to set.
 */
static bool is_dropped(const struct policy *policy, const char *attribute)
{
	if (strcmp(attribute, "security.selinux") == 0 || strcmp(attribute, "security.ima") == 0 ||
		strcmp(attribute, "security.evm") == 0)
		return true;
	if (policy->whiteouts != OAKUM_WHITEOUTS_OVERLAY &&
		policy->whiteouts != OAKUM_WHITEOUTS_OVERLAY_USERXATTR)
		return false;
	return string_starts_with(attribute, "trusted.overlay.") ||
	       string_starts_with(attribute, "user.overlay.");
}

static int check_xattr(
	const struct entry *entry, const struct xattr *xattr, struct oakum_error *err)
{
	const char *dot = strchr(xattr->name, '.');

	if (dot == NULL || dot == xattr->name || dot[1] == '\0')
		return refuse(
			entry, "check xattr", "an extended attribute without a namespace", err);
	if (strlen(xattr->name) > 255)
		return refuse(entry, "check xattr",
			"a name of an extended attribute over 255 bytes", err);
	return 0;
}

static int reserve_xattrs(struct policy *policy, size_t count, struct oakum_error *err)
{
	if (count <= policy->xattr_room)
		return 0;
	struct xattr *larger = realloc(policy->xattrs, count * sizeof(*larger));
	if (larger == NULL)
		return fail(err, ENOMEM, "check xattr", NULL);
	policy->xattrs = larger;
	policy->xattr_room = count;
	return 0;
}

static int judge_xattrs(struct policy *policy, struct entry *entry, struct oakum_error *err)
{
	size_t kept = 0;
	int r = reserve_xattrs(policy, entry->xattr_count, err);

	for (size_t i = 0; i < entry->xattr_count && r == 0; i++) {
		const struct xattr *xattr = &entry->xattrs[i];
		r = check_xattr(entry, xattr, err);
		if (!is_dropped(policy, xattr->name))
			policy->xattrs[kept++] = *xattr;
	}
	if (r == 0)
		r = tally_xattrs(&policy->tally, entry, err);
	if (r < 0)
		return r;
	entry->xattrs = policy->xattrs;
	entry->xattr_count = kept;
	return 0;
}

static int point_at_target(
	struct policy *policy, struct entry *entry, enum whiteout kind, struct oakum_error *err)
{
	size_t room = strlen(entry->path) + 1;

	if (room > policy->target_room) {
		char *larger = realloc(policy->target, room);
		if (larger == NULL)
			return fail(err, ENOMEM, "check whiteout", entry->name);
		policy->target = larger;
		policy->target_room = room;
	}
	whiteout_target(entry->path, kind, policy->target);
	entry->path = policy->target;
	return 0;
}

/* What overlayfs takes for a whiteout: a character device 0:0 (kernel: filesystems/overlayfs). */
static void become_overlay_whiteout(struct entry *entry)
{
	entry->type = ENTRY_CHARACTER_DEVICE;
	entry->device_major = 0;
	entry->device_minor = 0;
	entry->mode = 0;
	entry->logical_bytes = 0;
	entry->xattr_count = 0;
}

static int judge_whiteout(struct policy *policy, struct entry *entry, enum whiteout kind,
	enum verdict *verdict, struct oakum_error *err)
{
	bool is_applied = policy->whiteouts == OAKUM_WHITEOUTS_APPLY;
	int r;

	if (kind == WHITEOUT_BAD)
		return refuse(entry, "check whiteout",
			"it hides no name: its directory itself would be removed", err);
	if (kind == WHITEOUT_AUFS_METADATA) {
		*verdict = VERDICT_SKIP;
		return 0;
	}
	if (policy->is_strict && (entry->type != ENTRY_FILE || entry->logical_bytes > 0))
		return refuse(entry, "check whiteout",
			"it is not an empty file; --profile=compat takes it as a whiteout", err);
	r = point_at_target(policy, entry, kind, err);
	if (r < 0)
		return r;
	if (kind == WHITEOUT_OPAQUE) {
		*verdict = is_applied ? VERDICT_EMPTY : VERDICT_MARK_OPAQUE;
	} else if (is_applied) {
		*verdict = VERDICT_REMOVE;
	} else {
		become_overlay_whiteout(entry);
		*verdict = VERDICT_PLACE;
	}
	return 0;
}

/* A name that only its whiteout form made too long was let through for that alone. */
static int check_lengths(const struct entry *entry, struct oakum_error *err)
{
	const char *component = entry->path;

	while (*component != '\0') {
		size_t length = strcspn(component, "/");
		if (length > PATH_COMPONENT_MAX)
			return fail_because(err, EFBIG, "check entry", entry->name,
				"a component of %zu bytes: file systems take %d", length,
				PATH_COMPONENT_MAX);
		component += length;
		component += *component == '/';
	}
	return 0;
}

static int judge_included(
	struct policy *policy, struct entry *entry, enum verdict *verdict, struct oakum_error *err)
{
	enum whiteout kind = policy->whiteouts == OAKUM_WHITEOUTS_VERBATIM
				     ? WHITEOUT_NONE
				     : whiteout_kind(entry->path);
	int r = check_type(policy, entry, err);

	if (r == 0)
		r = judge_xattrs(policy, entry, err);
	if (r < 0)
		return r;
	*verdict = VERDICT_PLACE;
	entry->mode &= 07777;
	if (kind != WHITEOUT_NONE)
		r = judge_whiteout(policy, entry, kind, verdict, err);
	if (r < 0 || *verdict == VERDICT_SKIP)
		return r;
	if (kind != WHITEOUT_NONE && exclude_has(policy->exclude, entry->path)) {
		*verdict = VERDICT_SKIP;
		return 0;
	}
	return check_lengths(entry, err);
}

int policy_judge(
	struct policy *policy, struct entry *entry, enum verdict *verdict, struct oakum_error *err)
{
	if (tally_entry(&policy->tally, entry, err) < 0)
		return -err->code;
	if (exclude_has(policy->exclude, entry->path)) {
		*verdict = VERDICT_SKIP;
		return 0;
	}
	return judge_included(policy, entry, verdict, err);
}

struct tally *policy_tally(struct policy *policy)
{
	return &policy->tally;
}
