/* SPDX-License-Identifier: Apache-2.0 */
/* Role: tar stream -> rootfs. The loop that knows the order, and nothing else. */
#ifndef OAKUM_UNPACKER_UNPACKER_H
#define OAKUM_UNPACKER_UNPACKER_H

#include "base/progress.h"
#include "base/ring.h"
#include "layer/policy.h"
#include "layer/storage_options.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct unpacker;

/* For a caller of a storage-* helper: its options, and where the entries go. All borrowed. */
struct unpacker_storage {
	const struct storage_options *options;
	const char *destination; /* absolute and clean; "/" is the rootfs */
	bool is_layer;		 /* storage-applyLayer */
	uint32_t implied_mode;	 /* of directories that no entry tells about */
	/* What was forgiven; from any thread. */
	void (*tell)(void *context, const struct oakum_error *err);
	void *context;
};

struct unpacker_options {
	int stream_fd;		      /* borrowed; the tar stream; may be non-blocking */
	struct ring_reader *ring;     /* borrowed; NULL, or whose tokens come there */
	int rootfs_fd;		      /* borrowed; the directory to fill, O_PATH */
	struct policy_options policy; /* what becomes of entries; its limits are kept */
	uint32_t trailing;	      /* enum oakum_trailing */
	uint32_t threads;	      /* 0 = chosen for the machine */
	uint32_t whiteout_form;	      /* enum oakum_whiteout_form */
	uint32_t sync;		      /* enum oakum_sync */
	struct progress *progress;    /* borrowed; NULL: nobody looks on */
	/* Not NULL: by the rules of containers/storage, whatever exclude and profile say. */
	const struct unpacker_storage *storage;
};

/* Allocates, and starts the writer threads: after the walls that a thread inherits, before seccomp.
 */
int unpacker_open(const struct unpacker_options *options, struct unpacker **unpacker,
	struct oakum_error *err);

/* Ends the threads too. */
void unpacker_close(struct unpacker **unpacker);

/*
 * Unpacks to the end of the stream; fills entries, skipped, content_bytes, threads
 * and what was left out or passed over in stats, in any case.
 */
int unpacker_run(struct unpacker *unpacker, struct oakum_stats *stats, struct oakum_error *err);

/* The sum of the sizes that headers have claimed, by the rules of containers/storage. */
uint64_t unpacker_layer_bytes(const struct unpacker *unpacker);

/* After a failed run: the stream was cut off, so that whoever fed it has the better story. */
bool unpacker_stream_ended_early(const struct unpacker *unpacker);

#endif
