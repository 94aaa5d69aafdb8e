/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/regex.h"

#include "layer/regex_parse.h"
#include "layer/rune.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEPS_MAX = 20000,
	BUILDS_MAX = 10 * STEPS_MAX, /* repetitions of nothing make no step */
};

enum step_kind {
	STEP_SET, /* take a character of the set */
	STEP_ASSERT,
	STEP_SPLIT, /* go on at both */
	STEP_MATCH,
};

struct step {
	enum step_kind kind;
	uint32_t set; /* of the tree; or enum regex_assertion */
	uint32_t next;
	uint32_t other;
};

/* Steps where the search stands at once. */
struct places {
	uint32_t count;
	uint32_t *list;
	uint32_t *slots; /* step -> its place in list; unset ones hold anything */
};

struct regex {
	struct regex_tree tree;
	struct step *steps;
	uint32_t step_count;
	uint32_t step_room;
	uint32_t builds;
	uint32_t start;
	struct places here;
	struct places next;
	uint32_t *pending;
};

/* --- tree -> steps, from the end: each knows what follows it --- */

static int add_step(struct regex *regex, const struct step *step, uint32_t *number)
{
	if (regex->step_count >= STEPS_MAX)
		return -EINVAL;
	if (regex->step_count == regex->step_room) {
		uint32_t room = regex->step_room * 2 + 64;
		struct step *larger = realloc(regex->steps, room * sizeof(*larger));
		if (larger == NULL)
			return -ENOMEM;
		regex->steps = larger;
		regex->step_room = room;
	}
	*number = regex->step_count++;
	regex->steps[*number] = *step;
	return 0;
}

static int build(struct regex *regex, uint32_t node, uint32_t *at);

/* The children one after the other; they are linked backwards, as they are built. */
static int build_sequence(struct regex *regex, const struct regex_node *node, uint32_t *at)
{
	int r = 0;

	for (uint32_t child = node->last; child != 0 && r == 0;
		child = regex->tree.nodes[child].before)
		r = build(regex, child, at);
	return r;
}

static int build_choice(struct regex *regex, const struct regex_node *node, uint32_t *at)
{
	const uint32_t after = *at;
	uint32_t child = node->last;
	int r = build(regex, child, at);

	while (r == 0 && (child = regex->tree.nodes[child].before) != 0) {
		struct step split = { .kind = STEP_SPLIT, .other = *at, .next = after };
		r = build(regex, child, &split.next);
		if (r == 0)
			r = add_step(regex, &split, at);
	}
	return r;
}

/* Any number of times: a split that comes back to itself. */
static int build_loop(struct regex *regex, const struct regex_node *node, uint32_t *at)
{
	const struct step split = { .kind = STEP_SPLIT, .other = *at };
	uint32_t loop;
	uint32_t body;
	int r = add_step(regex, &split, &loop);

	body = loop;
	if (r == 0)
		r = build(regex, node->last, &body);
	if (r < 0)
		return r;
	regex->steps[loop].next = body;
	*at = loop;
	return 0;
}

/* So often it must be, then so often it may be; each a copy of its own. */
static int build_repeat(struct regex *regex, const struct regex_node *node, uint32_t *at)
{
	const uint32_t after = *at;
	int r = 0;

	if (node->max == REGEX_ENDLESS)
		r = build_loop(regex, node, at);
	for (uint32_t i = node->min; node->max != REGEX_ENDLESS && i < node->max && r == 0; i++) {
		struct step split = { .kind = STEP_SPLIT, .other = after, .next = *at };
		r = build(regex, node->last, &split.next);
		if (r == 0)
			r = add_step(regex, &split, at);
	}
	for (uint32_t i = 0; i < node->min && r == 0; i++)
		r = build(regex, node->last, at);
	return r;
}

/* *at: the step that follows; then the first of this node. As deep as its parentheses. */
static int build(struct regex *regex, uint32_t node, uint32_t *at)
{
	const struct regex_node *this = &regex->tree.nodes[node];
	struct step step = { .kind = STEP_SET, .set = this->set, .next = *at };

	if (++regex->builds > BUILDS_MAX)
		return -EINVAL;
	switch (this->kind) {
	case REGEX_SEQUENCE:
		return build_sequence(regex, this, at);
	case REGEX_CHOICE:
		return build_choice(regex, this, at);
	case REGEX_REPEAT:
		return build_repeat(regex, this, at);
	case REGEX_ASSERT:
		step.kind = STEP_ASSERT;
		return add_step(regex, &step, at);
	case REGEX_SET:
		return add_step(regex, &step, at);
	}
	__builtin_unreachable();
}

