/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/xattr_policy.h"

#include "base/error.h"
#include "base/sort.h"
#include "layer/acl.h"
#include "layer/capability.h"
#include "layer/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 255 };

/* Attributes that have ids in them. */
enum {
	CAPABILITY,
	ACCESS_ACL,
	DEFAULT_ACL,
	REWRITTEN,
};

/* A value of ours, in place of the layer's. */
struct rewritten {
	const char *name;
	unsigned char *bytes;
	size_t room;
	const struct xattr *first; /* as the layer has it, of the entry so far; NULL: none yet */
};

struct xattr_policy {
	const struct xattr_rules *rules;
	struct xattr *kept;
	size_t room;
	struct rewritten rewritten[REWRITTEN];
	uint64_t dropped;
};

struct xattr_policy *xattr_policy_new(const struct xattr_rules *rules)
{
	struct xattr_policy *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return NULL;
	new->rules = rules;
	new->rewritten[CAPABILITY].name = "security.capability";
	new->rewritten[ACCESS_ACL].name = "system.posix_acl_access";
	new->rewritten[DEFAULT_ACL].name = "system.posix_acl_default";
	return new;
}

void xattr_policy_free(struct xattr_policy *policy)
{
	if (policy == NULL)
		return;
	free(policy->kept);
	for (size_t i = 0; i < REWRITTEN; i++)
		free(policy->rewritten[i].bytes);
	free(policy);
}

uint64_t xattr_policy_dropped(const struct xattr_policy *policy)
{
	return policy->dropped;
}

static int refuse(const struct entry *entry, const struct xattr *xattr, const char *why,
	struct oakum_error *err)
{
	return fail_because(err, EBADMSG, "check xattr", entry->name, "%s: %s", xattr->name, why);
}

static struct rewritten *rewritten_of(struct xattr_policy *policy, const char *name)
{
	for (size_t i = 0; i < REWRITTEN; i++) {
		if (strcmp(policy->rewritten[i].name, name) == 0)
			return &policy->rewritten[i];
	}
	return NULL;
}

static bool is_same_value(const struct xattr *one, const struct xattr *other)
{
	return one->value_bytes == other->value_bytes &&
	       (one->value == other->value ||
		       memcmp(one->value, other->value, one->value_bytes) == 0);
}

#define TWICE "it stands there twice, and not the same"

/* Some writers spell an attribute in two ways; of two that differ readers take one or the other. 1
 * for the first, 0 for it again. */
static int check_single(const struct entry *entry, const struct xattr *xattr,
	struct rewritten *rewritten, struct oakum_error *err)
{
	const struct xattr *first = rewritten->first;

	if (first == NULL) {
		rewritten->first = xattr;
		return 1;
	}
	return is_same_value(first, xattr) ? 0 : refuse(entry, xattr, TWICE, err);
}

static int refuse_unmapped(
	const struct entry *entry, const struct xattr *xattr, struct oakum_error *err)
{
	return fail_because(err, EINVAL, "check xattr", entry->name,
		"%s: an id in it is in no range of the maps; --owner=0:0 needs none", xattr->name);
}

static int check_name(const struct entry *entry, const struct xattr *xattr, struct oakum_error *err)
{
	const char *dot = strchr(xattr->name, '.');

	if (dot == NULL || dot == xattr->name || dot[1] == '\0')
		return refuse(
			entry, xattr, "an extended attribute is of a namespace and a name", err);
	if (strlen(xattr->name) > NAME_BYTES_MAX)
		return refuse(entry, xattr, "its name is longer than 255 bytes", err);
	return 0;
}

/*
 * Overlayfs and fuse-overlayfs believe these whoever wrote them: what lies below a
 * mount is ours alone to say.
 */
static bool is_of_overlay(const char *name)
{
	static const char *const prefixes[] = {
		"trusted.overlay.",
		"user.overlay.",
		"user.containers.override_stat",
		"user.fuseoverlayfs.",
		"trusted.fuseoverlayfs.",
		"security.fuseoverlayfs.",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (string_starts_with(name, prefixes[i]))
			return true;
	}
	return false;
}

bool xattr_is_of_layers(const char *name)
{
	return string_starts_with(name, "system.posix_acl_") ||
	       (string_starts_with(name, "user.") && !is_of_overlay(name));
}

static bool is_label(const char *name)
{
	return string_starts_with(name, "security.") || string_starts_with(name, "trusted.");
}

static int reserve_value(struct rewritten *rewritten, size_t bytes)
{
	if (bytes <= rewritten->room)
		return 0;
	unsigned char *larger = realloc(rewritten->bytes, bytes);
	if (larger == NULL)
		return -ENOMEM;
	rewritten->bytes = larger;
	rewritten->room = bytes;
	return 0;
}

/* The judges below take *xattr: 1 to keep it as it then is, 0 to drop it, or -errno. */

static int judge_capability(struct xattr_policy *policy, struct entry *entry, struct xattr *xattr,
	struct oakum_error *err)
{
	const struct xattr_rules *rules = policy->rules;
	struct rewritten *capability = &policy->rewritten[CAPABILITY];

	if (rules->privileges == OAKUM_PRIVILEGES_DROP)
		return 0;
	if (reserve_value(capability, CAPABILITY_BYTES_MAX) < 0)
		return fail(err, ENOMEM, "check xattr", entry->name);
	switch (capability_to_host(&rules->uids, xattr->value, xattr->value_bytes,
		capability->bytes, &xattr->value_bytes)) {
	case CAPABILITY_GOOD:
		xattr->value = capability->bytes;
		return 1;
	case CAPABILITY_MALFORMED:
		return refuse(entry, xattr, "it is no file capability of version 2 or 3", err);
	case CAPABILITY_UNMAPPED:
		return (rules->owners & OAKUM_OWNERS_FORGIVE) != 0
			       ? 0
			       : refuse_unmapped(entry, xattr, err);
	}
	__builtin_unreachable();
}

