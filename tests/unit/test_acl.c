/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists as the kernel takes them. */
#include "layer/acl.h"

#include <oakum/oakum.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES_MAX = 8 };

static const struct idmap itself = { 0 };

/* The value of entries as they stand, right or wrong. */
static size_t value_of(const struct acl_entry *entries, size_t count, unsigned char *value)
{
	memcpy(value, "\2\0\0\0", 4);
	for (size_t i = 0; i < count; i++) {
		struct acl_entry entry = entries[i];
		unsigned char one[ACL_HEADER_BYTES + ACL_ENTRY_BYTES];
		acl_write(&entry, 1, one);
		memcpy(value + acl_bytes(i), one + ACL_HEADER_BYTES, ACL_ENTRY_BYTES);
	}
	return acl_bytes(count);
}

static void entries_are_written_in_the_kernels_order(void **state)
{
	struct acl_entry entries[] = {
		{ ACL_OF_OTHERS, 4, 0 },
		{ ACL_OF_USER, 6, 70000 },
		{ ACL_OF_MASK, 7, 0 },
		{ ACL_OF_GROUP, 1, 5 },
		{ ACL_OF_USER, 5, 8 },
		{ ACL_OF_OWNING_GROUP, 0, 0 },
		{ ACL_OF_OWNER, 7, 0 },
	};
	static const char expected[] = "\2\0\0\0"
				       "\1\0\7\0\377\377\377\377"
				       "\2\0\5\0\10\0\0\0"
				       "\2\0\6\0\160\21\1\0"
				       "\4\0\0\0\377\377\377\377"
				       "\10\0\1\0\5\0\0\0"
				       "\20\0\7\0\377\377\377\377"
				       "\40\0\4\0\377\377\377\377";
	unsigned char value[sizeof(expected) - 1];

	(void)state;
	assert_int_equal(acl_bytes(7), sizeof(value));
	acl_write(entries, 7, value);
	assert_memory_equal(value, expected, sizeof(value));
	assert_int_equal(acl_to_host(&itself, &itself, value, sizeof(value)), ACL_GOOD);
	assert_memory_equal(value, expected, sizeof(value));
}

