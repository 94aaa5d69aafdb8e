/* SPDX-License-Identifier: Apache-2.0 */
#include "helper/rootless.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char whole_map[] = "         0          0 4294967295\n";
static const char part_of_it[] = "         0       1000          1\n";

static void it_is_as_containers_storage_asks(void **state)
{
	static const struct {
		struct rootless_facts facts;
		bool is_rootless;
	} rows[] = {
		{ { NULL, NULL, 0, true, whole_map }, false },
		{ { NULL, NULL, 1000, true, whole_map }, true },
		{ { "1000", NULL, 0, true, whole_map }, true },
		{ { "0", NULL, 1000, true, whole_map }, false },
		{ { "", NULL, 1000, true, whole_map }, true },
		{ { "x", NULL, 1000, true, whole_map }, false },
		{ { "", NULL, 0, true, whole_map }, false },
		{ { NULL, "done", 0, true, whole_map }, true },
		{ { NULL, "", 0, true, whole_map }, false },
		{ { NULL, NULL, 0, false, whole_map }, true },
		{ { NULL, NULL, 0, true, part_of_it }, true },
		{ { NULL, NULL, 0, true, NULL }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rootless_by(&rows[i].facts) != rows[i].is_rootless)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_as_containers_storage_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
