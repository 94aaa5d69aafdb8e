/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/pattern.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/go_path.h"
#include "layer/regex.h"
#include "layer/rune.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
	char *text; /* clean, without its '!' */
	bool is_exception;
	struct regex *regex; /* NULL: it is none */
};

struct patterns {
	size_t count;
	struct pattern *items;
};

static const char bad_pattern[] = "syntax error in pattern";

/*
 * --- is it a glob? ---
 * containers/storage asks Go's filepath.Match whether it matches ".", for the sake of its error.
 * That looks at no more of the pattern than it needs for the answer, so that a fault behind it is
 * none.
 */

/* A piece of a pattern between stars. */
struct chunk {
	const char *at;
	const char *end;
};

/* One character of a class, after which something must follow. */
static bool take_class_character(struct chunk *chunk, uint32_t *rune)
{
	size_t length;

	if (chunk->at == chunk->end || *chunk->at == '-' || *chunk->at == ']')
		return false;
	chunk->at += *chunk->at == '\\';
	if (chunk->at == chunk->end)
		return false;
	*rune = rune_of(chunk->at, &length);
	if (*rune == RUNE_ERROR && length == 1)
		return false;
	chunk->at += length;
	return chunk->at < chunk->end;
}

/* false: it is none; *has: is the rune in it? */
static bool take_class(struct chunk *chunk, uint32_t rune, bool *has)
{
	bool is_negated = false;
	bool is_empty = true;
	bool is_in = false;

	chunk->at++;
	if (chunk->at < chunk->end && *chunk->at == '^') {
		is_negated = true;
		chunk->at++;
	}
	while (is_empty || chunk->at == chunk->end || *chunk->at != ']') {
		uint32_t from;
		uint32_t to;
		if (!take_class_character(chunk, &from))
			return false;
		to = from;
		if (*chunk->at == '-') {
			chunk->at++;
			if (!take_class_character(chunk, &to))
				return false;
		}
		is_in |= rune >= from && rune <= to;
		is_empty = false;
	}
	chunk->at++;
	*has = is_in != is_negated;
	return true;
}

/* One character of the pattern against the name, which is "." or at its end. -EINVAL: no glob. */
static int match_next(struct chunk *chunk, const char **name)
{
	const bool has_name = **name != '\0';
	bool matches = true;

	if (*chunk->at == '[') {
		if (!take_class(chunk, has_name ? (unsigned char)**name : 0, &matches))
			return -EINVAL;
	} else if (*chunk->at == '?') {
		chunk->at++;
	} else {
		chunk->at += *chunk->at == '\\';
		if (chunk->at == chunk->end)
			return -EINVAL;
		matches = *chunk->at == **name;
		chunk->at++;
	}
	*name += has_name;
	return matches && has_name;
}

/* Does the name start with it? 1, and *name is what is left; 0; or -EINVAL. */
static int match_chunk(struct chunk chunk, const char **name)
{
	static const char nothing[] = "";
	const char *left = *name;
	bool matches = true;

	while (chunk.at < chunk.end) {
		int r = match_next(&chunk, &left);
		if (r < 0)
			return r;
		matches &= r > 0;
		if (!matches) /* and what is left of the chunk is only read */
			left = nothing;
	}
	if (matches)
		*name = left;
	return matches;
}

/* Up to the next star that is in no class; how many stars are before it. */
static size_t take_chunk(const char **pattern, struct chunk *chunk)
{
	const size_t stars = strspn(*pattern, "*");
	const char *at = *pattern + stars;
	bool is_in_class = false;

	chunk->at = at;
	for (; *at != '\0' && (*at != '*' || is_in_class); at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '[' || *at == ']')
			is_in_class = *at == '[';
	}
	chunk->end = at;
	*pattern = at;
	return stars;
}

/* 1: it matches so far, 0: it does not, and that is the answer; -EINVAL. */
static int match_part(struct chunk chunk, bool has_star, bool is_last, const char **name)
{
	const char *start = *name;
	int r = match_chunk(chunk, name);

	if (r < 0 || (r > 0 && (**name == '\0' || !is_last)))
		return r;
	if (!has_star || *start == '\0')
		return 0;
	*name = start + 1;
	r = match_chunk(chunk, name);
	return r > 0 && is_last && **name != '\0' ? 0 : r;
}

static bool is_glob(const char *pattern)
{
	const char *name = ".";
	int r = 1;

	while (*pattern != '\0' && r > 0) {
		struct chunk chunk;
		const size_t stars = take_chunk(&pattern, &chunk);
		if (stars > 0 && chunk.at == chunk.end)
			return true;
		r = match_part(chunk, stars > 0, *pattern == '\0', &name);
	}
	return r >= 0;
}

/* --- glob -> regular expression --- */

struct writer {
	char *text;
	size_t length;
};

static void put(struct writer *writer, const char *text)
{
	size_t length = strlen(text);

	memcpy(writer->text + writer->length, text, length + 1);
	writer->length += length;
}

/* Bytes that are no UTF-8 stand for U+FFFD. */
static const char *put_rune(struct writer *writer, const char *from)
{
	char copy[5] = { 0 };
	size_t length;
	bool is_bad = rune_of(from, &length) == RUNE_ERROR && length == 1;

	memcpy(copy, from, length);
	put(writer, is_bad ? "\xef\xbf\xbd" : copy);
	return from + length;
}

