/* SPDX-License-Identifier: Apache-2.0 */
/* The expectations are what containers/storage's pkg/fileutils gives, with Go's regexp below it. */
#include "layer/pattern.h"
#include "layer/regex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LONG = 20000 };

static struct oakum_error err;

static int exclude(const char *const *list, const char *path)
{
	struct patterns *patterns;

	assert_int_equal(patterns_new(list, &patterns, &err), 0);
	int r = patterns_exclude(patterns, path);
	patterns_free(patterns);
	return r;
}

static void a_pattern_excludes_what_it_matches_and_all_below_it(void **state)
{
	static const struct {
		const char *pattern;
		const char *path;
		int excluded;
	} rows[] = {
		{ "a", "a", 1 },
		{ "a", "a/b/c", 1 },
		{ "a", "ab", 0 },
		{ "a", "b/a", 0 },
		{ "/a", "a", 0 },
		{ " a ", "a", 1 },
		{ "", "a", 0 },
		{ "./a/../b/", "b", 1 },
		{ "*", "a/b", 1 },
		{ "a*", "abc", 1 },
		{ "*/c", "a/c", 1 },
		{ "*/c", "a/b/c", 0 },
		{ "**/c", "a/b/c", 1 },
		{ "**/c", "c", 1 },
		{ "**c", "ab/c", 1 },
		{ "**c", "abc", 0 },
		{ "a/**", "a/b", 1 },
		{ "a/**", "a", 0 },
		{ "a?", "ab", 1 },
		{ "a?", "a/", 0 },
		{ "a.c", "abc", 0 },
		{ "a$", "a$", 1 },
		{ "a\\*", "a*", 1 },
		{ "a\\*", "ab", 0 },
		{ "[a-c]", "b", 1 },
		{ "[^a-c]", "b", 0 },
		{ "[!a]", "!", 1 },
		{ "[!a]", "b", 0 },
		/* what means nothing to a glob is a regular expression */
		{ "a+", "aaa", 1 },
		{ "(a|b)c", "bc", 1 },
		{ "a|b", "xb", 1 },
		{ "a|b", "ax", 1 },
		{ "a{2,3}", "aa", 1 },
		{ "a{2,3}", "a", 0 },
		{ "a{x", "a{x", 1 },
		{ "\\d", "7", 1 },
		{ "\\w\\W", "a-", 1 },
		{ "[[:alpha:]]", "x", 1 },
		{ "[[:^alpha:]]", "x", 0 },
		{ "a^", "a", 0 },
		{ "\\x41", "A", 1 },
		{ "\xc3\xa9?", "\xc3\xa9\xc3\xa9", 1 },
		{ "\xff", "\xfe", 1 },
		{ "a**b", "ax\ny/b", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const list[] = { rows[i].pattern, NULL };
		if (exclude(list, rows[i].path) != rows[i].excluded)
			fail_msg("pattern %s, path %s", rows[i].pattern, rows[i].path);
	}
}

static void the_last_pattern_that_matches_decides(void **state)
{
	static const char *const list[] = { "a", "!a/b", "a/b/c", NULL };
	static const char *const other[] = { "!a", "a", NULL };

	(void)state;
	assert_int_equal(exclude(list, "a"), 1);
	assert_int_equal(exclude(list, "a/b"), 0);
	assert_int_equal(exclude(list, "a/b/x"), 0);
	assert_int_equal(exclude(list, "a/b/c/d"), 1);
	assert_int_equal(exclude(other, "a"), 1);
	assert_int_equal(exclude(NULL, "a"), 0);
}

static void an_excluded_directory_is_looked_into_if_an_exception_lies_in_it(void **state)
{
	static const char *const list[] = { "a", "!/a/b/c", "!d*", NULL };
	struct patterns *patterns;

	(void)state;
	assert_int_equal(patterns_new(list, &patterns, &err), 0);
	assert_true(patterns_may_except_below(patterns, "a"));
	assert_true(patterns_may_except_below(patterns, "a/b"));
	assert_true(patterns_may_except_below(patterns, "a/b/c"));
	assert_false(patterns_may_except_below(patterns, "a/bc"));
	assert_false(patterns_may_except_below(patterns, "a/b/c/d"));
	assert_false(patterns_may_except_below(patterns, "d"));
	patterns_free(patterns);
}

static void a_pattern_that_cannot_be_is_refused_at_once(void **state)
{
	static const struct {
		const char *pattern;
		const char *text;
	} rows[] = {
		{ "!", "illegal exclusion pattern: \"!\"" },
		{ "[", "syntax error in pattern" },
		{ "[]", "syntax error in pattern" },
		{ "[a-]", "syntax error in pattern" },
		{ "a/[", "syntax error in pattern" },
		{ "\\", "syntax error in pattern" },
		{ "![", "syntax error in pattern" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const list[] = { rows[i].pattern, NULL };
		struct patterns *patterns;
		assert_int_equal(patterns_new(list, &patterns, &err), -EINVAL);
		assert_string_equal(err.op, "");
		assert_string_equal(err.detail, rows[i].text);
	}
}

static void one_that_is_no_regular_expression_is_found_by_the_first_path(void **state)
{
	static const char *const rows[] = { "a(b", "a)b", "a++", "*+", "a{1001}", "a{2}{3}",
		"[c-a]", "\\y", "\\8", "\\1", "[[:nothing:]]", "/*[", "a|*\\", "\\xzz",
		"\\x{110000}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const list[] = { rows[i], NULL };
		if (exclude(list, "x") != -EINVAL)
			fail_msg("%s", rows[i]);
	}
}

/* What makes engines that go back take for ever, and what would grow without end. */
static void no_expression_costs_more_than_its_size(void **state)
{
	static const char *const too_large[] = { "((((a{1000}){1000}){1000}){1000})",
		"(((((){1000}){1000}){1000}){1000})" };
	struct regex *regex;
	char *text = malloc(LONG + 1);
	char *nested = malloc(2 * LONG + 1);

	(void)state;
	assert_non_null(text);
	assert_non_null(nested);
	memset(text, 'a', LONG);
	text[LONG] = '\0';
	assert_int_equal(regex_new("^(a+)+(a*)*(a|a)*b$", &regex), 0);
	assert_false(regex_search(regex, text));
	regex_free(regex);
	assert_int_equal(regex_new("(()+|()*)+b", &regex), 0);
	assert_false(regex_search(regex, text));
	regex_free(regex);
	for (size_t i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++)
		assert_int_equal(regex_new(too_large[i], &regex), -EINVAL);
	memset(nested, '(', LONG);
	memset(nested + LONG, ')', LONG);
	nested[2 * LONG] = '\0';
	assert_int_equal(regex_new(nested, &regex), -EINVAL);
	free(nested);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_excludes_what_it_matches_and_all_below_it),
		cmocka_unit_test(the_last_pattern_that_matches_decides),
		cmocka_unit_test(an_excluded_directory_is_looked_into_if_an_exception_lies_in_it),
		cmocka_unit_test(a_pattern_that_cannot_be_is_refused_at_once),
		cmocka_unit_test(one_that_is_no_regular_expression_is_found_by_the_first_path),
		cmocka_unit_test(no_expression_costs_more_than_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
