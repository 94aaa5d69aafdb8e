/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/regex_parse.h"

#include "layer/rune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARENTHESES_MAX = 250,
	REPEAT_MAX = 1000, /* of RE2 */
	NODES_MAX = 1 << 20,
};

struct parser {
	const char *at;
	struct regex_tree *tree;
	unsigned int depth;
};

void regex_tree_free(struct regex_tree *tree)
{
	free(tree->nodes);
	free(tree->sets);
	free(tree->ranges);
	*tree = (struct regex_tree){ 0 };
}

/* Room for one more item of an array; 0 or -errno. */
static int reserve(void **items, size_t count, size_t *room, size_t item_bytes)
{
	if (count < *room)
		return 0;
	if (count >= NODES_MAX)
		return -EINVAL;
	size_t more = *room * 2 + 32;
	void *larger = realloc(*items, more * item_bytes);
	if (larger == NULL)
		return -ENOMEM;
	*items = larger;
	*room = more;
	return 0;
}

/* The number of a new node, or -errno. */
static int64_t add_node(struct regex_tree *tree, const struct regex_node *node)
{
	int r = reserve((void **)&tree->nodes, tree->node_count, &tree->node_room, sizeof(*node));

	if (r < 0)
		return r;
	tree->nodes[tree->node_count] = *node;
	return (int64_t)tree->node_count++;
}

static void append(struct regex_tree *tree, uint32_t parent, uint32_t child)
{
	tree->nodes[child].before = tree->nodes[parent].last;
	tree->nodes[parent].last = child;
}

static int append_new(struct regex_tree *tree, uint32_t parent, const struct regex_node *node)
{
	int64_t number = add_node(tree, node);

	if (number < 0)
		return (int)number;
	append(tree, parent, (uint32_t)number);
	return 0;
}

/* --- sets --- */

static int add_range(struct regex_tree *tree, uint32_t from, uint32_t to)
{
	const struct regex_range range = { from, to };
	int r = reserve(
		(void **)&tree->ranges, tree->range_count, &tree->range_room, sizeof(range));

	if (r == 0)
		tree->ranges[tree->range_count++] = range;
	return r;
}

/* Of the ranges that were added since first. */
static int append_set(struct regex_tree *tree, uint32_t parent, size_t first, bool is_negated)
{
	const struct regex_set set = { (uint32_t)first, (uint32_t)tree->range_count, is_negated };
	const struct regex_node node = { .kind = REGEX_SET, .set = (uint32_t)tree->set_count };
	int r = reserve((void **)&tree->sets, tree->set_count, &tree->set_room, sizeof(set));

	if (r < 0)
		return r;
	tree->sets[tree->set_count++] = set;
	return append_new(tree, parent, &node);
}

static int append_rune(struct regex_tree *tree, uint32_t parent, uint32_t rune)
{
	const size_t first = tree->range_count;
	int r = add_range(tree, rune, rune);

	return r < 0 ? r : append_set(tree, parent, first, false);
}

bool regex_set_has(const struct regex_tree *tree, uint32_t set, uint32_t rune)
{
	const struct regex_set *this = &tree->sets[set];
	bool is_in = false;

	for (uint32_t i = this->first; i < this->end && !is_in; i++)
		is_in = rune >= tree->ranges[i].from && rune <= tree->ranges[i].to;
	return is_in != this->is_negated;
}

/* --- sets with a name: the ranges of each, in ascending order --- */

struct named_set {
	const char *name;
	const char *ranges; /* pairs of ASCII characters */
};

static const struct named_set perl_sets[] = {
	{ "d", "09" },
	{ "s", "\t\n\f\r  " },
	{ "w", "09AZ__az" },
	{ NULL, NULL },
};

static const struct named_set posix_sets[] = {
	{ "alnum", "09AZaz" },
	{ "alpha", "AZaz" },
	{ "blank", "\t\t  " },
	{ "digit", "09" },
	{ "graph", "!~" },
	{ "lower", "az" },
	{ "print", " ~" },
	{ "punct", "!/:@[`{~" },
	{ "space", "\t\r  " },
	{ "upper", "AZ" },
	{ "word", "09AZ__az" },
	{ "xdigit", "09AFaf" },
	{ "ascii", "\1\x7f" }, /* there is no NUL in a text */
	{ "cntrl", "\1\x1f\x7f\x7f" },
	{ NULL, NULL },
};

