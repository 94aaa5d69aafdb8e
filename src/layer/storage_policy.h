/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of storage-untar and storage-applyLayer, as containers/storage has
 * them, but for what would be a danger: docs/COMPATIBILITY.md. Pure.
 */
#ifndef OAKUM_LAYER_STORAGE_POLICY_H
#define OAKUM_LAYER_STORAGE_POLICY_H

#include "layer/entry.h"
#include "layer/limits.h"
#include "layer/policy.h"
#include "layer/storage_options.h"
#include "layer/tally.h"

#include <oakum/oakum.h>
#include <stdbool.h>

/* The attribute that says what a file of a forced mode should be. */
extern const char storage_override_name[];

struct storage_policy;

struct storage_policy_options {
	const struct storage_options *storage; /* borrowed; kept */
	const struct limits *limits;	       /* borrowed; kept */
	const char *destination; /* absolute and clean: where the entries go; borrowed; kept */
	bool is_layer;		 /* storage-applyLayer: whiteouts are carried out */
};

int storage_policy_new(const struct storage_policy_options *options, struct storage_policy **policy,
	struct oakum_error *err);
void storage_policy_free(struct storage_policy *policy);

/*
 * Judges one entry, in layer order, by its name and link_name; sets path and
 * link, maps ids, edits the rest. Its new pointers stay good until the next
 * call. An err without an op has the whole sentence for people in its detail.
 */
int storage_policy_judge(struct storage_policy *policy, struct entry *entry, enum verdict *verdict,
	struct oakum_error *err);

/* Where entries and content are counted. */
struct tally *storage_policy_tally(struct storage_policy *policy);

/* The sum of all sizes that headers have claimed: what storage-applyLayer says in the end. */
uint64_t storage_policy_layer_bytes(const struct storage_policy *policy);

/*
 * What the destination itself gets in the end: user.containers.override_stat
 * where modes are forced. False where it gets nothing.
 */
bool storage_policy_root_xattr(struct storage_policy *policy, struct xattr *xattr);

/* Whom directories belong to that no entry tells about; UINT32_MAX: left as they come. */
uint32_t storage_root_id(const struct idmap *map);

#endif
