/* SPDX-License-Identifier: Apache-2.0 */
/* Names become clean paths, or are refused; and clean paths are taken apart. */
#include "layer/path.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct limits default_limits = LIMITS_DEFAULT;

static int clean(const char *name, char *buffer)
{
	struct oakum_error err;

	return -path_clean(name, &default_limits, buffer, &err);
}

static void a_name_loses_all_that_means_nothing(void **state)
{
	static const struct {
		const char *name;
		const char *path;
	} rows[] = {
		{ "a", "a" },
		{ "a/b/c", "a/b/c" },
		{ "./a", "a" },
		{ "/a", "a" },
		{ "//a//b///", "a/b" },
		{ "a/./b/.", "a/b" },
		{ "././././a/", "a" },
		{ ".", "" },
		{ "./", "" },
		{ "/", "" },
		{ "///", "" },
		{ "/./.", "" },
		{ "...", "..." },
		{ "..a/a../b..c", "..a/a../b..c" },
		{ ". /.a", ". /.a" },
		{ "a\\..\\b", "a\\..\\b" },
		{ "line\nbreak\033[31m", "line\nbreak\033[31m" },
		{ "caf\351", "caf\351" },
		{ "etc/passwd/", "etc/passwd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buffer[64];
		assert_int_equal(clean(rows[i].name, buffer), 0);
		assert_string_equal(buffer, rows[i].path);
		/* In place, and once more: a clean path is clean. */
		strcpy(buffer, rows[i].name);
		assert_int_equal(clean(buffer, buffer), 0);
		assert_string_equal(buffer, rows[i].path);
		if (*buffer == '\0')
			continue;
		assert_int_equal(clean(buffer, buffer), 0);
		assert_string_equal(buffer, rows[i].path);
	}
}

static void a_name_that_leads_elsewhere_or_nowhere_is_refused(void **state)
{
	static const char *const names[] = { "", "..", "../a", "a/..", "a/../b", "/..", "./..",
		"a/b/../../..", "a/./..", "..//", "foo/.." };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char buffer[64];
		if (clean(names[i], buffer) != EBADMSG)
			fail_msg("\"%s\" is not refused", names[i]);
	}
}

static void the_error_has_the_name_and_a_reason(void **state)
{
	char buffer[64];
	struct oakum_error err;

	(void)state;
	assert_int_equal(path_clean("a/../b", &default_limits, buffer, &err), -EBADMSG);
	assert_string_equal(err.entry, "a/../b");
	assert_non_null(strstr(err.detail, "\"..\""));
}

static char *repeat(const char *piece, size_t count)
{
	size_t length = strlen(piece);
	char *text = malloc(length * count + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, piece, length);
	text[length * count] = '\0';
	return text;
}

static void lengths_have_limits(void **state)
{
	static const struct {
		const char *piece;
		size_t count;
		int code;
		const char *says;
	} rows[] = {
		{ "x", 255, 0, NULL },
		{ "x", 256, EFBIG, "255" },
		{ "x/", 4096, 0, NULL },
		{ "x/", 4097, EFBIG, "path-depth=4096; --limit path-depth=N" },
		{ "./", 32768, 0, NULL },
		{ "./", 32769, EFBIG, "name-bytes=65536; --limit name-bytes=N" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *name = repeat(rows[i].piece, rows[i].count);
		char *path = malloc(strlen(name) + 1);
		struct oakum_error err;
		assert_non_null(path);
		assert_int_equal(path_clean(name, &default_limits, path, &err), -rows[i].code);
		if (rows[i].says != NULL && strstr(err.detail, rows[i].says) == NULL)
			fail_msg("%s", err.detail);
		free(path);
		free(name);
	}
}

static void a_whiteout_may_be_longer_than_a_name(void **state)
{
	char name[300] = ".wh.";
	char path[300];

	(void)state;
	memset(name + 4, 'x', 255);
	assert_int_equal(clean(name, path), 0);
	assert_string_equal(path, name);
	name[259] = 'x';
	assert_int_equal(clean(name, path), EFBIG);
}

static void a_path_has_a_base_a_parent_and_a_depth(void **state)
{
	static const struct {
		const char *path;
		const char *base;
		size_t parent_length;
		size_t depth;
	} rows[] = {
		{ "", "", 0, 0 },
		{ "a", "a", 0, 1 },
		{ "a/b", "b", 1, 2 },
		{ "usr/bin/env", "env", 7, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(path_base(rows[i].path), rows[i].base);
		assert_int_equal(path_parent_length(rows[i].path), rows[i].parent_length);
		assert_int_equal(path_depth(rows[i].path), rows[i].depth);
	}
}

static void below_is_a_matter_of_components(void **state)
{
	static const struct {
		const char *path;
		const char *parent;
		bool is_below;
	} rows[] = {
		{ "a", "a", true },
		{ "a/b", "a", true },
		{ "a/b/c", "a/b", true },
		{ "ab", "a", false },
		{ "a-evil/b", "a", false },
		{ "a", "a/b", false },
		{ "b", "a", false },
		{ "a", "", true },
		{ "", "", true },
		{ "", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			path_is_at_or_below(rows[i].path, rows[i].parent), rows[i].is_below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_loses_all_that_means_nothing),
		cmocka_unit_test(a_name_that_leads_elsewhere_or_nowhere_is_refused),
		cmocka_unit_test(the_error_has_the_name_and_a_reason),
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(a_whiteout_may_be_longer_than_a_name),
		cmocka_unit_test(a_path_has_a_base_a_parent_and_a_depth),
		cmocka_unit_test(below_is_a_matter_of_components),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
