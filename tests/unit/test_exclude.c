/* SPDX-License-Identifier: Apache-2.0 */
/* Excluded paths, with all below them and nothing beside them; however many there are. */
#include "layer/exclude.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct limits default_limits = LIMITS_DEFAULT;

static struct exclude *exclude_of(const char *const *paths)
{
	struct exclude *exclude;
	struct oakum_error err;

	assert_int_equal(exclude_new(paths, &default_limits, &exclude, &err), 0);
	return exclude;
}

static void a_path_and_what_lies_below_are_excluded(void **state)
{
	static const char *const paths[] = { "dev", "/var/cache/", "./etc/ssl", "usr", "a/b/c",
		"dev", NULL };
	static const struct {
		const char *path;
		bool is_excluded;
	} rows[] = {
		{ "", false },
		{ "dev", true },
		{ "dev/null", true },
		{ "device", false },
		{ "de", false },
		{ "dev-evil/x", false },
		{ "x/dev", false },
		{ "var", false },
		{ "var/cache", true },
		{ "var/cache/apt/archives", true },
		{ "var/cached", false },
		{ "etc", false },
		{ "etc/ssl/certs", true },
		{ "etc/ssl.conf", false },
		{ "usr/share/doc", true },
		{ "a/b", false },
		{ "a/b/c/d/e/f", true },
		{ "a/b/d", false },
		{ "zzz", false },
		{ "\377", false },
	};
	struct exclude *exclude = exclude_of(paths);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (exclude_has(exclude, rows[i].path) != rows[i].is_excluded)
			fail_msg("%s", rows[i].path);
	}
	exclude_free(exclude);
}

static void no_list_and_an_empty_list_exclude_nothing(void **state)
{
	static const char *const none[] = { NULL };
	struct exclude *exclude = exclude_of(NULL);

	(void)state;
	assert_false(exclude_has(exclude, "a"));
	exclude_free(exclude);
	exclude = exclude_of(none);
	assert_false(exclude_has(exclude, ""));
	exclude_free(exclude);
	exclude_free(NULL);
}

static void an_item_that_is_no_path_is_refused_by_name(void **state)
{
	static const char *const bad[] = { "", "/", "..", "a/../b", "./." };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const paths[] = { "good", bad[i], NULL };
		struct exclude *exclude;
		struct oakum_error err;
		assert_int_equal(exclude_new(paths, &default_limits, &exclude, &err), -EINVAL);
		assert_string_equal(err.entry, bad[i]);
	}
}

/* A real test of containers/storage: 20 MB of excludes. */
static void many_long_excludes_cost_little_an_entry(void **state)
{
	enum { COUNT = 65534, BYTES = 300, LOOK_UPS = 100000 };
	const char **paths = calloc(COUNT + 1, sizeof(*paths));
	char *texts = malloc((size_t)COUNT * BYTES);
	struct exclude *exclude;
	char path[512];

	(void)state;
	assert_non_null(paths);
	assert_non_null(texts);
	memset(texts, 'x', (size_t)COUNT * BYTES);
	for (size_t i = 0; i < COUNT; i++) {
		char *text = texts + i * BYTES;
		snprintf(text + 200, BYTES - 200, "/%zu", i * 2654435761 % COUNT);
		paths[i] = text;
	}
	exclude = exclude_of(paths);
	memset(path, 'x', sizeof(path));
	/* About 17 comparisons each; one by one it would take minutes, and CTest's patience. */
	for (size_t i = 0; i < LOOK_UPS; i++) {
		snprintf(path + 200, sizeof(path) - 200, "/%zu/below/it", i);
		assert_int_equal(exclude_has(exclude, path), i < COUNT);
	}
	exclude_free(exclude);
	free(texts);
	free(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_and_what_lies_below_are_excluded),
		cmocka_unit_test(no_list_and_an_empty_list_exclude_nothing),
		cmocka_unit_test(an_item_that_is_no_path_is_refused_by_name),
		cmocka_unit_test(many_long_excludes_cost_little_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
