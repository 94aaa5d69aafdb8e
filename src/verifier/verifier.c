/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/verifier.h"

#include "base/error.h"
#include "layer/policy.h"
#include "verifier/comparison.h"
#include "verifier/kept_time.h"
#include "verifier/rest.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct verifier {
	struct verifier_options options;
	struct policy *policy;
	struct brought brought;
	struct rest *rest;
	struct text *text;
	struct comparison comparison;
	uint64_t entries;
	uint64_t skipped;
	uint64_t differences;
};

static int open_comparison(struct verifier *v, struct oakum_error *err)
{
	const struct verifier_options *options = &v->options;
	struct comparison *comparison = &v->comparison;
	const struct tar_reader_options reader = {
		.stream_fd = options->stream_fd,
		.ring = options->ring,
		.limits = options->policy.limits,
		.profile = options->policy.profile,
		.trailing = options->trailing,
	};

	comparison->brought = &v->brought;
	comparison->tally = policy_tally(v->policy);
	comparison->overlay = overlay_of(options->policy.whiteouts, options->whiteout_form);
	comparison->uid = geteuid();
	comparison->gid = getegid();
	comparison->grain_ns = KEPT_TIME_COARSEST_NS;
	comparison->forgives_owner = (options->policy.owners & OAKUM_OWNERS_FORGIVE) != 0;
	comparison->spares_atime = options->spares_atime;
	comparison->progress = options->progress;
	comparison->parents = parents_new(options->rootfs_fd);
	if (comparison->parents == NULL)
		return fail(err, ENOMEM, "prepare verifier", NULL);
	int r = differences_new(options->rootfs_fd, &v->brought, &comparison->differences);
	if (r < 0)
		return fail(err, -r, "prepare verifier", NULL);
	return tar_reader_new(&reader, &comparison->reader, err);
}

static int open_parts(struct verifier *v, struct oakum_error *err)
{
	int r = brought_init(&v->brought);

	if (r == 0)
		r = passed_init(&v->comparison.passed);
	if (r == 0)
		r = walker_new(v->options.rootfs_fd, &v->comparison.walker);
	if (r < 0)
		return fail(err, -r, "prepare verifier", NULL);
	v->rest = rest_new(v->comparison.walker, &v->brought);
	v->text = text_new(v->options.text_fd, (v->options.verifying & OAKUM_VERIFYING_JSON) != 0);
	if (v->rest == NULL || v->text == NULL)
		return fail(err, ENOMEM, "prepare verifier", NULL);
	r = policy_new(&v->options.policy, &v->policy, err);
	return r < 0 ? r : open_comparison(v, err);
}

int verifier_open(
	const struct verifier_options *options, struct verifier **verifier, struct oakum_error *err)
{
	struct verifier *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare verifier", NULL);
	new->options = *options;
	int r = open_parts(new, err);
	if (r < 0) {
		verifier_close(&new);
		return r;
	}
	*verifier = new;
	return 0;
}

void verifier_close(struct verifier **verifier)
{
	struct verifier *old = *verifier;

	*verifier = NULL;
	if (old == NULL)
		return;
	tar_reader_free(old->comparison.reader);
	differences_free(old->comparison.differences);
	parents_free(old->comparison.parents);
	policy_free(old->policy);
	rest_free(old->rest);
	walker_free(old->comparison.walker);
	text_free(old->text);
	brought_free(&old->brought);
	passed_free(&old->comparison.passed);
	free(old);
}

/* --- entries --- */

static bool is_overlay_whiteout(const struct comparison *comparison, const struct entry *entry)
{
	return comparison->overlay.opaque != NULL && entry->type == ENTRY_CHARACTER_DEVICE &&
	       entry->device_major == 0 && entry->device_minor == 0;
}

static int compare(struct verifier *v, enum verdict verdict, const struct entry *entry,
	struct oakum_error *err)
{
	struct comparison *comparison = &v->comparison;

