/* SPDX-License-Identifier: Apache-2.0 */
/* Who is to blame: a table of outcomes, and what the record must say of each. */
#include "base/error.h"
#include "monitor/judge.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct outcome done(enum report_role role)
{
	struct outcome outcome = { .role = role, .kind = OUTCOME_REPORTED };

	report_init(&outcome.report, role);
	return outcome;
}

static struct outcome failed(enum report_role role, int code, const char *op)
{
	struct outcome outcome = done(role);

	outcome.report.result =
		fail_because(&outcome.report.error, code, op, "an/entry", "because");
	outcome.wait_status = W_EXITCODE(1, 0);
	return outcome;
}

static struct outcome cut_off(void)
{
	struct outcome outcome = failed(REPORT_FROM_UNPACKER, EBADMSG, "read header");

	outcome.report.ended_early = 1;
	return outcome;
}

static struct outcome killed(int signal_number, bool by_us)
{
	return (struct outcome){
		.wait_status = W_EXITCODE(0, signal_number),
		.killed_by_us = by_us,
	};
}

static struct outcome lied(void)
{
	return (struct outcome){ .kind = OUTCOME_LIED };
}

#define D REPORT_FROM_DECOMPRESSOR
#define U REPORT_FROM_UNPACKER

static void the_first_cause_is_told_and_never_a_consequence(void **state)
{
	const struct {
		struct outcome decompressor;
		struct outcome unpacker;
		int code;	  /* 0: success */
		const char *says; /* in op or detail */
	} rows[] = {
		{ done(D), done(U), 0, "" },
		{ failed(D, EPIPE, "write"), failed(U, ENOSPC, "write"), ENOSPC, "write" },
		{ killed(SIGKILL, true), failed(U, ENOSPC, "write"), ENOSPC, "write" },
		{ failed(D, EBADMSG, "inflate"), cut_off(), EBADMSG, "inflate" },
		{ failed(D, EBADMSG, "inflate"), killed(SIGKILL, true), EBADMSG, "inflate" },
		{ killed(SIGKILL, false), cut_off(), EIO, "decompressor was killed by signal 9" },
		{ killed(SIGSEGV, false), killed(SIGKILL, true), EIO,
			"decompressor was killed by signal 11" },
		{ killed(SIGSYS, false), cut_off(), EIO, "forbidden system call" },
		{ failed(D, EPIPE, "write"), killed(SIGKILL, false), EIO,
			"unpacker was killed by signal 9" },
		{ killed(SIGKILL, true), killed(SIGBUS, false), EIO,
			"unpacker was killed by signal 7" },
		{ done(D), cut_off(), EBADMSG, "read header" },
		{ done(D), killed(SIGKILL, false), EIO, "unpacker was killed by signal 9" },
		{ killed(SIGKILL, false), done(U), EIO, "decompressor was killed by signal 9" },
		{ lied(), done(U), EIO, "the decompressor sent what is no report" },
		{ done(D), lied(), EIO, "the unpacker sent what is no report" },
		{ failed(D, EPIPE, "read"), cut_off(), EPIPE, "read" },
		{ failed(D, EPIPE, "write"), done(U), EPIPE, "write" },
		{ killed(SIGKILL, true), done(U), EIO, "decompressor" },
		{ done(D), killed(SIGKILL, true), EIO, "unpacker" },
		{ killed(SIGKILL, true), killed(SIGKILL, true), EIO, "unpacker" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcomes[] = { rows[i].decompressor, rows[i].unpacker };
		struct report record;
		outcomes[0].role = D;
		outcomes[1].role = U;
		report_init(&record, REPORT_FROM_MONITOR);
		judge(outcomes, 2, &record);
		if (record.result != -rows[i].code ||
			(strstr(record.error.op, rows[i].says) == NULL &&
				strstr(record.error.detail, rows[i].says) == NULL))
			fail_msg("row %zu: %d %s: %s", i, record.result, record.error.op,
				record.error.detail);
		assert_int_equal(record.result, -record.error.code);
	}
}

#define LH REPORT_FROM_LAYER_HASHER
#define SH REPORT_FROM_STREAM_HASHER

static const char expected[] = "sha256:expected";

/* What a hasher read to the end; with a code it could not pass all of it on. */
static struct outcome hashed(enum report_role role, const char *digest, int code)
{
	struct outcome outcome = code == 0 ? done(role) : failed(role, code, "write");

	snprintf(outcome.report.stats.digest, sizeof(outcome.report.stats.digest), "%s", digest);
	outcome.expected = expected;
	return outcome;
}

static struct outcome right(enum report_role role)
{
	return hashed(role, expected, 0);
}

static struct outcome wrong(enum report_role role)
{
	return hashed(role, "sha256:another", 0);
}

static struct outcome unfinished(enum report_role role, int code, const char *op)
{
	struct outcome outcome = failed(role, code, op);

	outcome.expected = expected;
	return outcome;
}

struct proof_row {
	struct outcome chain[4]; /* hasher, decompressor, hasher, unpacker */
	int code;
	const char *says;
};

static void judge_row(const struct proof_row *row, size_t number)
{
	static const enum report_role roles[] = { LH, D, SH, U };
	struct outcome outcomes[4];
	struct report record;

	for (size_t i = 0; i < 4; i++) {
		outcomes[i] = row->chain[i];
		outcomes[i].role = roles[i];
	}
	report_init(&record, REPORT_FROM_MONITOR);
	judge(outcomes, 4, &record);
	if (record.result != -row->code || (strstr(record.error.op, row->says) == NULL &&
						   strstr(record.error.detail, row->says) == NULL))
		fail_msg("row %zu: %d %s: %s", number, record.result, record.error.op,
			record.error.detail);
}

static void a_digest_that_is_not_the_expected_one_explains_what_else_was_wrong(void **state)
{
	const struct outcome refused = failed(U, EBADMSG, "check name");
	const struct outcome full = failed(U, ENOSPC, "write");
	const struct outcome torn = failed(D, EBADMSG, "inflate");
	const struct outcome no_reader = failed(D, EPIPE, "write");
	const struct outcome ours = killed(SIGKILL, true);
	const struct outcome by_hand = killed(SIGKILL, false);
	const struct proof_row rows[] = {
		{ { right(LH), done(D), right(SH), done(U) }, 0, "" },
		{ { wrong(LH), done(D), right(SH), done(U) }, EBADMSG, "check digest" },
		{ { right(LH), done(D), wrong(SH), done(U) }, EBADMSG, "check diffID" },
		{ { wrong(LH), done(D), wrong(SH), done(U) }, EBADMSG, "check digest" },
		/* It has read on. */
		{ { hashed(LH, "sha256:another", EPIPE), torn, right(SH), cut_off() }, EBADMSG,
			"the layer is sha256:another, and not the expected sha256:expected" },
		{ { hashed(LH, expected, EPIPE), torn, wrong(SH), cut_off() }, EBADMSG, "inflate" },
		{ { unfinished(LH, EPIPE, "write"), torn, wrong(SH), cut_off() }, EBADMSG,
			"inflate" },
		{ { wrong(LH), done(D), hashed(SH, expected, EPIPE), refused }, EBADMSG,
			"check digest" },
		{ { right(LH), done(D), hashed(SH, "sha256:another", EPIPE), refused }, EBADMSG,
			"check diffID" },
		{ { right(LH), done(D), hashed(SH, expected, EPIPE), refused }, EBADMSG,
			"check name" },
		{ { ours, ours, ours, refused }, EBADMSG, "check name" },
		/* The rest of the stream has never been written. */
		{ { ours, done(D), wrong(SH), refused }, EBADMSG, "check name" },
		{ { ours, done(D), wrong(SH), cut_off() }, EBADMSG, "read header" },
		{ { right(LH), no_reader, hashed(SH, "sha256:another", EPIPE), refused }, EBADMSG,
			"check name" },
		/* No layer is to blame for these. */
		{ { wrong(LH), done(D), wrong(SH), full }, ENOSPC, "write" },
		{ { unfinished(LH, EPIPE, "read"), torn, wrong(SH), cut_off() }, EPIPE, "read" },
		{ { by_hand, done(D), wrong(SH), cut_off() }, EIO,
			"the hasher of the layer was killed by signal 9" },
		{ { right(LH), done(D), by_hand, cut_off() }, EIO,
			"the hasher of the tar stream was killed by signal 9" },
		{ { lied(), done(D), right(SH), done(U) }, EIO,
			"the hasher of the layer sent what is no report" },
		{ { right(LH), done(D), hashed(SH, expected, EPIPE), done(U) }, EPIPE, "write" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge_row(&rows[i], i);
}

static void a_hasher_may_be_the_last(void **state)
{
	struct outcome outcomes[] = { done(D), wrong(SH) };
	struct report record;

	(void)state;
	report_init(&record, REPORT_FROM_MONITOR);
	judge(outcomes, 2, &record);
	assert_int_equal(record.result, -EBADMSG);
	assert_string_equal(record.error.op, "check diffID");
	outcomes[1].expected = NULL;
	outcomes[0].report.stats.layer_bytes = 10;
	report_init(&record, REPORT_FROM_MONITOR);
	judge(outcomes, 2, &record);
	assert_int_equal(record.result, 0);
	assert_string_equal(record.stats.digest, "");
	assert_string_equal(record.stats.diff_id, "sha256:another");
	assert_int_equal(record.stats.layer_bytes, 10);
	outcomes[1] = unfinished(SH, ENOSPC, "write");
	judge(outcomes, 2, &record);
	assert_int_equal(record.result, -ENOSPC);
}

static void digests_are_told_apart_by_who_found_them(void **state)
{
	struct outcome outcomes[] = { hashed(LH, "sha256:layer", 0), done(D),
		hashed(SH, "sha256:stream", 0), done(U) };
	struct report record;

	(void)state;
	outcomes[0].expected = NULL;
	outcomes[2].expected = NULL;
	report_init(&record, REPORT_FROM_MONITOR);
	judge(outcomes, 4, &record);
	assert_int_equal(record.result, 0);
	assert_string_equal(record.stats.digest, "sha256:layer");
	assert_string_equal(record.stats.diff_id, "sha256:stream");
}

static void statistics_of_both_come_together(void **state)
{
	struct outcome outcomes[] = { done(D), done(U) };
	struct oakum_stats *of_decompressor = &outcomes[0].report.stats;
	struct report record;

	(void)state;
	of_decompressor->layer_bytes = 10;
	of_decompressor->stream_bytes = 20;
	of_decompressor->compression = OAKUM_COMPRESSION_XZ;
	of_decompressor->denied_calls = 1;
	of_decompressor->denied_call = 42;
	outcomes[1].report.stats.entries = 30;
	outcomes[1].report.stats.level = OAKUM_LEVEL_DETACHED;
	report_init(&record, REPORT_FROM_MONITOR);
	judge(outcomes, 2, &record);
	assert_int_equal(record.stats.layer_bytes, 10);
	assert_int_equal(record.stats.stream_bytes, 20);
	assert_int_equal(record.stats.compression, OAKUM_COMPRESSION_XZ);
	assert_int_equal(record.stats.denied_calls, 1);
	assert_int_equal(record.stats.denied_call, 42);
	assert_int_equal(record.stats.entries, 30);
	assert_int_equal(record.stats.level, OAKUM_LEVEL_DETACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_cause_is_told_and_never_a_consequence),
		cmocka_unit_test(
			a_digest_that_is_not_the_expected_one_explains_what_else_was_wrong),
		cmocka_unit_test(a_hasher_may_be_the_last),
		cmocka_unit_test(digests_are_told_apart_by_who_found_them),
		cmocka_unit_test(statistics_of_both_come_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
