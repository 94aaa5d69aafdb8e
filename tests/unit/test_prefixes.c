/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/prefixes.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 65534 };

static bool match(const char *const *list, const char *name)
{
	struct prefixes *prefixes = prefixes_new(list);

	assert_non_null(prefixes);
	bool matches = prefixes_match(prefixes, name);
	prefixes_free(prefixes);
	return matches;
}

static void a_name_matches_what_it_starts_with(void **state)
{
	static const char *const list[] = { "dev", "usr/share", "usr/share/doc", "a", NULL };

	(void)state;
	assert_true(match(list, "dev"));
	assert_true(match(list, "dev/null"));
	assert_true(match(list, "device"));
	assert_true(match(list, "usr/share/man"));
	assert_true(match(list, "a"));
	assert_true(match(list, "abc"));
	assert_false(match(list, "/dev"));
	assert_false(match(list, "de"));
	assert_false(match(list, "usr/lib"));
	assert_false(match(list, ""));
	assert_false(match(list, "zzz"));
}

static void the_empty_string_starts_every_name_and_no_list_starts_none(void **state)
{
	static const char *const list[] = { "b", "", NULL };
	static const char *const none[] = { NULL };

	(void)state;
	assert_true(match(list, "a"));
	assert_true(match(list, ""));
	assert_false(match(none, "a"));
	assert_false(match(NULL, ""));
}

/* Against the loop that it stands for: any list, any name. */
static void it_agrees_with_a_look_at_each(void **state)
{
	static const char letters[] = "ab/";
	char strings[8][5];
	const char *list[9] = { NULL };
	char name[6];

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		size_t count = (size_t)(rand() % 8);
		for (size_t i = 0; i < count; i++) {
			size_t length = (size_t)(rand() % 5);
			for (size_t j = 0; j < length; j++)
				strings[i][j] = letters[rand() % 3];
			strings[i][length] = '\0';
			list[i] = strings[i];
		}
		list[count] = NULL;
		size_t length = (size_t)(rand() % 6);
		for (size_t j = 0; j < length; j++)
			name[j] = letters[rand() % 3];
		name[length] = '\0';
		bool expected = false;
		for (size_t i = 0; i < count; i++)
			expected |= strncmp(name, list[i], strlen(list[i])) == 0;
		assert_int_equal(match(list, name), expected);
	}
}

static void a_very_long_list_is_searched_and_not_walked(void **state)
{
	const char **list = calloc(MANY + 1, sizeof(*list));
	struct prefixes *prefixes;

	(void)state;
	assert_non_null(list);
	for (int i = 0; i < MANY; i++) {
		char *text = malloc(300);
		assert_non_null(text);
		snprintf(text, 300, "%0250d", i);
		list[i] = text;
	}
	prefixes = prefixes_new(list);
	assert_non_null(prefixes);
	for (int i = 0; i < 200000; i++)
		assert_int_equal(prefixes_match(prefixes, list[i % MANY]), true);
	prefixes_free(prefixes);
	for (int i = 0; i < MANY; i++)
		free_const(list[i]);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_matches_what_it_starts_with),
		cmocka_unit_test(the_empty_string_starts_every_name_and_no_list_starts_none),
		cmocka_unit_test(it_agrees_with_a_look_at_each),
		cmocka_unit_test(a_very_long_list_is_searched_and_not_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
