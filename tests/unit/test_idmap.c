/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/idmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct idmap_range two_ranges[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
static const struct idmap two = { .is_given = true, .ranges = two_ranges, .count = 2 };

static void an_id_is_mapped_by_the_range_that_holds_it(void **state)
{
	static const struct {
		uint32_t container_id;
		uint32_t host_id;
	} rows[] = { { 0, 1000 }, { 1, 100000 }, { 65536, 165535 } };
	uint32_t id;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(idmap_to_host(&two, rows[i].container_id, &id));
		assert_int_equal(id, rows[i].host_id);
		assert_true(idmap_to_container(&two, rows[i].host_id, &id));
		assert_int_equal(id, rows[i].container_id);
	}
}

static void an_id_outside_every_range_is_not_mapped(void **state)
{
	uint32_t id;

	(void)state;
	assert_false(idmap_to_host(&two, 65537, &id));
	assert_false(idmap_to_container(&two, 999, &id));
	assert_false(idmap_to_container(&two, 1001, &id));
}

static void without_a_map_every_id_stays_and_with_an_empty_one_none_is_mapped(void **state)
{
	const struct idmap none = { 0 };
	const struct idmap empty = { .is_given = true };
	uint32_t id;

	(void)state;
	assert_true(idmap_to_host(&none, 7, &id));
	assert_int_equal(id, 7);
	assert_true(idmap_to_container(&none, 8, &id));
	assert_int_equal(id, 8);
	assert_false(idmap_to_host(&empty, 0, &id));
	assert_false(idmap_to_container(&empty, 0, &id));
}

static void the_first_range_counts_where_two_overlap(void **state)
{
	static const struct idmap_range ranges[] = { { 0, 500, 10 }, { 5, 900, 10 } };
	const struct idmap map = { .is_given = true, .ranges = ranges, .count = 2 };
	uint32_t id;

	(void)state;
	assert_true(idmap_to_host(&map, 5, &id));
	assert_int_equal(id, 505);
	assert_true(idmap_to_host(&map, 10, &id));
	assert_int_equal(id, 905);
}

static void a_result_that_is_no_id_is_none(void **state)
{
	static const struct idmap_range past[] = { { 0, UINT32_MAX - 1, 2 } };
	static const struct idmap_range below[] = { { 0, -5, 10 } };
	static const struct idmap_range huge[] = { { INT64_MIN, INT64_MAX, INT64_MAX } };
	const struct idmap maps[] = {
		{ .is_given = true, .ranges = past, .count = 1 },
		{ .is_given = true, .ranges = below, .count = 1 },
		{ .is_given = true, .ranges = huge, .count = 1 },
	};
	uint32_t id;

	(void)state;
	assert_true(idmap_to_host(&maps[0], 0, &id));
	assert_int_equal(id, UINT32_MAX - 1);
	assert_false(idmap_to_host(&maps[0], 1, &id));
	assert_false(idmap_to_host(&maps[1], 4, &id));
	assert_true(idmap_to_host(&maps[1], 5, &id));
	assert_int_equal(id, 0);
	assert_false(idmap_to_host(&maps[2], 0, &id));
	assert_false(idmap_to_container(&maps[2], UINT32_MAX, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_mapped_by_the_range_that_holds_it),
		cmocka_unit_test(an_id_outside_every_range_is_not_mapped),
		cmocka_unit_test(without_a_map_every_id_stays_and_with_an_empty_one_none_is_mapped),
		cmocka_unit_test(the_first_range_counts_where_two_overlap),
		cmocka_unit_test(a_result_that_is_no_id_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