/* Named users and groups mean nothing where all belongs to one. */
static enum acl_result map_acl(
	const struct xattr_rules *rules, const struct xattr *xattr, struct rewritten *acl)
{
	static const struct idmap nobody = { .is_given = true };
	bool is_squashed = (rules->owners & OAKUM_OWNERS_SQUASH) != 0;

	return acl_to_host(is_squashed ? &nobody : &rules->uids,
		is_squashed ? &nobody : &rules->gids, acl->bytes, xattr->value_bytes);
}

static int judge_acl(struct xattr_policy *policy, struct entry *entry, struct xattr *xattr,
	struct oakum_error *err)
{
	struct rewritten *acl = rewritten_of(policy, xattr->name);
	bool is_default = acl == &policy->rewritten[DEFAULT_ACL];

	if (entry->type == ENTRY_SYMLINK || (is_default && entry->type != ENTRY_DIRECTORY))
		return 0;
	if (reserve_value(acl, xattr->value_bytes) < 0)
		return fail(err, ENOMEM, "check xattr", entry->name);
	if (xattr->value_bytes > 0)
		memcpy(acl->bytes, xattr->value, xattr->value_bytes);
	switch (map_acl(policy->rules, xattr, acl)) {
	case ACL_GOOD:
		xattr->value = acl->bytes;
		/* Of the two the list says more, and GNU tar and bsdtar set it last. The mode that
		 * bsdtar writes beside it has the owning group's bits, and not the mask. */
		if (!is_default)
			entry->mode =
				(entry->mode & ~0777U) | acl_mode(acl->bytes, xattr->value_bytes);
		return 1;
	case ACL_MALFORMED:
		return refuse(entry, xattr, "it is no access control list", err);
	case ACL_NAMELESS:
		/* The mode of such a file has the mask where the group's bits are: that is more. */
		if (!is_default)
			entry->mode &= ~070U | acl_group_permissions(acl->bytes, xattr->value_bytes)
						       << 3;
		return 0;
	}
	__builtin_unreachable();
}

static int judge_any(struct xattr_policy *policy, struct entry *entry, struct xattr *xattr,
	struct oakum_error *err)
{
	const char *name = xattr->name;
	const struct rewritten *rewritten = rewritten_of(policy, name);

	if (rewritten == &policy->rewritten[CAPABILITY])
		return judge_capability(policy, entry, xattr, err);
	if (rewritten != NULL)
		return judge_acl(policy, entry, xattr, err);
	if (is_of_overlay(name) || string_starts_with(name, "system."))
		return 0;
	if (is_label(name))
		return policy->rules->labels == OAKUM_LABELS_KEEP;
	return 1;
}

/* The next attribute of the entry, to be added to those that are kept; *kept is how many. */
static int take(struct xattr_policy *policy, struct entry *entry, const struct xattr *next,
	size_t *kept, struct oakum_error *err)
{
	struct rewritten *rewritten = rewritten_of(policy, next->name);
	struct xattr xattr = *next;
	int r = check_name(entry, next, err);

	if (r == 0 && rewritten != NULL) {
		r = check_single(entry, next, rewritten, err);
		if (r == 0)
			return 0;
	}
	if (r >= 0)
		r = judge_any(policy, entry, &xattr, err);
	if (r < 0)
		return r;
	policy->dropped += r == 0;
	if (r > 0)
		policy->kept[(*kept)++] = xattr;
	return 0;
}

static int reserve(struct xattr_policy *policy, size_t count)
{
	if (count <= policy->room)
		return 0;
	struct xattr *larger = realloc(policy->kept, count * sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	policy->kept = larger;
	policy->room = count;
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct xattr *)left)->name, ((const struct xattr *)right)->name);
}

/* The same of all others. Sorts them where the kept ones will be. */
static int check_all_single(
	struct xattr_policy *policy, const struct entry *entry, struct oakum_error *err)
{
	struct xattr *sorted = policy->kept;
	const size_t count = entry->xattr_count;

	if (!policy->rules->is_strict || count < 2)
		return 0;
	memcpy(sorted, entry->xattrs, count * sizeof(*sorted));
	sort_items(sorted, count, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < count; i++) {
		if (compare_names(&sorted[i - 1], &sorted[i]) == 0 &&
			!is_same_value(&sorted[i - 1], &sorted[i]) &&
			rewritten_of(policy, sorted[i].name) == NULL)
			return refuse(
				entry, &sorted[i], TWICE "; --profile=compat takes the last", err);
	}
	return 0;
}

int xattr_policy_judge(struct xattr_policy *policy, struct entry *entry, struct oakum_error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < REWRITTEN; i++)
		policy->rewritten[i].first = NULL;
	if (reserve(policy, entry->xattr_count) < 0)
		return fail(err, ENOMEM, "check xattr", entry->name);
	if (check_all_single(policy, entry, err) < 0)
		return -err->code;
	for (size_t i = 0; i < entry->xattr_count; i++) {
		int r = take(policy, entry, &entry->xattrs[i], &kept, err);
		if (r < 0)
			return r;
	}
	entry->xattrs = policy->kept;
	entry->xattr_count = kept;
	return 0;
}
