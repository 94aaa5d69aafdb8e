/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/judge.h"

#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static bool succeeded(const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_REPORTED && outcome->report.result == 0;
}

static bool reported_failure(const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_REPORTED && outcome->report.result < 0;
}

/* It ended without a report, and not because we ended it. */
static bool died(const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_LIED ||
	       (outcome->kind == OUTCOME_SILENT && !outcome->killed_by_us);
}

/* Whoever reads what it writes has ended: that one knows why. */
static bool has_broken_pipe(const struct outcome *outcome)
{
	return reported_failure(outcome) && outcome->report.result == -EPIPE &&
	       strcmp(outcome->report.error.op, "write") == 0;
}

static const char *name_of(enum report_role role)
{
	switch (role) {
	case REPORT_FROM_DECOMPRESSOR:
		return "decompressor";
	case REPORT_FROM_UNPACKER:
		return "unpacker";
	case REPORT_FROM_VERIFIER:
		return "verifier";
	case REPORT_FROM_MONITOR:
		return "monitor";
	case REPORT_FROM_PACKER:
		return "packer";
	case REPORT_FROM_LISTER:
		return "lister";
	}
	__builtin_unreachable();
}

static void tell_death(const struct outcome *outcome, struct oakum_error *err)
{
	const char *who = name_of(outcome->role);
	int status = outcome->wait_status;

	if (outcome->kind == OUTCOME_LIED)
		fail_because(err, EIO, "read report", NULL,
			"the %s sent what is no report: it was taken over, or is a bug", who);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		fail_because(err, EIO, "wait", NULL,
			"the %s was killed by signal 9: out of memory, or by hand", who);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		fail_because(err, EIO, "wait", NULL,
			"the %s was killed by signal 31: it tried a forbidden system call", who);
	else if (WIFSIGNALED(status))
		fail_because(err, EIO, "wait", NULL, "the %s was killed by signal %d", who,
			WTERMSIG(status));
	else
		fail_because(err, EIO, "wait", NULL, "the %s exited with %d and no report", who,
			WEXITSTATUS(status));
	err->stage = OAKUM_STAGE_REAP;
}

static void tell(const struct outcome *outcome, struct oakum_error *err)
{
	if (reported_failure(outcome))
		*err = outcome->report.error;
	else
		tell_death(outcome, err);
}

/* Nothing but consequences: then they are all there is to tell. */
static const struct outcome *last_to_complain(const struct outcome *outcomes, size_t count)
{
	const struct outcome *last = &outcomes[count - 1];

	if (reported_failure(last))
		return last;
	for (size_t i = 0; i < count; i++) {
		if (has_broken_pipe(&outcomes[i]))
			return &outcomes[i];
	}
	for (size_t i = 0; succeeded(last) && i < count; i++) {
		if (!succeeded(&outcomes[i]))
			return &outcomes[i];
	}
	return last;
}

static const struct outcome *first_cause(const struct outcome *outcomes, size_t count)
{
	const struct outcome *last = &outcomes[count - 1];

	if (reported_failure(last) && last->report.ended_early == 0)
		return last;
	for (size_t i = 0; i + 1 < count; i++) {
		const struct outcome *outcome = &outcomes[i];
		if (died(outcome) || (reported_failure(outcome) && !has_broken_pipe(outcome)))
			return outcome;
	}
	return died(last) ? last : last_to_complain(outcomes, count);
}

static void merge_stats(const struct outcome *outcome, struct oakum_stats *stats)
{
	const struct oakum_stats *theirs = &outcome->report.stats;

	if (outcome->role == REPORT_FROM_DECOMPRESSOR) {
		stats->layer_bytes = theirs->layer_bytes;
		stats->stream_bytes = theirs->stream_bytes;
		stats->compression = theirs->compression;
	}
	if (stats->denied_calls == 0)
		stats->denied_call = theirs->denied_call;
	stats->denied_calls += theirs->denied_calls;
}

void judge(const struct outcome *outcomes, size_t count, struct report *record)
{
	const struct outcome *last = &outcomes[count - 1];
	bool have_all = true;

	if (last->kind == OUTCOME_REPORTED)
		record->stats = last->report.stats;
	for (size_t i = 0; i < count; i++) {
		have_all &= succeeded(&outcomes[i]);
		if (i + 1 < count && outcomes[i].kind == OUTCOME_REPORTED)
			merge_stats(&outcomes[i], &record->stats);
	}
	if (have_all)
		return;
	const struct outcome *cause = first_cause(outcomes, count);
	tell(cause, &record->error);
	/* Those before the last know no names: it is the one that the last was reading. */
	if (cause != last && record->error.entry[0] == '\0' && reported_failure(last))
		memcpy(record->error.entry, last->report.error.entry, sizeof(record->error.entry));
	record->result = -record->error.code;
}
