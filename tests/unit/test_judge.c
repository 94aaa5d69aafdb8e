/* SPDX-License-Identifier: Apache-2.0 */
/* Who is to blame: a table of outcomes, and what the record must say of each. */
#include "base/error.h"
#include "monitor/judge.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
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
		cmocka_unit_test(statistics_of_both_come_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
