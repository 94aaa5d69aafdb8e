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

/* A digest is only there if all was read, whatever became of it further on. */
static bool found_another(const struct outcome *outcome)
{
	const char *found = outcome->report.stats.digest;

	return outcome->kind == OUTCOME_REPORTED && outcome->expected != NULL && found[0] != '\0' &&
	       strcmp(found, outcome->expected) != 0;
}

/* ... and the digest of a stream is only that of all of it if those before have succeeded. */
static bool shows_another(const struct outcome *outcomes, const struct outcome *outcome)
{
	for (const struct outcome *before = outcomes; before != outcome; before++) {
		if (!succeeded(before))
			return false;
	}
	return found_another(outcome);
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
	case REPORT_FROM_LAYER_HASHER:
		return "hasher of the layer";
	case REPORT_FROM_STREAM_HASHER:
		return "hasher of the tar stream";
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

static void tell_digest(const struct outcome *outcome, struct oakum_error *err)
{
	bool is_of_stream = outcome->role == REPORT_FROM_STREAM_HASHER;

	fail_because(err, EBADMSG, is_of_stream ? "check diffID" : "check digest", NULL,
		"the %s is %s, and not the expected %s", is_of_stream ? "tar stream" : "layer",
		outcome->report.stats.digest, outcome->expected);
	err->stage = is_of_stream ? OAKUM_STAGE_READ : OAKUM_STAGE_DECOMPRESS;
}

static void tell(
	const struct outcome *outcomes, const struct outcome *outcome, struct oakum_error *err)
{
	if (shows_another(outcomes, outcome))
		tell_digest(outcome, err);
	else if (reported_failure(outcome))
		*err = outcome->report.error;
	else
		tell_death(outcome, err);
}

bool judge_is_own_error(const struct outcome *outcome)
{
	return reported_failure(outcome) && outcome->report.ended_early == 0;
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

static const struct outcome *first_before_last(const struct outcome *outcomes, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		const struct outcome *outcome = &outcomes[i];
		if (died(outcome) || shows_another(outcomes, outcome) ||
			(reported_failure(outcome) && !has_broken_pipe(outcome)))
			return outcome;
	}
	return NULL;
}

static const struct outcome *first_cause(const struct outcome *outcomes, size_t count)
{
	const struct outcome *last = &outcomes[count - 1];
	const struct outcome *first = first_before_last(outcomes, count);

	if (judge_is_own_error(last)) {
		bool is_explained = last->report.result == -EBADMSG && first != NULL &&
				    shows_another(outcomes, first);
		return is_explained ? first : last;
	}
	if (first != NULL)
		return first;
	if (died(last) || shows_another(outcomes, last))
		return last;
	return last_to_complain(outcomes, count);
}

static void merge_stats(const struct outcome *outcome, struct oakum_stats *stats)
{
	const struct oakum_stats *theirs = &outcome->report.stats;

	if (outcome->role == REPORT_FROM_DECOMPRESSOR) {
		stats->layer_bytes = theirs->layer_bytes;
		stats->stream_bytes = theirs->stream_bytes;
		stats->compression = theirs->compression;
		stats->engine = theirs->engine;
	}
	if (stats->denied_calls == 0)
		stats->denied_call = theirs->denied_call;
	stats->denied_calls += theirs->denied_calls;
}

/* Each hasher calls what it found the digest. */
static void take_digests(const struct outcome *outcomes, size_t count, struct oakum_stats *stats)
{
	memset(stats->digest, 0, sizeof(stats->digest));
	for (size_t i = 0; i < count; i++) {
		const char *digest = outcomes[i].report.stats.digest;
		if (outcomes[i].role == REPORT_FROM_LAYER_HASHER)
			memcpy(stats->digest, digest, sizeof(stats->digest));
		if (outcomes[i].role == REPORT_FROM_STREAM_HASHER)
			memcpy(stats->diff_id, digest, sizeof(stats->diff_id));
	}
}

void judge(const struct outcome *outcomes, size_t count, struct report *record)
{
	const struct outcome *last = &outcomes[count - 1];
	bool have_all = true;

	if (last->kind == OUTCOME_REPORTED)
		record->stats = last->report.stats;
	for (size_t i = 0; i < count; i++) {
		have_all &= succeeded(&outcomes[i]) && !found_another(&outcomes[i]);
		if (i + 1 < count && outcomes[i].kind == OUTCOME_REPORTED)
			merge_stats(&outcomes[i], &record->stats);
	}
	take_digests(outcomes, count, &record->stats);
	if (have_all)
		return;
	const struct outcome *cause = first_cause(outcomes, count);
	tell(outcomes, cause, &record->error);
	/* Those before the last know no names: it is the one that the last was reading. */
	if (cause != last && !shows_another(outcomes, cause) && record->error.entry[0] == '\0' &&
		reported_failure(last))
		memcpy(record->error.entry, last->report.error.entry, sizeof(record->error.entry));
	record->result = -record->error.code;
}
