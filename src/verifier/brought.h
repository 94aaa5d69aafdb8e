/* SPDX-License-Identifier: Apache-2.0 */
/* The names that the layer brings, as they are in the tree. */
#ifndef OAKUM_VERIFIER_BROUGHT_H
#define OAKUM_VERIFIER_BROUGHT_H

#include "unpacker/placed.h"
#include "verifier/key.h"
#include "verifier/moments.h"

struct brought {
	struct placed placed;
	struct key_secret secret;
	struct moments times; /* how often a directory was begun anew; of nearly all: never */
};

/* 0 or -errno. */
int brought_init(struct brought *brought);
void brought_free(struct brought *brought);

/* 0 or -ENOMEM. */
int brought_add(struct brought *brought, const struct inode *directory, const char *name);

bool brought_has(const struct brought *brought, const struct inode *directory, const char *name);

/* What is known of a directory, beside the names in it. */
enum brought_mark {
	BROUGHT_LOOKED,	   /* its attributes of overlayfs were compared */
	BROUGHT_OPAQUE,	   /* it is to be opaque */
	BROUGHT_WHITEOUTS, /* whiteouts may be in it that are looked for there alone */
};

/* 0 or -ENOMEM. */
int brought_mark(struct brought *brought, const struct inode *directory, enum brought_mark mark);

bool brought_is_marked(
	const struct brought *brought, const struct inode *directory, enum brought_mark mark);

/* What was brought into the directory so far is gone again: it was replaced. 0 or -ENOMEM. */
int brought_renew(struct brought *brought, const struct inode *directory);

#endif