static const struct named_set *find_set(
	const struct named_set *sets, const char *name, size_t length)
{
	for (; sets->name != NULL; sets++) {
		if (strlen(sets->name) == length && memcmp(sets->name, name, length) == 0)
			return sets;
	}
	return NULL;
}

static int add_named(struct regex_tree *tree, const struct named_set *set, bool is_negated)
{
	uint32_t from = 0;
	int r = 0;

	for (const char *at = set->ranges; *at != '\0' && r == 0; at += 2) {
		const uint32_t low = (unsigned char)at[0];
		const uint32_t high = (unsigned char)at[1];
		if (!is_negated)
			r = add_range(tree, low, high);
		else if (low > from)
			r = add_range(tree, from, low - 1);
		from = high + 1;
	}
	return r == 0 && is_negated ? add_range(tree, from, RUNE_MAX) : r;
}

/* \d and its like: 1, or 0 if it is none; *at is behind it then. */
static int take_perl_set(struct parser *parser)
{
	const struct named_set *set;

	if (parser->at[0] != '\\')
		return 0;
	const char letter = parser->at[1];
	const char lower = (char)(letter | 0x20);
	set = letter == lower || letter + 0x20 == lower ? find_set(perl_sets, &lower, 1) : NULL;
	if (set == NULL)
		return 0;
	parser->at += 2;
	int r = add_named(parser->tree, set, letter != lower);
	return r < 0 ? r : 1;
}

/* [:alpha:] or [:^alpha:], inside brackets. */
static int take_posix_set(struct parser *parser)
{
	const char *name = parser->at + 2;
	const char *end;

	if (parser->at[0] != '[' || parser->at[1] != ':')
		return 0;
	end = strstr(name, ":]");
	if (end == NULL)
		return 0;
	const bool is_negated = *name == '^';
	name += is_negated;
	const struct named_set *set =
		end < name ? NULL : find_set(posix_sets, name, (size_t)(end - name));
	if (set == NULL)
		return -EINVAL;
	parser->at = end + 2;
	int r = add_named(parser->tree, set, is_negated);
	return r < 0 ? r : 1;
}

/* --- one character, perhaps escaped --- */

static int digit_of(char digit, int base)
{
	int value = -1;

	if (digit >= '0' && digit <= '9')
		value = digit - '0';
	else if (digit >= 'a' && digit <= 'f')
		value = digit - 'a' + 10;
	else if (digit >= 'A' && digit <= 'F')
		value = digit - 'A' + 10;
	return value < base ? value : -1;
}

/* \xHH or \x{...}, behind the x. */
static int take_hexadecimal(struct parser *parser, uint32_t *rune)
{
	const bool is_braced = *parser->at == '{';
	size_t digits = 0;

	*rune = 0;
	parser->at += is_braced;
	while ((is_braced || digits < 2) && digit_of(*parser->at, 16) >= 0) {
		*rune = *rune * 16 + (uint32_t)digit_of(*parser->at++, 16);
		digits++;
		if (*rune > RUNE_MAX)
			return -EINVAL;
	}
	if (is_braced ? digits == 0 || *parser->at++ != '}' : digits != 2)
		return -EINVAL;
	return 0;
}

/* Up to three octal digits; one alone would be a reference back, which there is not, but for 0. */
static int take_octal(struct parser *parser, uint32_t *rune)
{
	if (*parser->at != '0' && digit_of(parser->at[1], 8) < 0)
		return -EINVAL;
	*rune = 0;
	for (int i = 0; i < 3 && digit_of(*parser->at, 8) >= 0; i++)
		*rune = *rune * 8 + (uint32_t)digit_of(*parser->at++, 8);
	return 0;
}

/* Behind the backslash. */
static int take_escaped(struct parser *parser, uint32_t *rune)
{
	static const char letters[] = "afnrtv";
	static const char meanings[] = "\a\f\n\r\t\v";
	const char letter = *parser->at;
	const char *known = letter == '\0' ? NULL : strchr(letters, letter);

	if (letter >= '0' && letter <= '7')
		return take_octal(parser, rune);
	if (letter == '\0' || (unsigned char)letter >= 0x80 || letter == '8' || letter == '9')
		return -EINVAL;
	parser->at++;
	if (letter == 'x')
		return take_hexadecimal(parser, rune);
	if (known != NULL) {
		*rune = (unsigned char)meanings[known - letters];
		return 0;
	}
	*rune = (unsigned char)letter;
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ? -EINVAL : 0;
}

