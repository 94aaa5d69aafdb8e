/* SPDX-License-Identifier: Apache-2.0 */
/* Role: tar stream and rootfs -> what differs. Reads both, and writes but its text. */
#ifndef OAKUM_VERIFIER_VERIFIER_H
#define OAKUM_VERIFIER_VERIFIER_H

#include "base/progress.h"
#include "layer/policy.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct ring_reader;
struct verifier;

/* As an unpacker would be given them, for what it would have made is what is looked for. */
struct verifier_options {
	int stream_fd;		      /* borrowed; the tar stream; may be non-blocking */
	struct ring_reader *ring;     /* as in unpacker.h */
	int text_fd;		      /* borrowed; a line a difference */
	int rootfs_fd;		      /* borrowed; O_PATH */
	struct policy_options policy; /* what becomes of entries; its limits are kept */
	uint32_t trailing;	      /* enum oakum_trailing */
	uint32_t whiteout_form;	      /* enum oakum_whiteout_form */
	uint32_t verifying;	      /* enum oakum_verifying bits */
	bool spares_atime;	      /* the mount would let reading change it */
	struct progress *progress;    /* borrowed; NULL: nobody looks on */
};

/* Allocates, and asks for random numbers: before seccomp. */
int verifier_open(const struct verifier_options *options, struct verifier **verifier,
	struct oakum_error *err);
void verifier_close(struct verifier **verifier);

/*
 * Compares to the end of the stream, and then writes what differs; fills entries, skipped,
 * content_bytes, differences and what was left out or passed over in stats, in any case.
 */
int verifier_run(struct verifier *verifier, struct oakum_stats *stats, struct oakum_error *err);

/* After a failed run: the stream was cut off, so that whoever fed it has the better story. */
bool verifier_stream_ended_early(const struct verifier *verifier);

#endif
