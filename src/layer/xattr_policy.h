/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the extended attributes that a layer brings: kept, rewritten for
 * the ids of this side, or dropped and counted. Pure.
 */
#ifndef OAKUM_LAYER_XATTR_POLICY_H
#define OAKUM_LAYER_XATTR_POLICY_H

#include "layer/entry.h"
#include "layer/idmap.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct xattr_rules {
	struct idmap uids;
	struct idmap gids;
	uint32_t owners;     /* enum oakum_owners bits */
	uint32_t labels;     /* enum oakum_labels */
	uint32_t privileges; /* enum oakum_privileges */
	bool is_strict;	     /* no attribute has two values */
};

struct xattr_policy;

/* To be ended with xattr_policy_free(); NULL without memory. rules: borrowed; kept. */
struct xattr_policy *xattr_policy_new(const struct xattr_rules *rules);
void xattr_policy_free(struct xattr_policy *policy);

/*
 * Gives the entry the attributes that are to be set; they stay good until the next
 * call. Its mode changes where an ACL is dropped that has withheld something from
 * the group. -EBADMSG for one that no kernel takes, -EINVAL for an id in no map.
 */
int xattr_policy_judge(struct xattr_policy *policy, struct entry *entry, struct oakum_error *err);

/* How many were not kept, of all entries so far. */
uint64_t xattr_policy_dropped(const struct xattr_policy *policy);

/* Is it of those that an earlier layer may have brought, and that say nothing of the host? */
bool xattr_is_of_layers(const char *name);

#endif