static void the_kernels_rules_are_ours(void **state)
{
	static const struct {
		struct acl_entry entries[ENTRIES_MAX];
		size_t count;
		enum acl_result result;
	} rows[] = {
		{ { { 1, 7, 0 }, { 4, 5, 0 }, { 32, 0, 0 } }, 3, ACL_GOOD },
		{ { { 1, 7, 0 }, { 4, 5, 0 }, { 16, 5, 0 }, { 32, 0, 0 } }, 4, ACL_GOOD },
		{ { { 1, 7, 0 }, { 2, 5, 9 }, { 4, 5, 0 }, { 16, 5, 0 }, { 32, 0, 0 } }, 5,
			ACL_GOOD },
		{ { { 1, 7, 0 }, { 2, 5, UINT32_MAX }, { 4, 5, 0 }, { 16, 5, 0 }, { 32, 0, 0 } }, 5,
			ACL_NAMELESS },
		{ { { 1, 7, 0 }, { 2, 5, 9 }, { 4, 5, 0 }, { 32, 0, 0 } }, 4, ACL_MALFORMED },
		{ { { 1, 7, 0 }, { 4, 5, 0 }, { 8, 5, 9 }, { 32, 0, 0 } }, 4, ACL_MALFORMED },
		{ { { 4, 5, 0 }, { 16, 1, 0 }, { 32, 0, 0 } }, 3, ACL_MALFORMED },
		{ { { 1, 7, 0 }, { 16, 5, 0 }, { 32, 0, 0 } }, 3, ACL_MALFORMED },
		{ { { 1, 7, 0 }, { 4, 5, 0 }, { 16, 0, 0 } }, 3, ACL_MALFORMED },
		{ { { 1, 7, 0 }, { 4, 5, 0 } }, 2, ACL_MALFORMED },
		{ { { 1, 7, 0 }, { 1, 7, 0 }, { 4, 5, 0 }, { 32, 0, 0 } }, 4, ACL_MALFORMED },
		{ { { 4, 5, 0 }, { 1, 7, 0 }, { 32, 0, 0 } }, 3, ACL_MALFORMED },
		{ { { 1, 8, 0 }, { 4, 5, 0 }, { 32, 0, 0 } }, 3, ACL_MALFORMED },
		{ { { 3, 7, 0 }, { 4, 5, 0 }, { 32, 0, 0 } }, 3, ACL_MALFORMED },
		{ { { 1, 7, 0 }, { 4, 5, 0 }, { 32, 0, 0 }, { 64, 0, 0 } }, 4, ACL_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char value[ACL_HEADER_BYTES + ENTRIES_MAX * ACL_ENTRY_BYTES];
		size_t bytes = value_of(rows[i].entries, rows[i].count, value);
		if (acl_to_host(&itself, &itself, value, bytes) != rows[i].result)
			fail_msg("row %zu", i);
	}
}

static void a_value_of_another_size_or_version_is_malformed(void **state)
{
	static const struct acl_entry entries[] = { { 1, 7, 0 }, { 4, 5, 0 }, { 32, 0, 0 } };
	unsigned char value[ACL_HEADER_BYTES + ENTRIES_MAX * ACL_ENTRY_BYTES] = { 0 };
	size_t bytes = value_of(entries, 3, value);

	(void)state;
	for (size_t wrong = 0; wrong < bytes + 8; wrong++)
		assert_int_equal(acl_to_host(&itself, &itself, value, wrong),
			wrong == bytes ? ACL_GOOD : ACL_MALFORMED);
	value[0] = 1;
	assert_int_equal(acl_to_host(&itself, &itself, value, bytes), ACL_MALFORMED);
}

static void users_and_groups_have_maps_of_their_own(void **state)
{
	static const struct oakum_id_range users[] = { { 0, 100000, 65536 }, { 0 } };
	static const struct oakum_id_range groups[] = { { 5, 7, 1 }, { 0 } };
	struct acl_entry entries[] = { { 1, 7, 0 }, { 2, 5, 9 }, { 4, 5, 0 }, { 8, 1, 5 },
		{ 16, 5, 0 }, { 32, 0, 0 } };
	unsigned char value[ACL_HEADER_BYTES + ENTRIES_MAX * ACL_ENTRY_BYTES];
	struct idmap uids;
	struct idmap gids;

	(void)state;
	assert_int_equal(idmap_of_ranges(users, &uids), 0);
	assert_int_equal(idmap_of_ranges(groups, &gids), 0);
	size_t bytes = value_of(entries, 6, value);
	assert_int_equal(acl_to_host(&uids, &gids, value, bytes), ACL_GOOD);
	assert_memory_equal(value + acl_bytes(1), "\2\0\5\0\251\206\1\0", ACL_ENTRY_BYTES);
	assert_memory_equal(value + acl_bytes(3), "\10\0\1\0\7\0\0\0", ACL_ENTRY_BYTES);
	entries[3].id = 6;
	bytes = value_of(entries, 6, value);
	assert_int_equal(acl_to_host(&uids, &gids, value, bytes), ACL_NAMELESS);
	free((void *)(uintptr_t)uids.ranges);
	free((void *)(uintptr_t)gids.ranges);
}

static void the_group_has_what_the_mask_leaves_it(void **state)
{
	static const struct acl_entry masked[] = { { 1, 7, 0 }, { 2, 7, 9 }, { 4, 5, 0 },
		{ 16, 6, 0 }, { 32, 0, 0 } };
	static const struct acl_entry plain[] = { { 1, 7, 0 }, { 4, 5, 0 }, { 32, 0, 0 } };
	unsigned char value[ACL_HEADER_BYTES + ENTRIES_MAX * ACL_ENTRY_BYTES];

	(void)state;
	assert_int_equal(acl_group_permissions(value, value_of(masked, 5, value)), 4);
	assert_int_equal(acl_group_permissions(value, value_of(plain, 3, value)), 5);
}

static void a_mask_is_what_the_group_may_do_by_the_mode(void **state)
{
	const struct acl_entry entries[] = {
		{ ACL_OF_OWNER, 6, 0 },
		{ ACL_OF_USER, 7, 8 },
		{ ACL_OF_OWNING_GROUP, 7, 0 },
		{ ACL_OF_MASK, 5, 0 },
		{ ACL_OF_OTHERS, 1, 0 },
	};
	unsigned char value[ACL_HEADER_BYTES + 5 * ACL_ENTRY_BYTES];

	(void)state;
	size_t length = value_of(entries, 5, value);
	assert_int_equal(acl_mode(value, length), 0651);
	assert_int_equal(acl_mode(value, value_of(entries, 3, value)), 0670);
}

static void only_users_and_groups_have_ids(void **state)
{
	static const char given[] = "\2\0\0\0"
				    "\1\0\7\0\1\0\0\0"
				    "\2\0\7\0\10\0\0\0"
				    "\4\0\5\0\2\0\0\0"
				    "\10\0\5\0\11\0\0\0"
				    "\20\0\5\0\7\0\0\0"
				    "\40\0\0\0\0\0\0\0";
	static const char expected[] = "\2\0\0\0"
				       "\1\0\7\0\377\377\377\377"
				       "\2\0\7\0\10\0\0\0"
				       "\4\0\5\0\377\377\377\377"
				       "\10\0\5\0\11\0\0\0"
				       "\20\0\5\0\377\377\377\377"
				       "\40\0\0\0\377\377\377\377";
	unsigned char value[sizeof(given) - 1];

	(void)state;
	memcpy(value, given, sizeof(value));
	acl_forget_ids(value, sizeof(value));
	assert_memory_equal(value, expected, sizeof(value));
}

static void an_acl_of_three_entries_is_a_mode(void **state)
{
	const struct acl_entry entries[] = {
		{ ACL_OF_OWNER, 6, 0 },
		{ ACL_OF_OWNING_GROUP, 7, 0 },
		{ ACL_OF_OTHERS, 4, 0 },
		{ ACL_OF_MASK, 7, 0 },
	};
	unsigned char value[ACL_HEADER_BYTES + 4 * ACL_ENTRY_BYTES];

	(void)state;
	size_t length = value_of(entries, 3, value);
	assert_false(acl_is_extended(value, length));
	assert_int_equal(acl_mode(value, length), 0674);
	assert_true(acl_is_extended(value, value_of(entries, 4, value)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mask_is_what_the_group_may_do_by_the_mode),
		cmocka_unit_test(only_users_and_groups_have_ids),
		cmocka_unit_test(an_acl_of_three_entries_is_a_mode),
		cmocka_unit_test(entries_are_written_in_the_kernels_order),
		cmocka_unit_test(the_kernels_rules_are_ours),
		cmocka_unit_test(a_value_of_another_size_or_version_is_malformed),
		cmocka_unit_test(users_and_groups_have_maps_of_their_own),
		cmocka_unit_test(the_group_has_what_the_mask_leaves_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
