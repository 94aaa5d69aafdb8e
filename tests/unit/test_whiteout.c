/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are whiteouts, and what they hide. */
#include "layer/whiteout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void only_the_last_component_makes_a_whiteout(void **state)
{
	static const struct {
		const char *path;
		enum whiteout kind;
		const char *target;
	} rows[] = {
		{ "", WHITEOUT_NONE, NULL },
		{ "a", WHITEOUT_NONE, NULL },
		{ ".wh", WHITEOUT_NONE, NULL },
		{ "a.wh.b", WHITEOUT_NONE, NULL },
		{ ".Wh.a", WHITEOUT_NONE, NULL },
		{ ".wh.a/b", WHITEOUT_NONE, NULL },
		{ "a/.wh.b/c", WHITEOUT_NONE, NULL },
		{ ".wh.a", WHITEOUT_FILE, "a" },
		{ "a/.wh.b", WHITEOUT_FILE, "a/b" },
		{ "a/b/.wh..b", WHITEOUT_FILE, "a/b/.b" },
		{ ".wh....", WHITEOUT_FILE, "..." },
		{ ".wh..wh", WHITEOUT_FILE, ".wh" },
		{ ".wh.a/.wh.b", WHITEOUT_FILE, ".wh.a/b" },
		{ ".wh..wh..opq", WHITEOUT_OPAQUE, "" },
		{ "a/.wh..wh..opq", WHITEOUT_OPAQUE, "a" },
		{ "a/b/.wh..wh..opq", WHITEOUT_OPAQUE, "a/b" },
		{ ".wh..wh..opqx", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh..wh.aufs", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh..wh.plnk", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh..wh.", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh..wh.plnk/123.456", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh..wh.orph/a/b", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh..wh.plnk/.wh.a", WHITEOUT_AUFS_METADATA, NULL },
		{ "a/.wh..wh.plnk/b", WHITEOUT_AUFS_METADATA, NULL },
		{ ".wh.", WHITEOUT_BAD, NULL },
		{ ".wh..", WHITEOUT_BAD, NULL },
		{ ".wh...", WHITEOUT_BAD, NULL },
		{ "a/.wh.", WHITEOUT_BAD, NULL },
		{ "a/.wh..", WHITEOUT_BAD, NULL },
		{ "a/b/.wh...", WHITEOUT_BAD, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char target[64];
		if (whiteout_kind(rows[i].path) != rows[i].kind)
			fail_msg("\"%s\" is %d", rows[i].path, (int)whiteout_kind(rows[i].path));
		if (rows[i].target == NULL)
			continue;
		whiteout_target(rows[i].path, rows[i].kind, target);
		assert_string_equal(target, rows[i].target);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_last_component_makes_a_whiteout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
