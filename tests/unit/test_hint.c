/* SPDX-License-Identifier: Apache-2.0 */
/* base/hint.c: what to do about an error, and never in place of what is known better. */
#include "base/error.h"
#include "base/hint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *hint_of(int code, enum oakum_stage stage, const char *op, const char *detail)
{
	struct oakum_error err;

	error_explain(&err, code, op, "etc/passwd", "%s", detail);
	err.stage = stage;
	return hint_find(&err);
}

static void whatever_a_file_system_answers_has_a_hint(void **state)
{
	static const int codes[] = { ENOSPC, EDQUOT, EROFS, EPERM, EACCES, EOPNOTSUPP, EFBIG,
		EMLINK, ENAMETOOLONG, ELOOP, EXDEV, EBUSY, ETXTBSY, EIO, EUCLEAN, ENODEV, ENXIO,
		ESTALE, ENOTCONN, ENOENT, EEXIST, ENOTEMPTY, EOVERFLOW, EILSEQ, ENOKEY, EMFILE,
		ENFILE, ENOMEM, ENOSYS };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_non_null(hint_of(codes[i], OAKUM_STAGE_WRITE, "openat", ""));
}

static void what_is_known_better_stays_as_it_is(void **state)
{
	(void)state;
	assert_null(hint_of(ENOSPC, OAKUM_STAGE_WRITE, "write", "0 of 4096 bytes are free"));
	assert_null(hint_of(EPERM, OAKUM_STAGE_WRITE, "mknodat", "devices need CAP_MKNOD"));
	assert_null(hint_of(EMFILE, OAKUM_STAGE_SETUP, "open helper", "ulimit -n must be 96"));
}

static void a_story_that_is_a_name_gets_advice(void **state)
{
	(void)state;
	assert_non_null(strstr(
		hint_of(EPERM, OAKUM_STAGE_WRITE, "setxattr", "security.capability"), "--no-suid"));
	assert_non_null(strstr(
		hint_of(EPERM, OAKUM_STAGE_WRITE, "setxattr", "trusted.x"), "--labels=drop"));
	assert_non_null(
		strstr(hint_of(ENOSPC, OAKUM_STAGE_WRITE, "setxattr", "user.x"), "ea_inode"));
	assert_null(hint_of(EPERM, OAKUM_STAGE_WRITE, "setxattr", "strange.x"));
	assert_null(
		hint_of(ENOSPC, OAKUM_STAGE_WRITE, "setxattr", "user.x; 0 of 4096 bytes are free"));
}

static void what_the_layer_did_is_not_explained_by_the_disk(void **state)
{
	(void)state;
	assert_null(hint_of(EBADMSG, OAKUM_STAGE_READ, "check name", ""));
	assert_null(hint_of(ENOSPC, OAKUM_STAGE_POLICY, "check limits", ""));
	assert_null(hint_of(EIO, OAKUM_STAGE_REAP, "wait", ""));
	assert_null(hint_of(EPERM, OAKUM_STAGE_SETUP, "chroot", ""));
}

static void a_hint_follows_what_is_there_and_is_cut_where_room_ends(void **state)
{
	struct oakum_error err;
	char many[300];

	(void)state;
	error_fill(&err, EPERM, "setxattr", NULL);
	hint_add(&err, "one");
	assert_string_equal(err.detail, "one");
	hint_add(&err, "two");
	assert_string_equal(err.detail, "one; two");
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	hint_add(&err, many);
	assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
	hint_add(&err, "three");
	assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_a_file_system_answers_has_a_hint),
		cmocka_unit_test(what_is_known_better_stays_as_it_is),
		cmocka_unit_test(a_story_that_is_a_name_gets_advice),
		cmocka_unit_test(what_the_layer_did_is_not_explained_by_the_disk),
		cmocka_unit_test(a_hint_follows_what_is_there_and_is_cut_where_room_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