static int make_places(struct places *places, uint32_t count)
{
	places->list = calloc(count, sizeof(*places->list));
	places->slots = calloc(count, sizeof(*places->slots));
	return places->list == NULL || places->slots == NULL ? -ENOMEM : 0;
}

static int compile(struct regex *regex, const char *expression)
{
	const struct step match = { .kind = STEP_MATCH };
	uint32_t root;
	int r = regex_parse(expression, &regex->tree, &root);

	if (r == 0)
		r = add_step(regex, &match, &regex->start);
	if (r == 0)
		r = build(regex, root, &regex->start);
	if (r < 0)
		return r;
	regex->pending = calloc(2 * (size_t)regex->step_count + 2, sizeof(*regex->pending));
	if (regex->pending == NULL || make_places(&regex->here, regex->step_count) < 0)
		return -ENOMEM;
	return make_places(&regex->next, regex->step_count);
}

int regex_new(const char *expression, struct regex **regex)
{
	struct regex *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return -ENOMEM;
	int r = compile(new, expression);
	if (r < 0) {
		regex_free(new);
		return r;
	}
	*regex = new;
	return 0;
}

void regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	regex_tree_free(&regex->tree);
	free(regex->steps);
	free(regex->here.list);
	free(regex->here.slots);
	free(regex->next.list);
	free(regex->next.slots);
	free(regex->pending);
	free(regex);
}

/* --- all places at once, character by character --- */

static bool is_word(uint32_t rune)
{
	return (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') ||
	       (rune >= 'A' && rune <= 'Z') || rune == '_';
}

struct surroundings {
	uint32_t before; /* the character before; 0 at the start */
	uint32_t after;	 /* ... after; 0 at the end: no text has a NUL */
};

static bool holds(uint32_t assertion, const struct surroundings *around)
{
	bool is_border = is_word(around->before) != is_word(around->after);

	switch ((enum regex_assertion)assertion) {
	case REGEX_AT_START:
		return around->before == 0;
	case REGEX_AT_END:
		return around->after == 0;
	case REGEX_AT_BORDER:
		return is_border;
	case REGEX_INSIDE:
		return !is_border;
	}
	__builtin_unreachable();
}

static bool has_place(const struct places *places, uint32_t step)
{
	uint32_t slot = places->slots[step];

	return slot < places->count && places->list[slot] == step;
}

/* Adds a step, and all that is reached from it without a character. True at the match. */
static bool add_place(struct regex *regex, struct places *places, uint32_t first,
	const struct surroundings *around)
{
	uint32_t depth = 0;

	regex->pending[depth++] = first;
	while (depth > 0) {
		uint32_t number = regex->pending[--depth];
		const struct step *step = &regex->steps[number];
		if (has_place(places, number))
			continue;
		places->slots[number] = places->count;
		places->list[places->count++] = number;
		if (step->kind == STEP_MATCH)
			return true;
		if (step->kind == STEP_SPLIT) {
			regex->pending[depth++] = step->other;
			regex->pending[depth++] = step->next;
		}
		if (step->kind == STEP_ASSERT && holds(step->set, around))
			regex->pending[depth++] = step->next;
	}
	return false;
}

/* From every place over one character; true at the match. */
static bool advance(struct regex *regex, uint32_t rune, const struct surroundings *around)
{
	regex->next.count = 0;
	for (uint32_t i = 0; i < regex->here.count; i++) {
		const struct step *step = &regex->steps[regex->here.list[i]];
		if (step->kind == STEP_SET && regex_set_has(&regex->tree, step->set, rune) &&
			add_place(regex, &regex->next, step->next, around))
			return true;
	}
	const struct places swapped = regex->here;
	regex->here = regex->next;
	regex->next = swapped;
	return false;
}

bool regex_search(struct regex *regex, const char *text)
{
	struct surroundings around = { 0 };
	size_t length;

	regex->here.count = 0;
	for (;;) {
		uint32_t rune = *text == '\0' ? 0 : rune_of(text, &length);
		around.after = rune;
		/* A match may start anywhere. */
		if (add_place(regex, &regex->here, regex->start, &around))
			return true;
		if (rune == 0)
			return false;
		text += length;
		around.before = rune;
		around.after = *text == '\0' ? 0 : rune_of(text, &length);
		if (advance(regex, rune, &around))
			return true;
	}
}