static int take_rune(struct parser *parser, uint32_t *rune)
{
	size_t length;

	if (*parser->at == '\0')
		return -EINVAL;
	if (*parser->at == '\\') {
		parser->at++;
		return take_escaped(parser, rune);
	}
	*rune = rune_of(parser->at, &length);
	parser->at += length;
	return 0;
}

/* --- brackets --- */

static int take_range(struct parser *parser)
{
	uint32_t from;
	uint32_t to;
	int r = take_rune(parser, &from);

	to = from;
	if (r == 0 && parser->at[0] == '-' && parser->at[1] != '\0' && parser->at[1] != ']') {
		parser->at++;
		r = take_rune(parser, &to);
	}
	if (r == 0 && to < from)
		r = -EINVAL;
	return r < 0 ? r : add_range(parser->tree, from, to);
}

static int take_brackets(struct parser *parser, uint32_t sequence)
{
	const size_t first = parser->tree->range_count;
	bool is_negated = false;
	bool is_first = true;

	parser->at++;
	if (*parser->at == '^') {
		is_negated = true;
		parser->at++;
	}
	while (*parser->at != ']' || is_first) {
		is_first = false;
		int r = take_posix_set(parser);
		if (r == 0)
			r = take_perl_set(parser);
		if (r == 0)
			r = take_range(parser);
		if (r < 0)
			return r;
	}
	parser->at++;
	return append_set(parser->tree, sequence, first, is_negated);
}

/* --- repetitions --- */

static bool take_number(const char **at, uint32_t *number)
{
	const char *start = *at;

	if (start[0] == '0' && start[1] >= '0' && start[1] <= '9')
		return false;
	for (*number = 0; **at >= '0' && **at <= '9'; (*at)++) {
		if (*number <= REPEAT_MAX)
			*number = *number * 10 + (uint32_t)(**at - '0');
	}
	return *at > start;
}

/* {n}, {n,} or {n,m}; anything else is a brace like any other character. */
static bool take_braces(struct parser *parser, struct regex_node *repeat)
{
	const char *at = parser->at + 1;

	if (!take_number(&at, &repeat->min))
		return false;
	repeat->max = repeat->min;
	if (*at == ',') {
		at++;
		repeat->max = REGEX_ENDLESS;
		if (*at != '}' && !take_number(&at, &repeat->max))
			return false;
	}
	if (*at != '}')
		return false;
	parser->at = at + 1;
	return true;
}

static bool take_repetition(struct parser *parser, struct regex_node *repeat)
{
	const char sign = *parser->at;

	*repeat = (struct regex_node){ .kind = REGEX_REPEAT };
	if (sign == '{')
		return take_braces(parser, repeat);
	if (sign != '*' && sign != '+' && sign != '?')
		return false;
	repeat->min = sign == '+';
	repeat->max = sign == '?' ? 1 : REGEX_ENDLESS;
	parser->at++;
	return true;
}

/* The last of the sequence goes into the repetition. */
static int append_repeat(struct parser *parser, uint32_t sequence, struct regex_node *repeat)
{
	struct regex_tree *tree = parser->tree;
	const uint32_t repeated = tree->nodes[sequence].last;

	if (repeated == 0 || repeat->min > REPEAT_MAX)
		return -EINVAL;
	if (repeat->max != REGEX_ENDLESS && (repeat->max > REPEAT_MAX || repeat->max < repeat->min))
		return -EINVAL;
	/* There is none of a repetition itself, but of one in parentheses. */
	if (strchr("*+?", *parser->at) != NULL && *parser->at != '\0')
		return -EINVAL;
	struct parser next = *parser;
	struct regex_node second;
	if (*parser->at == '{' && take_braces(&next, &second))
		return -EINVAL;
	repeat->last = repeated;
	repeat->before = tree->nodes[repeated].before;
	int64_t number = add_node(tree, repeat);
	if (number < 0)
		return (int)number;
	tree->nodes[repeated].before = 0;
	tree->nodes[sequence].last = (uint32_t)number;
	return 0;
}

