/* SPDX-License-Identifier: Apache-2.0 */
/* One error, one line: filled once, escaped, and never more than its room. */
#include "base/error.h"
#include "base/escape.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_error_is_one_line_of_five_parts(void **state)
{
	struct oakum_error err;
	char line[4096];

	(void)state;
	assert_int_equal(
		fail_because(&err, ENOSPC, "write", "var/lib/big", "%d bytes are missing", 7),
		-ENOSPC);
	staged(-ENOSPC, OAKUM_STAGE_WRITE, &err);
	oakum_error_format(&err, line, sizeof(line));
	assert_string_equal(
		line, "write: var/lib/big: write: No space left on device (7 bytes are missing)");
}

static void an_error_without_an_entry_leaves_it_out(void **state)
{
	struct oakum_error err;
	char line[4096];

	(void)state;
	fail_because(&err, EPERM, "chroot", NULL, "run as root");
	staged(-EPERM, OAKUM_STAGE_SETUP, &err);
	oakum_error_format(&err, line, sizeof(line));
	assert_string_equal(line, "setup: chroot: Operation not permitted (run as root)");
}

static void the_stage_is_set_once(void **state)
{
	struct oakum_error err;

	(void)state;
	fail_because(&err, EPERM, "x", NULL, "y");
	staged(-EPERM, OAKUM_STAGE_READ, &err);
	staged(-EPERM, OAKUM_STAGE_WRITE, &err);
	assert_int_equal(err.stage, OAKUM_STAGE_READ);
	fail_because(&err, EPERM, "x", NULL, "y");
	staged(0, OAKUM_STAGE_READ, &err);
	assert_int_equal(err.stage, 0);
}

static void a_name_cannot_break_out_of_its_line(void **state)
{
	struct oakum_error err;
	char line[4096];

	(void)state;
	fail_because(&err, EINVAL, "open", "a\nb\x1b[31m\x7f\xff\\", "x");
	oakum_error_format(&err, line, sizeof(line));
	assert_non_null(strstr(line, "a\\nb\\x1b[31m\\x7f\\xff\\\\"));
	for (const char *byte = line; *byte != '\0'; byte++)
		assert_true(*byte >= ' ' && *byte < 0x7f);
}

static void of_a_long_name_the_end_is_kept(void **state)
{
	struct oakum_error err;
	char name[5000];

	(void)state;
	memset(name, 'a', sizeof(name));
	strcpy(name + sizeof(name) - 5, "/end");
	fail_because(&err, EINVAL, "open", name, "x");
	assert_int_equal(strlen(err.entry), sizeof(err.entry) - 1);
	assert_string_equal(err.entry + strlen(err.entry) - 4, "/end");
}

static void a_short_buffer_is_never_overrun_and_always_ended(void **state)
{
	struct oakum_error err;
	char whole[4096];

	(void)state;
	fail_because(&err, EINVAL, "op", "en\x01try", "detail");
	size_t length = oakum_error_format(&err, whole, sizeof(whole));
	assert_int_equal(length, strlen(whole));
	for (size_t bytes = 0; bytes <= length + 1; bytes++) {
		char *part = malloc(bytes + 1);
		part[bytes] = '#';
		assert_int_equal(oakum_error_format(&err, part, bytes), length);
		assert_int_equal(part[bytes], '#');
		if (bytes > 0)
			assert_memory_equal(part, whole, strlen(part));
		free(part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_one_line_of_five_parts),
		cmocka_unit_test(an_error_without_an_entry_leaves_it_out),
		cmocka_unit_test(the_stage_is_set_once),
		cmocka_unit_test(a_name_cannot_break_out_of_its_line),
		cmocka_unit_test(of_a_long_name_the_end_is_kept),
		cmocka_unit_test(a_short_buffer_is_never_overrun_and_always_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
