/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the disk says of a file and what the options say -> the header that it has in a
 * layer, or why it can have none. Pure.
 */
#ifndef OAKUM_PACKER_LAYER_RULES_H
#define OAKUM_PACKER_LAYER_RULES_H

#include "packer/layer_packer.h"
#include "packer/tar_encoder.h"
#include "packer/upper.h"

struct layer_rules;

struct layer_source {
	const char *path;	   /* below the rootfs; "." is itself */
	const struct stat *status; /* not of a socket */
	const char *link;	   /* of a symlink */
	const char *first_name;	   /* of what was packed before by another name; else NULL */
	const struct xattr *xattrs;
	size_t xattr_count;
	enum upper upper; /* set by layer_rules_look() */
};

/* options are borrowed. 0 or -ENOMEM; to be ended with layer_rules_free() in either case. */
int layer_rules_new(const struct layer_packer_options *options, struct layer_rules **rules,
	struct oakum_error *err);

void layer_rules_free(struct layer_rules *rules);

/*
 * Is it a whiteout, and may it be in a layer at all? 0, or -EINVAL and -EOPNOTSUPP for
 * what would mean something else there.
 */
int layer_rules_look(
	const struct layer_rules *rules, struct layer_source *source, struct oakum_error *err);

/* 0, and header points into source and rules, until the next of these calls; -EINVAL, -ENOMEM. */
int layer_rules_describe(struct layer_rules *rules, const struct layer_source *source,
	struct tar_header *header, struct oakum_error *err);

/* The whiteout that the source is, or, of an opaque directory, has in it. */
int layer_rules_hide(struct layer_rules *rules, const struct layer_source *source,
	struct tar_header *header, struct oakum_error *err);

/* How many attributes were left out so far. */
uint64_t layer_rules_dropped_xattrs(const struct layer_rules *rules);

#endif
