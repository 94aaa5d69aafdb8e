/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/policy.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/exclude.h"
#include "layer/path.h"
#include "layer/text.h"
#include "layer/whiteout.h"
#include "layer/xattr_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAJOR_MAX = 0xfff, /* of the kernel's own device numbers */
	MINOR_MAX = 0xfffff,
	SET_ID_BITS = 06000,
};

struct policy {
	const struct limits *limits;
	uint32_t whiteouts;
	bool is_strict;
	bool makes_devices;
	uint32_t squash_uid;
	uint32_t squash_gid;
	struct exclude *exclude;
	struct xattr_rules xattr_rules;
	struct xattr_policy *xattrs;

	struct tally tally;
	uint64_t dropped_entries;
	uint64_t unset_owners;

	/* what an edited entry points at, until the next one */
	char *target;
	size_t target_room;
};

static int open_parts(
	const struct policy_options *options, struct policy *policy, struct oakum_error *err)
{
	struct xattr_rules *rules = &policy->xattr_rules;

	*rules = (struct xattr_rules){
		.owners = options->owners,
		.labels = options->labels,
		.privileges = options->privileges,
		.is_strict = policy->is_strict,
	};
	policy->xattrs = xattr_policy_new(rules);
	if (policy->xattrs == NULL || idmap_of_ranges(options->uid_map, &rules->uids) < 0 ||
		idmap_of_ranges(options->gid_map, &rules->gids) < 0)
		return fail(err, ENOMEM, "prepare policy", NULL);
	return exclude_new(options->exclude, options->limits, &policy->exclude, err);
}

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
	new->makes_devices = options->devices == OAKUM_DEVICES_MAKE;
	new->squash_uid = options->squash_uid;
	new->squash_gid = options->squash_gid;
	r = open_parts(options, new, err);
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
	xattr_policy_free(policy->xattrs);
	free_const(policy->xattr_rules.uids.ranges);
	free_const(policy->xattr_rules.gids.ranges);
	free(policy->target);
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

static bool is_for_overlay(const struct policy *policy)
{
	return policy->whiteouts == OAKUM_WHITEOUTS_OVERLAY ||
	       policy->whiteouts == OAKUM_WHITEOUTS_OVERLAY_USERXATTR;
}

/* Overlayfs takes a character device 0:0 for a whiteout: those are ours alone to make. */
static bool is_left_out(const struct policy *policy, const struct entry *entry)
{
	if (!is_device(entry))
		return false;
	return !policy->makes_devices ||
	       (is_for_overlay(policy) && entry->type == ENTRY_CHARACTER_DEVICE &&
		       entry->device_major == 0 && entry->device_minor == 0);
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

/* --- owners and modes --- */

static bool is_mapped(struct policy *policy, struct entry *entry)
{
	const struct xattr_rules *rules = &policy->xattr_rules;

	return idmap_to_host(&rules->uids, entry->uid, &entry->uid) &&
	       idmap_to_host(&rules->gids, entry->gid, &entry->gid);
}

/* A hard link has the owner and the mode of what it links to. */
static int judge_owner(struct policy *policy, struct entry *entry, struct oakum_error *err)
{
	const uint32_t owners = policy->xattr_rules.owners;

	if (entry->type == ENTRY_HARD_LINK)
		return 0;
	if ((owners & OAKUM_OWNERS_SQUASH) != 0) {
		entry->uid = policy->squash_uid;
		entry->gid = policy->squash_gid;
	}
	const uint32_t uid = entry->uid;
	const uint32_t gid = entry->gid;
	if (is_mapped(policy, entry))
		return 0;
	if ((owners & OAKUM_OWNERS_FORGIVE) == 0)
		return fail_because(err, EINVAL, "map owner", entry->name,
			"its owner %" PRIu32 ":%" PRIu32
			" is in no range of the maps; --owner=0:0 gives all to one, and "
			"/etc/subuid and /etc/subgid more ids to a caller without root",
			uid, gid);
	entry->sets_no_owner = true;
	entry->mode &= ~(uint32_t)SET_ID_BITS;
	policy->unset_owners++;
	return 0;
}

static void judge_mode(const struct policy *policy, struct entry *entry)
{
	entry->mode &= 07777;
	if (policy->xattr_rules.privileges == OAKUM_PRIVILEGES_DROP)
		entry->mode &= ~(uint32_t)SET_ID_BITS;
}

static int judge_xattrs(struct policy *policy, struct entry *entry, struct oakum_error *err)
{
	int r = tally_xattrs(&policy->tally, entry, err);

	if (entry->type == ENTRY_HARD_LINK)
		entry->xattr_count = 0;
	return r < 0 ? r : xattr_policy_judge(policy->xattrs, entry, err);
}

/* --- whiteouts --- */

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
	if (kind == WHITEOUT_OPAQUE && !is_applied && *entry->path == '\0' && policy->is_strict)
		return fail_because(err, EOPNOTSUPP, "mark opaque", entry->name,
			"overlayfs looks for no such mark in the rootfs itself, and would show "
			"what lower layers have; --whiteouts=apply carries it out");
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

	judge_mode(policy, entry);
	if (r == 0)
		r = judge_owner(policy, entry, err);
	if (r == 0)
		r = judge_xattrs(policy, entry, err);
	if (r < 0)
		return r;
	*verdict = VERDICT_PLACE;
	if (is_left_out(policy, entry)) {
		policy->dropped_entries++;
		*verdict = VERDICT_SKIP;
		return 0;
	}
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

void policy_count(const struct policy *policy, struct oakum_stats *stats)
{
	stats->dropped_xattrs += xattr_policy_dropped(policy->xattrs);
	stats->dropped_entries += policy->dropped_entries;
	stats->unset_owners += policy->unset_owners;
}

struct tally *policy_tally(struct policy *policy)
{
	return &policy->tally;
}