/* --- all of it --- */

static int append_assertion(
	struct parser *parser, uint32_t sequence, enum regex_assertion assertion, size_t length)
{
	const struct regex_node node = { .kind = REGEX_ASSERT, .set = assertion };

	parser->at += length;
	return append_new(parser->tree, sequence, &node);
}

static int take_backslash(struct parser *parser, uint32_t sequence)
{
	const size_t first = parser->tree->range_count;
	uint32_t rune;
	int r;

	switch (parser->at[1]) {
	case 'A':
		return append_assertion(parser, sequence, REGEX_AT_START, 2);
	case 'z':
		return append_assertion(parser, sequence, REGEX_AT_END, 2);
	case 'b':
		return append_assertion(parser, sequence, REGEX_AT_BORDER, 2);
	case 'B':
		return append_assertion(parser, sequence, REGEX_INSIDE, 2);
	default:
		break;
	}
	r = take_perl_set(parser);
	if (r != 0)
		return r < 0 ? r : append_set(parser->tree, sequence, first, false);
	r = take_rune(parser, &rune);
	return r < 0 ? r : append_rune(parser->tree, sequence, rune);
}

static int take_dot(struct parser *parser, uint32_t sequence)
{
	const size_t first = parser->tree->range_count;
	int r = add_range(parser->tree, '\n', '\n');

	parser->at++;
	return r < 0 ? r : append_set(parser->tree, sequence, first, true);
}

static int64_t take_choice(struct parser *parser);

static int take_parentheses(struct parser *parser, uint32_t sequence)
{
	parser->at++;
	if (++parser->depth > PARENTHESES_MAX)
		return -EINVAL;
	int64_t choice = take_choice(parser);
	if (choice < 0)
		return (int)choice;
	if (*parser->at++ != ')')
		return -EINVAL;
	parser->depth--;
	append(parser->tree, sequence, (uint32_t)choice);
	return 0;
}

static int take_one(struct parser *parser, uint32_t sequence)
{
	struct regex_node repeat;
	uint32_t rune;
	int r;

	if (take_repetition(parser, &repeat))
		return append_repeat(parser, sequence, &repeat);
	switch (*parser->at) {
	case '(':
		return take_parentheses(parser, sequence);
	case '[':
		return take_brackets(parser, sequence);
	case '\\':
		return take_backslash(parser, sequence);
	case '.':
		return take_dot(parser, sequence);
	case '^':
		return append_assertion(parser, sequence, REGEX_AT_START, 1);
	case '$':
		return append_assertion(parser, sequence, REGEX_AT_END, 1);
	default:
		break;
	}
	r = take_rune(parser, &rune);
	return r < 0 ? r : append_rune(parser->tree, sequence, rune);
}

/* Up to the parenthesis that ends it, or the end. */
static int64_t take_choice(struct parser *parser)
{
	const struct regex_node empty_choice = { .kind = REGEX_CHOICE };
	const struct regex_node empty_sequence = { .kind = REGEX_SEQUENCE };
	int64_t choice = add_node(parser->tree, &empty_choice);
	int r = choice < 0 ? (int)choice
			   : append_new(parser->tree, (uint32_t)choice, &empty_sequence);

	while (r == 0 && *parser->at != '\0' && *parser->at != ')') {
		if (*parser->at == '|') {
			parser->at++;
			r = append_new(parser->tree, (uint32_t)choice, &empty_sequence);
		} else {
			r = take_one(parser, parser->tree->nodes[choice].last);
		}
	}
	return r < 0 ? r : choice;
}

int regex_parse(const char *expression, struct regex_tree *tree, uint32_t *root)
{
	const struct regex_node none = { 0 };
	struct parser parser = { .at = expression, .tree = tree };
	int64_t choice;

	*tree = (struct regex_tree){ 0 };
	choice = add_node(tree, &none);
	if (choice == 0)
		choice = take_choice(&parser);
	if (choice < 0)
		return (int)choice;
	*root = (uint32_t)choice;
	return *parser.at == '\0' ? 0 : -EINVAL;
}
