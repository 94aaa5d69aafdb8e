/* SPDX-License-Identifier: Apache-2.0 */
/* command/nearest.c: which name was meant. */
#include "command/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *meant_by(const char *typed)
{
	static const char *const names[] = { "whiteouts", "whiteout-form", "timeout", "threads",
		"verbose", "quiet", "help", "uid-map", "gid-map" };
	struct nearest nearest;

	nearest_init(&nearest, typed);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		nearest_offer(&nearest, names[i]);
	return nearest.name == NULL ? "none" : nearest.name;
}

static void a_letter_too_few_too_many_or_wrong_is_found(void **state)
{
	(void)state;
	assert_string_equal(meant_by("timeot"), "timeout");
	assert_string_equal(meant_by("timeoutt"), "timeout");
	assert_string_equal(meant_by("tineout"), "timeout");
	assert_string_equal(meant_by("tiemout"), "timeout");
	assert_string_equal(meant_by("pid-map"), "uid-map");
}

static void a_name_that_was_not_finished_is_found(void **state)
{
	(void)state;
	assert_string_equal(meant_by("whiteout-"), "whiteout-form");
	assert_string_equal(meant_by("verb"), "verbose");
	assert_string_equal(meant_by("h"), "help");
}

static void what_follows_the_equals_sign_is_no_part_of_the_name(void **state)
{
	(void)state;
	assert_string_equal(meant_by("whiteout=apply"), "whiteouts");
}

static void what_is_near_to_nothing_is_not_guessed(void **state)
{
	char long_name[200];

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_string_equal(meant_by("compress"), "none");
	assert_string_equal(meant_by("x"), "none");
	assert_string_equal(meant_by(""), "none");
	assert_string_equal(meant_by("=help"), "none");
	assert_string_equal(meant_by(long_name), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_letter_too_few_too_many_or_wrong_is_found),
		cmocka_unit_test(a_name_that_was_not_finished_is_found),
		cmocka_unit_test(what_follows_the_equals_sign_is_no_part_of_the_name),
		cmocka_unit_test(what_is_near_to_nothing_is_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