static const char *put_stars(struct writer *writer, const char *from)
{
	from++;
	if (*from != '*') {
		put(writer, "[^/]*");
		return from;
	}
	from++;
	from += *from == '/';
	put(writer, *from == '\0' ? ".*" : "(.*/)?");
	return from;
}

static const char *put_next(struct writer *writer, const char *from)
{
	switch (*from) {
	case '*':
		return put_stars(writer, from);
	case '?':
		put(writer, "[^/]");
		return from + 1;
	case '.':
	case '$':
		put(writer, "\\");
		return put_rune(writer, from);
	case '\\':
		put(writer, "\\");
		return put_rune(writer, from + 1);
	default:
		return put_rune(writer, from);
	}
}

/* Six bytes at most for one: "(.*" "/)?" for two, "[^/]*" for one, U+FFFD for a bad one. */
static int compile(struct pattern *pattern)
{
	cleanup_free char *text = malloc(6 * strlen(pattern->text) + 16);
	struct writer writer = { .text = text };

	if (text == NULL)
		return -ENOMEM;
	put(&writer, "^");
	for (const char *from = pattern->text; *from != '\0';) {
		if (from[0] == '\\' && from[1] == '\0')
			return 0; /* it escapes nothing */
		from = put_next(&writer, from);
	}
	put(&writer, "(/.*)?$");
	int r = regex_new(text, &pattern->regex);
	return r == -EINVAL ? 0 : r;
}

/* --- the list --- */

void patterns_free(struct patterns *patterns)
{
	if (patterns == NULL)
		return;
	for (size_t i = 0; i < patterns->count; i++) {
		free(patterns->items[i].text);
		regex_free(patterns->items[i].regex);
	}
	free(patterns->items);
	free(patterns);
}

/* Go's unicode.IsSpace. */
static bool is_space(uint32_t rune)
{
	return (rune >= 0x09 && rune <= 0x0d) || rune == ' ' || rune == 0x85 || rune == 0xa0 ||
	       rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 ||
	       rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

/* A copy without the space around it, with room to be cleaned. */
static char *trimmed(const char *from)
{
	const char *end = from;
	bool is_before = true;
	size_t length;

	for (const char *at = from; *at != '\0'; at += length) {
		bool is_blank = is_space(rune_of(at, &length));
		if (is_blank && is_before)
			from = at + length;
		if (!is_blank)
			end = at + length;
		is_before &= is_blank;
	}
	length = is_before ? 0 : (size_t)(end - from);
	char *copy = malloc(length + 2);
	if (copy == NULL)
		return NULL;
	memcpy(copy, from, length);
	copy[length] = '\0';
	return copy;
}

/* "!" is taken off, and what is left is clean, without a '/' in front. */
static int take_exception(struct pattern *pattern, struct oakum_error *err)
{
	char *text = pattern->text;

	if (text[1] == '\0')
		return fail_because(err, EINVAL, "", NULL, "illegal exclusion pattern: \"!\"");
	pattern->is_exception = true;
	go_path_clean(text + 1, text);
	if (text[0] == '/')
		memmove(text, text + 1, strlen(text));
	return 0;
}

static int add_pattern(struct patterns *patterns, const char *from, struct oakum_error *err)
{
	struct pattern *pattern = &patterns->items[patterns->count];

	pattern->text = trimmed(from);
	if (pattern->text == NULL)
		return fail(err, ENOMEM, "compile pattern", NULL);
	if (*pattern->text == '\0') {
		free(steal_ptr(&pattern->text));
		return 0;
	}
	patterns->count++;
	go_path_clean(pattern->text, pattern->text);
	if (*pattern->text == '!' && take_exception(pattern, err) < 0)
		return -err->code;
	if (!is_glob(pattern->text))
		return fail_because(err, EINVAL, "", NULL, "%s", bad_pattern);
	return compile(pattern) < 0 ? fail(err, ENOMEM, "compile pattern", NULL) : 0;
}

int patterns_new(const char *const *list, struct patterns **patterns, struct oakum_error *err)
{
	struct patterns *new = calloc(1, sizeof(*new));
	size_t count = 0;
	int r = 0;

	while (list != NULL && list[count] != NULL)
		count++;
	if (new != NULL)
		new->items = calloc(count + 1, sizeof(*new->items));
	if (new == NULL || new->items == NULL)
		r = fail(err, ENOMEM, "compile pattern", NULL);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_pattern(new, list[i], err);
	if (r < 0) {
		patterns_free(new);
		return r;
	}
	*patterns = new;
	return 0;
}

int patterns_exclude(struct patterns *patterns, const char *path)
{
	bool is_excluded = false;

	for (size_t i = 0; i < patterns->count; i++) {
		const struct pattern *pattern = &patterns->items[i];
		if (pattern->regex == NULL)
			return -EINVAL;
		if (regex_search(pattern->regex, path))
			is_excluded = !pattern->is_exception;
	}
	return is_excluded;
}

bool patterns_may_except_below(const struct patterns *patterns, const char *directory)
{
	const size_t length = strlen(directory);

	for (size_t i = 0; i < patterns->count; i++) {
		const struct pattern *pattern = &patterns->items[i];
		if (pattern->is_exception && strncmp(pattern->text, directory, length) == 0 &&
			(pattern->text[length] == '/' || pattern->text[length] == '\0'))
			return true;
	}
	return false;
}
