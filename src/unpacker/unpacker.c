/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/unpacker.h"

#include "base/cleanup.h"
#include "base/cores.h"
#include "base/error.h"
#include "layer/policy.h"
#include "layer/storage_policy.h"
#include "unpacker/cause.h"
#include "unpacker/durable.h"
#include "unpacker/space.h"
#include "unpacker/stash.h"
#include "unpacker/tar_reader.h"
#include "unpacker/tree.h"
#include "unpacker/writer.h"

#include <malloc.h>
#include <stdatomic.h>

enum { DEFAULT_THREADS_MAX = 4 }; /* more than one that names can feed is of no use */

struct unpacker {
	struct unpacker_options options;
	struct tar_reader *reader;
	struct policy *policy; /* one of the two judges */
	struct storage_policy *storage_policy;
	struct stash *stash; /* of storage-applyLayer alone */
	struct tree_storage tree_storage;
	struct tree *tree;
	struct writer *writer;
	struct durable *durable; /* NULL: the kernel writes when it likes */
	struct space space;
	struct forgiven forgiven;
	unsigned int threads;
	uint64_t entries;
	uint64_t skipped;
	uint64_t file_bytes; /* of the entry under way, or of the one that failed */
};

static int open_policy(struct unpacker *u, struct oakum_error *err)
{
	const struct unpacker_options *options = &u->options;

	if (options->storage == NULL)
		return policy_new(&options->policy, &u->policy, err);
	const struct storage_policy_options storage = {
		.storage = options->storage->options,
		.limits = options->policy.limits,
		.destination = options->storage->destination,
		.is_layer = options->storage->is_layer,
	};
	if (options->storage->is_layer)
		u->stash = stash_new(options->rootfs_fd);
	if (options->storage->is_layer && u->stash == NULL)
		return fail(err, ENOMEM, "prepare unpacker", NULL);
	return storage_policy_new(&storage, &u->storage_policy, err);
}

static int open_tree(struct unpacker *u, struct oakum_error *err)
{
	const struct unpacker_storage *storage = u->options.storage;
	struct tree_options options = {
		.root_fd = u->options.rootfs_fd,
		.whiteouts = u->options.policy.whiteouts,
		.whiteout_form = u->options.whiteout_form,
		.forgiven = &u->forgiven,
		.durable = u->durable,
	};

	u->forgiven.owners = (u->options.policy.owners & OAKUM_OWNERS_FORGIVE) != 0;
	if (storage == NULL)
		return tree_new(&options, &u->tree, err);
	const struct storage_options *asked = storage->options;
	u->tree_storage = (struct tree_storage){
		.metadata = {
			.leaves_owner = !storage->is_layer && (asked->no_lchown || asked->has_force_mask),
			.forgives_owner = asked->ignore_chown_errors,
			.is_in_user_namespace = asked->in_user_namespace,
			.needed_xattr = asked->has_force_mask ? storage_override_name : NULL,
			.tell = storage->tell,
			.context = storage->context,
		},
		.destination = storage->destination,
		.implied_mode = storage->implied_mode,
		.implied_owner = { UINT32_MAX, UINT32_MAX },
		.keeps_kinds = asked->no_overwrite_dir_non_dir && !storage->is_layer,
	};
	if (!storage->is_layer)
		u->tree_storage.implied_owner = (struct owner){ storage_root_id(&asked->uids),
			storage_root_id(&asked->gids) };
	options.storage = &u->tree_storage;
	return tree_new(&options, &u->tree, err);
}

static struct tally *tally_of(struct unpacker *u)
{
	return u->policy != NULL ? policy_tally(u->policy)
				 : storage_policy_tally(u->storage_policy);
}

static int open_parts(struct unpacker *u, struct oakum_error *err)
{
	const struct unpacker_options *options = &u->options;
	const struct tar_reader_options reader = {
		.stream_fd = options->stream_fd,
		.ring = options->ring,
		.limits = options->policy.limits,
		.profile = options->policy.profile,
		.trailing = options->trailing,
		.reads_as_go = options->storage != NULL,
	};
	int r = tar_reader_new(&reader, &u->reader, err);

	if (r == 0)
		r = open_policy(u, err);
	if (r == 0)
		r = durable_new(options->sync, &u->durable, err);
	if (r == 0)
		r = open_tree(u, err);
	if (r == 0)
		r = writer_new(u->threads, &u->writer, err);
	if (r == 0)
		writer_set_source(u->writer, &(const struct writer_source){
						     .reader = u->reader,
						     .tally = tally_of(u),
						     .space = &u->space,
						     .progress = options->progress,
						     .durable = u->durable,
					     });
	return r;
}

/* One waits for the stream while others write; who waits costs nothing. */
static unsigned int default_threads(void)
{
	return cores_usable(DEFAULT_THREADS_MAX);
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
	new->threads = options->threads > 0 ? options->threads : default_threads();
	new->space = (struct space){
		.root_fd = options->rootfs_fd,
		.limits = new->options.policy.limits,
		.unwritten_bytes = new->threads > 1 ? WRITER_BYTES_MAX : 0,
	};
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
	durable_free(old->durable);
	policy_free(old->policy);
	storage_policy_free(old->storage_policy);
	stash_free(old->stash);
	tar_reader_free(old->reader);
	free(old);
}