	switch (verdict) {
	case VERDICT_SKIP:
		v->skipped++;
		return 0;
	case VERDICT_PLACE:
		if (is_overlay_whiteout(comparison, entry))
			return whiteouts_compare(comparison, entry, err);
		return comparison_place(comparison, entry, err);
	case VERDICT_REMOVE:
		return whiteouts_compare_removed(comparison, HOLD_NAME, entry->path, err);
	case VERDICT_EMPTY:
		return whiteouts_compare_removed(comparison, HOLD_CONTENT, entry->path, err);
	case VERDICT_MARK_OPAQUE:
		return whiteouts_compare_opaque(comparison, entry->path, err);
	case VERDICT_KEEP: /* these three are of storage_policy.c */
	case VERDICT_COPY:
	case VERDICT_CLEAR:
		break;
	}
	return fail(err, EINVAL, "compare", entry->path);
}

static int compare_entries(struct verifier *v, struct oakum_error *err)
{
	struct entry entry;
	enum verdict verdict;
	int r;

	while ((r = tar_reader_next(v->comparison.reader, &entry, err)) > 0) {
		v->entries++;
		if (v->options.progress != NULL)
			progress_show(&v->options.progress->entries, v->entries);
		r = staged(policy_judge(v->policy, &entry, &verdict, err), OAKUM_STAGE_POLICY, err);
		if (r == 0)
			r = staged(compare(v, verdict, &entry, err), OAKUM_STAGE_COMPARE, err);
		if (r < 0)
			return r;
	}
	return staged(r, OAKUM_STAGE_READ, err);
}

/* --- what is left at the end --- */

static int write_difference(
	void *context, const struct difference *difference, struct oakum_error *err)
{
	struct verifier *v = context;

	v->differences++;
	return text_add(v->text, difference, err);
}

/* All that nobody brought is extra then, whatever should have removed it. */
static bool tells_extra(const struct verifier *v)
{
	return (v->options.verifying & OAKUM_VERIFYING_EXTRA) != 0;
}

static int take_held(
	void *context, enum hold hold, const struct difference *difference, struct oakum_error *err)
{
	struct verifier *v = context;
	const struct rest_reader reader = { write_difference, v };

	switch (hold) {
	case HOLD_ENTRY:
	case HOLD_MARK:
	case HOLD_UNLESS:
	case HOLD_UNLESS_OPAQUE:
	case HOLD_UNLESS_WHITEOUTS:
		return write_difference(v, difference, err);
	case HOLD_NAME:
	case HOLD_CONTENT:
		return tells_extra(v)
			       ? 0
			       : rest_find(v->rest, difference, hold == HOLD_CONTENT, &reader, err);
	}
	__builtin_unreachable();
}

static int write_all(struct verifier *v, struct oakum_error *err)
{
	const struct differences_reader held = { take_held, v };
	const struct rest_reader reader = { write_difference, v };
	const struct difference all = { .kind = DIFFERS_EXTRA, .path = "" };
	int r = differences_read(v->comparison.differences, &held, err);

	if (r == 0 && tells_extra(v))
		r = rest_find(v->rest, &all, true, &reader, err);
	return r < 0 ? r : text_finish(v->text, err);
}

/* There is too much to hold back: what there is tells enough. */
static bool is_too_different(int r, const struct oakum_error *err)
{
	return r == -EFBIG && err->stage == OAKUM_STAGE_COMPARE;
}

int verifier_run(struct verifier *verifier, struct oakum_stats *stats, struct oakum_error *err)
{
	struct oakum_error of_text;
	int r = compare_entries(verifier, err);

	if (r == 0)
		r = staged(write_all(verifier, err), OAKUM_STAGE_COMPARE, err);
	else if (is_too_different(r, err))
		(void)write_all(verifier, &of_text);
	stats->entries = verifier->entries;
	stats->skipped = verifier->skipped;
	stats->content_bytes = verifier->comparison.content_bytes;
	stats->differences = verifier->differences;
	stats->dropped_xattrs = verifier->comparison.lost_xattrs;
	tar_reader_count(verifier->comparison.reader, stats);
	policy_count(verifier->policy, stats);
	return r;
}

bool verifier_stream_ended_early(const struct verifier *verifier)
{
	return tar_reader_ended_early(verifier->comparison.reader);
}
