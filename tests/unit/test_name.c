/* SPDX-License-Identifier: Apache-2.0 */
/* Names, as path/filepath of Go 1.19 makes them. */
#include "packer/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_way_goes_up_and_then_down(void **state)
{
	static const struct {
		const char *base;
		const char *target;
		const char *way;
	} rows[] = {
		{ "/", "/", "." },
		{ "/", "/a", "a" },
		{ "/a", "/a", "." },
		{ "/a", "/a/b", "b" },
		{ "/a", "/ab", "../ab" },
		{ "/a/b", "/a", ".." },
		{ "/a/b", "/", "../.." },
		{ "/a/b", "/a/c", "../c" },
		{ "/a/b/c", "/x/y", "../../../x/y" },
		{ "/ab", "/a", "../a" },
		{ "/a/b", "/a/bc/d", "../bc/d" },
		{ "/rel", "/rel2/rel", "../rel2/rel" },
	};
	struct bytes buffer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
			name_relative(rows[i].base, rows[i].target, &buffer), rows[i].way);
	bytes_free(&buffer);
}

static void a_base_is_what_follows_the_last_slash(void **state)
{
	(void)state;
	assert_string_equal(name_base("/"), "/");
	assert_string_equal(name_base("/a"), "a");
	assert_string_equal(name_base("a/b"), "b");
	assert_string_equal(name_base("a"), "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_way_goes_up_and_then_down),
		cmocka_unit_test(a_base_is_what_follows_the_last_slash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
