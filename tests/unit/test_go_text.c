/* SPDX-License-Identifier: Apache-2.0 */
/* What callers of the storage-* helpers look for in a text. */
#include "layer/go_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void an_errno_is_spelt_as_go_spells_it(void **state)
{
	static const struct {
		int code;
		const char *text;
	} rows[] = {
		{ ENOENT, "no such file or directory" },
		{ EPERM, "operation not permitted" },
		{ EOPNOTSUPP, "operation not supported" },
		{ EXDEV, "invalid cross-device link" },
		{ ENOSPC, "no space left on device" },
		{ ELOOP, "too many levels of symbolic links" },
		{ ESTALE, "stale NFS file handle" },
		{ EDOTDOT, "RFS specific error" },
		{ ELIBSCN, ".lib section in a.out corrupted" },
		{ 9999, "errno 9999" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(go_errno_text(rows[i].code), rows[i].text);
}

static void a_name_is_quoted_and_cut_before_it_is_too_long(void **state)
{
	char buffer[GO_QUOTED_BYTES];
	char longer[3 * GO_QUOTED_BYTES];

	(void)state;
	assert_string_equal(go_quote("a b", buffer), "\"a b\"");
	assert_string_equal(go_quote("a\"b\\c\n\x1b", buffer), "\"a\\\"b\\\\c\\n\\x1b\"");
	memset(longer, '"', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	go_quote(longer, buffer);
	assert_in_range(strlen(buffer), GO_QUOTED_BYTES - 10, GO_QUOTED_BYTES - 1);
	assert_int_equal(buffer[strlen(buffer) - 1], '"');
}

struct row {
	const char *op;
	int code;
	const char *entry;
	const char *detail;
	uint32_t stage;
	bool ended_early;
	const char *text;
};

static void an_error_is_worded_as_the_go_child_words_it(void **state)
{
	static const struct row rows[] = {
		{ "openat", ENOENT, "safe/f", "", OAKUM_STAGE_WRITE, false,
			"open /safe/f: no such file or directory" },
		{ "mkdirat", EROFS, "d", "", OAKUM_STAGE_WRITE, false,
			"mkdir /d: read-only file system" },
		{ "symlinkat", ENOSPC, "l", "../t", OAKUM_STAGE_WRITE, false,
			"symlink ../t /l: no space left on device" },
		{ "linkat", ENOENT, "l", "", OAKUM_STAGE_WRITE, false,
			"no such file or directory" },
		{ "mknodat", EEXIST, "c", "", OAKUM_STAGE_WRITE, false, "file exists" },
		{ "mark opaque", EPERM, "d", "trusted.overlay.opaque: cannot", OAKUM_STAGE_WRITE,
			false, "operation not permitted" },
		{ "write", ENOSPC, "m/f", "", OAKUM_STAGE_WRITE, false,
			"write /m/f: no space left on device" },
		{ "setxattr", EPERM, "l", "user.a", OAKUM_STAGE_WRITE, false,
			"lsetxattr /l: operation not permitted" },
		{ "fchownat", EPERM, "l", "requested 1:2", OAKUM_STAGE_WRITE, false,
			"lchown /l: operation not permitted" },
		{ "fchown", EINVAL, "f", "requested 1:2", OAKUM_STAGE_WRITE, false,
			"potentially insufficient UIDs or GIDs available in user namespace "
			"(requested 1:2 for /f): Check /etc/subuid and /etc/subgid if configured "
			"locally and run \"podman system migrate\": lchown /f: invalid argument" },
		{ "remove", EBUSY, "d", "", OAKUM_STAGE_WRITE, false,
			"unlinkat /d: device or resource busy" },
		{ "", EINVAL, "a", "\"a\" is outside of \"/b\"", OAKUM_STAGE_POLICY, false,
			"\"a\" is outside of \"/b\"" },
		{ "read header", EBADMSG, "a", "no tar header", OAKUM_STAGE_READ, false,
			"archive/tar: invalid tar header (a: no tar header)" },
		{ "read", EISDIR, "", "", OAKUM_STAGE_READ, false,
			"read /dev/stdin: is a directory" },
		{ "read header", EBADMSG, "", "cut off", OAKUM_STAGE_READ, true,
			"unexpected EOF (cut off)" },
		{ "read header", EFBIG, "", "more than 5; --limit pax-bytes=N raises it",
			OAKUM_STAGE_READ, false,
			"archive/tar: header field too long (more than 5)" },
		{ "read type", EBADMSG, "a", "unhandled tar header type 68; it is at byte 0",
			OAKUM_STAGE_READ, false,
			"unhandled tar header type 68 (a: it is at "
			"byte 0)" },
		{ "read header", EBADMSG, "a",
			"sparse file contains unreferenced data; it is at byte 0", OAKUM_STAGE_READ,
			false,
			"archive/tar: sparse file contains unreferenced data (a: it is at byte "
			"0)" },
		{ "check entry", EBADMSG, "a\n", "it hides nothing", OAKUM_STAGE_POLICY, false,
			"check entry /a\\n: it hides nothing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oakum_error err = { .code = rows[i].code, .stage = rows[i].stage };
		char buffer[GO_TEXT_BYTES];
		snprintf(err.op, sizeof(err.op), "%s", rows[i].op);
		snprintf(err.entry, sizeof(err.entry), "%s", rows[i].entry);
		snprintf(err.detail, sizeof(err.detail), "%s", rows[i].detail);
		assert_string_equal(go_error_text(&err, rows[i].ended_early, buffer), rows[i].text);
	}
}

/* Every byte of the longest names, all of them to be escaped. */
static void the_longest_names_fit(void **state)
{
	struct oakum_error err = { .code = EINVAL, .stage = OAKUM_STAGE_WRITE };
	char buffer[GO_TEXT_BYTES];

	(void)state;
	snprintf(err.op, sizeof(err.op), "symlinkat");
	memset(err.entry, 1, sizeof(err.entry) - 1);
	memset(err.detail, 2, sizeof(err.detail) - 1);
	go_error_text(&err, false, buffer);
	assert_true(strlen(buffer) < GO_TEXT_BYTES);
	assert_memory_equal(buffer, "symlink \\x02", strlen("symlink \\x02"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_errno_is_spelt_as_go_spells_it),
		cmocka_unit_test(a_name_is_quoted_and_cut_before_it_is_too_long),
		cmocka_unit_test(an_error_is_worded_as_the_go_child_words_it),
		cmocka_unit_test(the_longest_names_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
