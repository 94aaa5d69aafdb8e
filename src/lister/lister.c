/* SPDX-License-Identifier: Apache-2.0 */
#include "lister/lister.h"

#include "base/error.h"
#include "base/json.h"
#include "base/sink.h"
#include "lister/line.h"
#include "unpacker/tar_reader.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LINE_BYTES = 12 << 10 }; /* an error, with a name of 2 KiB and every byte of it escaped */

struct lister {
	struct lister_options options;
	struct tar_reader *reader;
	struct policy *policy;
	struct columns columns;
	uint64_t entries;
	uint64_t skipped;
	uint64_t refused;
	struct sink sink;
};

int lister_open(
	const struct lister_options *options, struct lister **lister, struct oakum_error *err)
{
	const struct tar_reader_options reader = {
		.stream_fd = options->stream_fd,
		.ring = options->ring,
		.limits = options->policy.limits,
		.profile = options->policy.profile,
		.trailing = options->trailing,
	};
	struct lister *new = calloc(1, sizeof(*new));
	int r;

	if (new == NULL)
		return fail(err, ENOMEM, "prepare lister", NULL);
	new->options = *options;
	columns_init(&new->columns);
	sink_init(&new->sink, options->text_fd);
	r = tar_reader_new(&reader, &new->reader, err);
	if (r == 0)
		r = policy_new(&options->policy, &new->policy, err);
	if (r < 0) {
		lister_close(&new);
		return r;
	}
	*lister = new;
	return 0;
}

void lister_close(struct lister **lister)
{
	struct lister *old = *lister;

	*lister = NULL;
	if (old == NULL)
		return;
	policy_free(old->policy);
	tar_reader_free(old->reader);
	free(old);
}

/* --- what is written --- */

static int fail_write(const struct lister *l, struct oakum_error *err)
{
	return staged(fail_because(err, l->sink.code, "write", NULL,
			      "the listing cannot be written on after byte %" PRIu64,
			      l->sink.written_bytes),
		OAKUM_STAGE_WRITE, err);
}

/* What is checked shows no line of what is good. */
static void show(struct lister *l, const struct listed *listed)
{
	if ((l->options.listing & OAKUM_LISTING_CHECK) != 0)
		return;
	if ((l->options.listing & OAKUM_LISTING_JSON) != 0)
		line_add_json(listed, &l->sink);
	else
		line_add_text(&l->columns, listed, &l->sink);
}

static void show_refusal(struct lister *l, const struct oakum_error *of_entry)
{
	char text[LINE_BYTES];
	struct json json;

	l->refused++;
	if ((l->options.listing & OAKUM_LISTING_JSON) != 0) {
		json_begin_line(&json, &l->sink);
		json_add_error(&json, of_entry);
		json_end_line(&json);
		return;
	}
	error_format(of_entry, text, sizeof(text));
	sink_add_text(&l->sink, text);
	sink_add_text(&l->sink, "\n");
}

/* --- the entries --- */

/* A whiteout is shown as the layer has it, whatever it would become. */
static int judge(struct lister *l, struct entry *entry, struct listed *listed,
	enum verdict *verdict, struct oakum_error *err)
{
	const bool has_meaning = l->options.policy.whiteouts != OAKUM_WHITEOUTS_VERBATIM;
	const struct entry spelt = *entry;

	*listed = (struct listed){
		.entry = entry,
		.whiteout = has_meaning ? whiteout_kind(entry->path) : WHITEOUT_NONE,
	};
	int r = staged(policy_judge(l->policy, entry, verdict, err), OAKUM_STAGE_POLICY, err);
	if (r < 0 || listed->whiteout == WHITEOUT_NONE)
		return r;
	listed->hides = entry->path;
	*entry = spelt;
	return 0;
}

/* Counted as the unpacker counts what it writes. */
static int pass_content(struct lister *l, const struct entry *entry, struct oakum_error *err)
{
	struct tally *tally = policy_tally(l->policy);
	const void *bytes;
	uint64_t offset;
	ssize_t length;

	while ((length = tar_reader_content(l->reader, &bytes, &offset, err)) > 0) {
		int r = tally_content(tally, (uint64_t)length, entry->path, err);
		if (r < 0)
			return staged(r, OAKUM_STAGE_POLICY, err);
		if (l->options.progress != NULL)
			progress_show(&l->options.progress->content_bytes, tally->content_bytes);
	}
	return staged((int)length, OAKUM_STAGE_READ, err);
}

/* What ends an unpack: where it is of one entry and only looked for, a line. */
static int go_on_after(struct lister *l, int r, bool is_of_entry, struct oakum_error *err)
{
	if ((l->options.listing & OAKUM_LISTING_CHECK) == 0 || !is_of_entry)
		return r;
	show_refusal(l, err);
	*err = (struct oakum_error){ 0 };
	return 1;
}

static int list_entry(struct lister *l, struct entry *entry, struct oakum_error *err)
{
	struct listed listed;
	enum verdict verdict;
	int r = judge(l, entry, &listed, &verdict, err);

	if (r < 0)
		return go_on_after(
			l, r, r != -ENOMEM && !tally_is_over(policy_tally(l->policy)), err);
	if (verdict == VERDICT_SKIP) {
		l->skipped++;
		return 1;
	}
	show(l, &listed);
	if (entry->type != ENTRY_FILE || listed.whiteout != WHITEOUT_NONE)
		return 1;
	r = pass_content(l, entry, err);
	return r < 0 ? r : 1;
}

/* The next entry: 1, 0 at the end, or -errno. */
static int list_next(struct lister *l, struct oakum_error *err)
{
	struct entry entry;
	int r = staged(tar_reader_next(l->reader, &entry, err), OAKUM_STAGE_READ, err);

	if (l->sink.code != 0)
		return fail_write(l, err);
	if (r < 0)
		r = go_on_after(l, r, tar_reader_may_go_on(l->reader), err);
	else if (r > 0)
		r = list_entry(l, &entry, err);
	if (r <= 0)
		return r;
	l->entries++;
	if (l->options.progress != NULL)
		progress_show(&l->options.progress->entries, l->entries);
	return r;
}

int lister_run(struct lister *lister, struct oakum_stats *stats, struct oakum_error *err)
{
	int r;

	do {
		r = list_next(lister, err);
	} while (r > 0);
	if (sink_flush(&lister->sink) < 0)
		r = fail_write(lister, err);
	stats->entries = lister->entries;
	stats->skipped = lister->skipped;
	stats->refused = lister->refused;
	stats->content_bytes = policy_tally(lister->policy)->content_bytes;
	tar_reader_count(lister->reader, stats);
	policy_count(lister->policy, stats);
	return r;
}

bool lister_stream_ended_early(const struct lister *lister)
{
	return tar_reader_ended_early(lister->reader);
}
