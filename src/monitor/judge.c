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

static void tell_death(const struct outcome *outcome, const char *who, struct oakum_error *err)
{
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

/* The decompressor knows no names: it is the one that the unpacker was reading. */
static void add_entry(const struct outcome *unpacker, struct oakum_error *err)
{
	if (err->entry[0] == '\0' && reported_failure(unpacker))
		memcpy(err->entry, unpacker->report.error.entry, sizeof(err->entry));
}

static void tell_first_cause(
	const struct outcome *decompressor, const struct outcome *unpacker, struct oakum_error *err)
{
	bool broken_pipe = reported_failure(decompressor) &&
			   decompressor->report.result == -EPIPE &&
			   strcmp(decompressor->report.error.op, "write") == 0;

	if (reported_failure(unpacker) && unpacker->report.ended_early == 0) {
		*err = unpacker->report.error;
		return;
	}
	if (reported_failure(decompressor) && !broken_pipe) {
		*err = decompressor->report.error;
		add_entry(unpacker, err);
		return;
	}
	if (died(decompressor)) {
		tell_death(decompressor, "decompressor", err);
		add_entry(unpacker, err);
		return;
	}
	if (died(unpacker)) {
		tell_death(unpacker, "unpacker", err);
		return;
	}
	/* Nothing but consequences: then they are all there is to tell. */
	if (reported_failure(unpacker))
		*err = unpacker->report.error;
	else if (broken_pipe)
		*err = decompressor->report.error;
	else if (succeeded(unpacker))
		tell_death(decompressor, "decompressor", err);
	else
		tell_death(unpacker, "unpacker", err);
}

static void merge_stats(const struct outcome *decompressor, const struct outcome *unpacker,
	struct oakum_stats *stats)
{
	const struct oakum_stats *inflated = &decompressor->report.stats;

	if (unpacker->kind == OUTCOME_REPORTED)
		*stats = unpacker->report.stats;
	if (decompressor->kind != OUTCOME_REPORTED)
		return;
	stats->layer_bytes = inflated->layer_bytes;
	stats->stream_bytes = inflated->stream_bytes;
	stats->compression = inflated->compression;
	if (stats->denied_calls == 0)
		stats->denied_call = inflated->denied_call;
	stats->denied_calls += inflated->denied_calls;
}

void judge(
	const struct outcome *decompressor, const struct outcome *unpacker, struct report *record)
{
	record->decompressor_status = decompressor->wait_status;
	record->unpacker_status = unpacker->wait_status;
	merge_stats(decompressor, unpacker, &record->stats);
	if (succeeded(decompressor) && succeeded(unpacker))
		return;
	tell_first_cause(decompressor, unpacker, &record->error);
	record->result = -record->error.code;
}
