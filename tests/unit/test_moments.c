/* SPDX-License-Identifier: Apache-2.0 */
/* Names as keys, and when they were last heard of. */
#include "verifier/key.h"
#include "verifier/moments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 10000 };

static int compare(const void *left, const void *right)
{
	const uint64_t *one = left;
	const uint64_t *other = right;

	return (*one > *other) - (*one < *other);
}

static void names_that_differ_have_other_keys(void **state)
{
	static uint64_t keys[4 * MANY];
	struct key_secret secret;
	size_t count = 0;

	(void)state;
	assert_int_equal(key_make_secret(&secret), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		const struct inode inode = { .device = i % 2, .number = i };
		const char name[9] = { 'n', (char)i, (char)(i >> 8), 4, 5, 6, 7, 8, 9 };
		keys[count++] = key_in(&secret, &inode, "name", 4);
		keys[count++] = key_in(&secret, &inode, "name", 3);
		keys[count++] = key_below(&secret, i, "name", 4);
		keys[count++] = key_below(&secret, 0, name, sizeof(name));
	}
	qsort(keys, count, sizeof(keys[0]), compare);
	for (size_t i = 1; i < count; i++)
		assert_true(keys[i - 1] != keys[i]);
}

static void a_key_hangs_on_the_secret(void **state)
{
	const struct inode inode = { .device = 1, .number = 2 };
	struct key_secret secret = { { 1, 2 } };

	(void)state;
	const uint64_t before = key_in(&secret, &inode, "a", 1);
	assert_true(before == key_in(&secret, &inode, "ab", 1));
	secret.words[1]++;
	assert_true(before != key_in(&secret, &inode, "a", 1));
}

static void only_what_is_watched_is_remembered(void **state)
{
	struct moments moments = { 0 };

	(void)state;
	moments_note(&moments, 5, 1);
	assert_int_equal(moments_last(&moments, 5), 0);
	assert_int_equal(moments_watch(&moments, 5), 1);
	assert_int_equal(moments_last(&moments, 5), 0);
	moments_note(&moments, 5, 2);
	moments_note(&moments, 6, 3);
	assert_int_equal(moments_watch(&moments, 5), 0);
	assert_int_equal(moments_last(&moments, 5), 2);
	assert_int_equal(moments_last(&moments, 6), 0);
	moments_note(&moments, 5, 7);
	assert_int_equal(moments_last(&moments, 5), 7);
	moments_free(&moments);
}

static void what_is_watched_stays_while_it_grows(void **state)
{
	struct moments moments = { 0 };

	(void)state;
	for (uint64_t key = 1; key <= MANY; key++) {
		assert_int_equal(moments_watch(&moments, key << 20), 1);
		moments_note(&moments, key << 20, key);
	}
	for (uint64_t key = 1; key <= MANY; key++)
		assert_int_equal(moments_last(&moments, key << 20), key);
	assert_true(moments.room * sizeof(*moments.slots) <= (size_t)MANY * MOMENT_BYTES_MAX);
	moments_free(&moments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_differ_have_other_keys),
		cmocka_unit_test(a_key_hangs_on_the_secret),
		cmocka_unit_test(only_what_is_watched_is_remembered),
		cmocka_unit_test(what_is_watched_stays_while_it_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
