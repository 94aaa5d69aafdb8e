/* SPDX-License-Identifier: Apache-2.0 */
/* File capabilities on their way through a map of ids. */
#include "layer/capability.h"

#include <oakum/oakum.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* CAP_NET_RAW, permitted and effective. */
#define VERSION_2 "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define VERSION_3 "\1\0\0\3\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ROOT_0 "\0\0\0\0"
#define ROOT_1000 "\350\3\0\0"
#define ROOT_100000 "\240\206\1\0"
#define ROOT_101000 "\210\212\1\0"

struct value {
	const char *bytes;
	size_t length;
};
#define VALUE(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct oakum_id_range containers[] = { { 0, 100000, 65536 }, { 0 } };
static const struct oakum_id_range to_root[] = { { 1000, 0, 1 }, { 0 } };

static void a_capability_is_of_the_root_that_the_map_says(void **state)
{
	static const struct {
		const struct oakum_id_range *map;
		struct value layer;
		struct value host;
	} rows[] = {
		{ NULL, VALUE(VERSION_2), VALUE(VERSION_2) },
		{ NULL, VALUE(VERSION_3 ROOT_1000), VALUE(VERSION_3 ROOT_1000) },
		{ NULL, VALUE(VERSION_3 ROOT_0), VALUE(VERSION_2) },
		{ containers, VALUE(VERSION_2), VALUE(VERSION_3 ROOT_100000) },
		{ containers, VALUE(VERSION_3 ROOT_0), VALUE(VERSION_3 ROOT_100000) },
		{ containers, VALUE(VERSION_3 ROOT_1000), VALUE(VERSION_3 ROOT_101000) },
		{ to_root, VALUE(VERSION_3 ROOT_1000), VALUE(VERSION_2) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char host[CAPABILITY_BYTES_MAX];
		size_t length = 0;
		struct idmap map;
		assert_int_equal(idmap_of_ranges(rows[i].map, &map), 0);
		assert_int_equal(capability_to_host(&map, rows[i].layer.bytes, rows[i].layer.length,
					 host, &length),
			CAPABILITY_GOOD);
		assert_int_equal(length, rows[i].host.length);
		assert_memory_equal(host, rows[i].host.bytes, length);
		free((void *)(uintptr_t)map.ranges);
	}
}

static void a_root_in_no_range_is_told(void **state)
{
	unsigned char host[CAPABILITY_BYTES_MAX];
	size_t length;
	struct idmap map;

	(void)state;
	assert_int_equal(idmap_of_ranges(to_root, &map), 0);
	assert_int_equal(
		capability_to_host(&map, VERSION_2, 20, host, &length), CAPABILITY_UNMAPPED);
	free((void *)(uintptr_t)map.ranges);
}

static void what_no_kernel_takes_is_malformed(void **state)
{
	static const struct value rows[] = {
		VALUE(""),
		VALUE("\1"),
		VALUE("\1\0\0\1\0\40\0\0\0\0\0\0"), /* version 1, of Linux 2.6.24 */
		VALUE("\1\0\0\1\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		VALUE("\1\0\0\4\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		VALUE("\3\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), /* a flag that is none */
		VALUE("\1\1\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		VALUE(VERSION_2 "\0"),
		VALUE(VERSION_2 ROOT_0),
		VALUE(VERSION_3),
		VALUE(VERSION_3 ROOT_0 "\0"),
		VALUE(VERSION_3 "\377\377\377\377"),
	};
	const struct idmap map = { 0 };
	unsigned char host[CAPABILITY_BYTES_MAX];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			capability_to_host(&map, rows[i].bytes, rows[i].length, host, &length),
			CAPABILITY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capability_is_of_the_root_that_the_map_says),
		cmocka_unit_test(a_root_in_no_range_is_told),
		cmocka_unit_test(what_no_kernel_takes_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
