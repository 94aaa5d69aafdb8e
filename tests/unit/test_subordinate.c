/* SPDX-License-Identifier: Apache-2.0 */
#include "host/subordinate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_user_has_the_first_name_of_its_number(void **state)
{
	static const char passwd[] = "root:x:0:0::/:/bin/sh\n"
				     ":x:7:7:no name:/:\n"
				     "junk\n"
				     "signed:x:+7:7::/:\n"
				     "seven:x:7:7::/:\n"
				     "other:x:7:7::/:\n"
				     "last:x:4294967294:1::/:";
	static const struct {
		uint32_t uid;
		const char *name;
	} rows[] = {
		{ 0, "root" },
		{ 7, "seven" },
		{ 4294967294U, "last" },
		{ 8, "" },
	};
	char name[SUBORDINATE_NAME_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		subordinate_user_name(passwd, rows[i].uid, name);
		assert_string_equal(name, rows[i].name);
	}
}

static void a_name_that_does_not_fit_is_none(void **state)
{
	char passwd[SUBORDINATE_NAME_BYTES + 32];
	char name[SUBORDINATE_NAME_BYTES];

	(void)state;
	memset(passwd, 'a', SUBORDINATE_NAME_BYTES);
	strcpy(passwd + SUBORDINATE_NAME_BYTES, ":x:7:7::/:\n");
	subordinate_user_name(passwd, 7, name);
	assert_string_equal(name, "");
	memmove(passwd, passwd + 1, strlen(passwd));
	subordinate_user_name(passwd, 7, name);
	assert_int_equal(strlen(name), SUBORDINATE_NAME_BYTES - 1);
}

struct row {
	const char *text;
	size_t count;
	struct oakum_id_range ranges[3];
};

static void a_user_has_the_ranges_of_its_name_and_its_number(void **state)
{
	static const struct row rows[] = {
		{ "tenant:100:10\n", 1, { { 1, 100, 10 } } },
		{ "tenant:100:10", 1, { { 1, 100, 10 } } },
		{ "12345:100:10\nother:5:5\ntenant:300:3\n", 2,
			{ { 1, 100, 10 }, { 11, 300, 3 } } },
		{ "tenant2:100:10\ntenan:100:10\n12345678:1:1\n", 0, { { 0 } } },
		{ "", 0, { { 0 } } },
		{ "\n\n:\n::\n", 0, { { 0 } } },
		{ "tenant\ntenant:\ntenant:1\ntenant:1:\ntenant::1\n", 0, { { 0 } } },
		{ "tenant:-1:1\ntenant:1:+1\ntenant: 1:1\ntenant:1:1x\ntenant:0x1:1\n", 0,
			{ { 0 } } },
		{ "tenant:1:0\n", 0, { { 0 } } },
		{ "tenant:4294967295:1\ntenant:4294967296:1\ntenant:1:4294967295\n", 0, { { 0 } } },
		{ "tenant:4294967294:1\n", 1, { { 1, 4294967294U, 1 } } },
		/* What follows on a line is nothing to us; newuidmap(1) has its own opinion. */
		{ "tenant:1:2:3\n", 1, { { 1, 1, 2 } } },
		{ "tenant:1:1\ntenant:2:1\ntenant:3:1\ntenant:4:1\n", 3,
			{ { 1, 1, 1 }, { 2, 2, 1 }, { 3, 3, 1 } } },
	};
	const struct subordinate_user user = { .name = "tenant", .uid = 12345 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oakum_id_range found[3] = { 0 };
		assert_int_equal(
			subordinate_ranges(rows[i].text, &user, 1, found, 3), rows[i].count);
		assert_memory_equal(
			found, rows[i].ranges, rows[i].count * sizeof(rows[i].ranges[0]));
	}
}

static void without_a_name_only_the_number_counts(void **state)
{
	const struct subordinate_user user = { .name = "", .uid = 7 };
	struct oakum_id_range found[2];

	(void)state;
	assert_int_equal(subordinate_ranges(":1:1\n7:2:1\n", &user, 5, found, 2), 1);
	assert_int_equal(found[0].container, 5);
	assert_int_equal(found[0].host, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_has_the_first_name_of_its_number),
		cmocka_unit_test(a_name_that_does_not_fit_is_none),
		cmocka_unit_test(a_user_has_the_ranges_of_its_name_and_its_number),
		cmocka_unit_test(without_a_name_only_the_number_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
