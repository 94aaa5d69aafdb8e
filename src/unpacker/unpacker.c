/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/unpacker.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/policy.h"
#include "unpacker/tar_reader.h"
#include "unpacker/tree.h"
#include "unpacker/writer.h"

#include <malloc.h>

/* Beside the decompressor one thread keeps up with it on two cores; see docs/ARCHITECTURE.md. */
enum { DEFAULT_THREADS = 1 };

struct unpacker {
	struct unpacker_options options;
	struct tar_reader *reader;
	struct policy *policy;
	struct tree *tree;
	struct writer *writer;
	unsigned int threads;
	uint64_t entries;
	uint64_t skipped;
};

static int open_parts(struct unpacker *u, struct oakum_error *err)
{
	const struct unpacker_options *options = &u->options;
	const struct tar_reader_options reader = {
		.stream_fd = options->stream_fd,
		.limits = &options->limits,
		.profile = options->profile,
		.trailing = options->trailing,
	};
	const struct policy_options policy = {
		.limits = &options->limits,
		.whiteouts = options->whiteouts,
		.profile = options->profile,
		.exclude = options->exclude,
	};
	int r = tar_reader_new(&reader, &u->reader, err);

	if (r == 0)
		r = policy_new(&policy, &u->policy, err);
	if (r == 0)
		r = tree_new(options->rootfs_fd, options->whiteouts, &u->tree, err);
	if (r == 0)
		r = writer_new(u->threads, &u->writer, err);
	if (r == 0)
		writer_set_source(u->writer, u->reader, u->policy);
	return r;
}

int unpacker_open(
	const struct unpacker_options *options, struct unpacker **unpacker, struct oakum_error *err)
{
	struct unpacker *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare unpacker", NULL);
	/* Arenas of threads would only cost memory: one thread allocates nearly all. */
	mallopt(M_ARENA_MAX, 1);
	new->options = *options;
	new->threads = options->threads > 0 ? options->threads : DEFAULT_THREADS;
	int r = open_parts(new, err);
	if (r < 0) {
		unpacker_close(&new);
		return r;
	}
	*unpacker = new;
	return 0;
}

void unpacker_close(struct unpacker **unpacker)
{
	struct unpacker *old = *unpacker;

	*unpacker = NULL;
	if (old == NULL)
		return;
	writer_free(old->writer);
	tree_free(old->tree);
	policy_free(old->policy);
	tar_reader_free(old->reader);
	free(old);
}

static int place(struct unpacker *u, const struct entry *entry, struct oakum_error *err)
{
	struct metadata metadata;
	int file_fd;
	int r;

	if (entry->type != ENTRY_FILE)
		return tree_place(u->tree, entry, err);
	r = tree_create_file(u->tree, entry, &file_fd, &metadata, err);
	if (r < 0)
		return r;
	return writer_fill(u->writer, &file_fd, entry, &metadata, err);
}

static int carry_out(struct unpacker *u, enum verdict verdict, const struct entry *entry,
	struct oakum_error *err)
{
	switch (verdict) {
	case VERDICT_SKIP:
		u->skipped++;
		return 0;
	case VERDICT_PLACE:
		return place(u, entry, err);
	case VERDICT_REMOVE:
		return tree_remove(u->tree, entry->path, err);
	case VERDICT_EMPTY:
		return tree_empty(u->tree, entry->path, err);
	case VERDICT_MARK_OPAQUE:
		return tree_mark_opaque(u->tree, entry->path, err);
	}
	__builtin_unreachable();
}

static int unpack_entries(struct unpacker *u, struct oakum_error *err)
{
	struct entry entry;
	enum verdict verdict;
	int r;

	while ((r = tar_reader_next(u->reader, &entry, err)) > 0) {
		u->entries++;
		r = staged(policy_judge(u->policy, &entry, &verdict, err), OAKUM_STAGE_POLICY, err);
		if (r < 0)
			return r;
		r = staged(carry_out(u, verdict, &entry, err), OAKUM_STAGE_WRITE, err);
		if (r < 0)
			return r;
	}
	return staged(r, OAKUM_STAGE_READ, err);
}

int unpacker_run(struct unpacker *unpacker, struct oakum_stats *stats, struct oakum_error *err)
{
	struct oakum_error of_writer;
	int r = unpack_entries(unpacker, err);

	/* A file still being written comes before the entry that was read last. */
	if (staged(writer_finish(unpacker->writer, &of_writer), OAKUM_STAGE_WRITE, &of_writer) <
		0) {
		*err = of_writer;
		r = -err->code;
	}
	if (r == 0)
		r = staged(tree_finish(unpacker->tree, err), OAKUM_STAGE_WRITE, err);
	stats->entries = unpacker->entries;
	stats->skipped = unpacker->skipped;
	stats->content_bytes = writer_content_bytes(unpacker->writer);
	stats->threads = unpacker->threads;
	return r;
}

bool unpacker_stream_ended_early(const struct unpacker *unpacker)
{
	return tar_reader_ended_early(unpacker->reader);
}
