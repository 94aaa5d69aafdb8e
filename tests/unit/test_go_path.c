/* SPDX-License-Identifier: Apache-2.0 */
/* The expectations are what Go's path/filepath gives. */
#include "layer/go_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_name_is_cleaned_by_its_text_alone(void **state)
{
	static const struct {
		const char *name;
		const char *clean;
	} rows[] = {
		{ "", "." },
		{ ".", "." },
		{ "./", "." },
		{ "/", "/" },
		{ "//", "/" },
		{ "/.", "/" },
		{ "/..", "/" },
		{ "/../..", "/" },
		{ "..", ".." },
		{ "../", ".." },
		{ "../..", "../.." },
		{ "../../a", "../../a" },
		{ "a/..", "." },
		{ "a/../..", ".." },
		{ "a/../b", "b" },
		{ "a/b/../../c", "c" },
		{ "a/b/../../../c", "../c" },
		{ "/a/../../b", "/b" },
		{ "./a//b/./c/", "a/b/c" },
		{ "a/./..", "." },
		{ "...", "..." },
		{ "a/...", "a/..." },
		{ "..a", "..a" },
		{ "..a/..", "." },
		{ "a/..b/../c", "a/c" },
		{ "../a/..", ".." },
		{ "/a/b/..", "/a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buffer[64];
		go_path_clean(rows[i].name, buffer);
		assert_string_equal(buffer, rows[i].clean);
		strcpy(buffer, rows[i].name);
		go_path_clean(buffer, buffer);
		assert_string_equal(buffer, rows[i].clean);
	}
}

static void nothing_that_is_joined_to_a_directory_leaves_the_root(void **state)
{
	static const struct {
		const char *directory;
		const char *name;
		const char *path;
	} rows[] = {
		{ "/", "a", "a" },
		{ "/", "/a", "a" },
		{ "/", "", "" },
		{ "/", ".", "" },
		{ "/", "..", "" },
		{ "/", "../../etc", "etc" },
		{ "/sub", "a/b", "sub/a/b" },
		{ "/sub", "/a", "sub/a" },
		{ "/sub", ".", "sub" },
		{ "/sub", "..", "" },
		{ "/sub", "../x", "x" },
		{ "/sub", "../../x", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buffer[64];
		go_path_join(rows[i].directory, rows[i].name, buffer);
		assert_string_equal(buffer, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_cleaned_by_its_text_alone),
		cmocka_unit_test(nothing_that_is_joined_to_a_directory_leaves_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
