/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a regular expression -> its tree: what regex.c builds its steps of. */
#ifndef OAKUM_LAYER_REGEX_PARSE_H
#define OAKUM_LAYER_REGEX_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum regex_assertion {
	REGEX_AT_START,
	REGEX_AT_END,
	REGEX_AT_BORDER, /* of a word */
	REGEX_INSIDE,	 /* anywhere else */
};

enum regex_kind {
	REGEX_SEQUENCE, /* none, or more, one after the other */
	REGEX_CHOICE,	/* one of them */
	REGEX_REPEAT,	/* the last child, min to max times */
	REGEX_SET,	/* a character of the set */
	REGEX_ASSERT,	/* set is an enum regex_assertion */
};

enum { REGEX_ENDLESS = UINT16_MAX };

/* Node 0 is none. */
struct regex_node {
	enum regex_kind kind;
	uint32_t before; /* the sibling before this one */
	uint32_t last;	 /* child */
	uint32_t min;
	uint32_t max;
	uint32_t set;
};

struct regex_range {
	uint32_t from;
	uint32_t to;
};

/* Ranges first to end of all ranges. */
struct regex_set {
	uint32_t first;
	uint32_t end;
	bool is_negated;
};

struct regex_tree {
	struct regex_node *nodes;
	struct regex_set *sets;
	struct regex_range *ranges;
	size_t node_count, node_room;
	size_t set_count, set_room;
	size_t range_count, range_room;
};

/* -EINVAL, -ENOMEM. To be ended with regex_tree_free() in every case. */
int regex_parse(const char *expression, struct regex_tree *tree, uint32_t *root);
void regex_tree_free(struct regex_tree *tree);

bool regex_set_has(const struct regex_tree *tree, uint32_t set, uint32_t rune);

#endif
