/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a tree and of no entry: looked for when the layer is at its end. */
#ifndef OAKUM_VERIFIER_REST_H
#define OAKUM_VERIFIER_REST_H

#include "packer/walker.h"
#include "verifier/brought.h"
#include "verifier/text.h"

struct rest;

/* walker, brought: borrowed; kept. NULL without memory. */
struct rest *rest_new(struct walker *walker, const struct brought *brought);
void rest_free(struct rest *rest);

/* Whoever is told of it; all below a directory before that itself. */
struct rest_reader {
	int (*take)(void *context, const struct difference *difference, struct oakum_error *err);
	void *context;
};

/*
 * All at and below the path that the layer has not brought, but for directories above what it
 * has; with is_content, of what is in the directory. Each directory is looked into once.
 */
int rest_find(struct rest *rest, const struct difference *difference, bool is_content,
	const struct rest_reader *reader, struct oakum_error *err);

#endif
