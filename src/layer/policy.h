/* SPDX-License-Identifier: Apache-2.0 */
/* The rules: excludes -> whiteouts -> ids -> mode -> limits. Pure; a verdict, and an edited entry.
 */
#ifndef OAKUM_LAYER_POLICY_H
#define OAKUM_LAYER_POLICY_H

#include "layer/entry.h"
#include "layer/limits.h"
#include "layer/tally.h"

#include <oakum/oakum.h>

enum verdict {
	VERDICT_SKIP,	/* not for us: leave no trace */
	VERDICT_PLACE,	/* make it, as the entry now says */
	VERDICT_REMOVE, /* a whiteout: remove what lies at entry->path, but for what this layer
			   placed */
	VERDICT_EMPTY,	/* an opaque marker: empty the directory entry->path, but for the same */
	VERDICT_MARK_OPAQUE, /* the same for overlayfs: mark the directory entry->path */
	VERDICT_KEEP,	     /* keep its content by the name link, and place nothing */
	VERDICT_COPY,	     /* a new file with the content that was kept by the name link */
	VERDICT_CLEAR,	     /* nothing shall have the name, as if an entry had replaced it */
};

struct policy;

struct policy_options {
	const struct limits *limits;	      /* borrowed; kept */
	uint32_t whiteouts;		      /* enum oakum_whiteouts */
	uint32_t profile;		      /* enum oakum_profile */
	const char *const *exclude;	      /* NULL, or NULL-terminated list; copied */
	const struct oakum_id_range *uid_map; /* NULL, or ended by a count of 0; copied */
	const struct oakum_id_range *gid_map;
	uint32_t owners;     /* enum oakum_owners bits */
	uint32_t squash_uid; /* as in the layer */
	uint32_t squash_gid;
	uint32_t labels;     /* enum oakum_labels */
	uint32_t devices;    /* enum oakum_devices */
	uint32_t privileges; /* enum oakum_privileges */
};

/* A new policy, to be ended with policy_free(). -EINVAL for an exclude that is no path, -ENOMEM. */
int policy_new(
	const struct policy_options *options, struct policy **policy, struct oakum_error *err);
void policy_free(struct policy *policy);

/*
 * Judges one entry, in layer order. May rewrite it (path, type, mode, xattrs);
 * its new pointers stay good until the next call. Counts entries and bytes
 * against the limits. -EBADMSG or -EFBIG refuses the layer.
 */
int policy_judge(
	struct policy *policy, struct entry *entry, enum verdict *verdict, struct oakum_error *err);

/* Where content is counted, as it is written. */
struct tally *policy_tally(struct policy *policy);

/* Adds what was left out so far: dropped_xattrs, dropped_entries, unset_owners. */
void policy_count(const struct policy *policy, struct oakum_stats *stats);

#endif