/* By the rules of containers/storage a link changes its file, which has to be complete for that. */
static int place_hard_link(struct unpacker *u, const struct entry *entry, struct oakum_error *err)
{
	int r = u->storage_policy == NULL ? 0 : writer_finish(u->writer, err);

	return r < 0 ? r : tree_place(u->tree, entry, err);
}

static int place(struct unpacker *u, const struct entry *entry, struct oakum_error *err)
{
	struct metadata metadata;
	int file_fd;
	int r = space_take_entry(&u->space, entry->path, err);

	if (r < 0)
		return r;
	if (entry->type == ENTRY_HARD_LINK)
		return place_hard_link(u, entry, err);
	if (entry->type != ENTRY_FILE)
		return tree_place(u->tree, entry, err);
	r = tree_create_file(u->tree, entry, &file_fd, &metadata, err);
	if (r < 0)
		return r;
	return writer_fill(u->writer, &file_fd, entry, &metadata, err);
}

static int copy(struct unpacker *u, const struct entry *entry, struct oakum_error *err)
{
	struct metadata metadata;
	cleanup_fd int file_fd = -1;
	int r = tree_create_file(u->tree, entry, &file_fd, &metadata, err);

	if (r == 0)
		r = stash_copy(u->stash, entry->link, file_fd, entry->path, err);
	return r < 0 ? r : metadata_apply(&metadata, file_fd, entry->path, err);
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
	case VERDICT_KEEP:
		return stash_keep(u->stash, entry->link, u->reader, tally_of(u), err);
	case VERDICT_COPY:
		return copy(u, entry, err);
	case VERDICT_CLEAR:
		return tree_clear(u->tree, entry, err);
	}
	__builtin_unreachable();
}

static int judge(
	struct unpacker *u, struct entry *entry, enum verdict *verdict, struct oakum_error *err)
{
	if (u->policy != NULL)
		return policy_judge(u->policy, entry, verdict, err);
	return storage_policy_judge(u->storage_policy, entry, verdict, err);
}

static int unpack_entries(struct unpacker *u, struct oakum_error *err)
{
	struct entry entry;
	enum verdict verdict;
	int r;

	while ((r = tar_reader_next(u->reader, &entry, err)) > 0) {
		u->entries++;
		if (u->options.progress != NULL)
			progress_show(&u->options.progress->entries, u->entries);
		r = staged(judge(u, &entry, &verdict, err), OAKUM_STAGE_POLICY, err);
		if (r < 0)
			return r;
		u->file_bytes = entry.type == ENTRY_FILE ? entry.logical_bytes : 0;
		r = staged(carry_out(u, verdict, &entry, err), OAKUM_STAGE_WRITE, err);
		if (r < 0)
			return r;
	}
	return staged(r, OAKUM_STAGE_READ, err);
}

/* What is done when every entry is in its place. */
static int finish_tree(struct unpacker *u, struct oakum_error *err)
{
	struct xattr xattr;
	int r = tree_finish(u->tree, err);

	if (r == 0 && u->storage_policy != NULL &&
		storage_policy_root_xattr(u->storage_policy, &xattr))
		r = tree_set_xattr(u->tree, u->tree_storage.destination + 1, &xattr, err);
	if (r == 0)
		r = durable_finish(u->durable, err);
	return r < 0 ? r : tree_sync(u->tree, err);
}

/* The drop-in says what containers/storage would. */
static int explain(const struct unpacker *u, struct oakum_error *err)
{
	const struct cause_facts facts = {
		.root_fd = u->options.rootfs_fd,
		.file_bytes = u->file_bytes,
		.entries = u->entries,
	};

	return u->options.storage == NULL ? cause_find(&facts, err) : -err->code;
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
		unpacker->file_bytes = writer_failed_bytes(unpacker->writer);
	}
	if (r == 0)
		r = staged(finish_tree(unpacker, err), OAKUM_STAGE_WRITE, err);
	if (r < 0)
		r = explain(unpacker, err);
	stats->entries = unpacker->entries;
	stats->skipped = unpacker->skipped;
	stats->content_bytes = writer_content_bytes(unpacker->writer);
	stats->threads = unpacker->threads;
	stats->unset_owners = atomic_load(&unpacker->forgiven.unset_owners);
	stats->dropped_xattrs = atomic_load(&unpacker->forgiven.lost_xattrs);
	tar_reader_count(unpacker->reader, stats);
	if (unpacker->policy != NULL)
		policy_count(unpacker->policy, stats);
	return r;
}

uint64_t unpacker_layer_bytes(const struct unpacker *unpacker)
{
	return storage_policy_layer_bytes(unpacker->storage_policy);
}

bool unpacker_stream_ended_early(const struct unpacker *unpacker)
{
	return tar_reader_ended_early(unpacker->reader);
}
