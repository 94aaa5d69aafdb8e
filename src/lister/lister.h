/* SPDX-License-Identifier: Apache-2.0 */
/* Role: tar stream -> lines about its entries, or about those that would be refused. */
#ifndef OAKUM_LISTER_LISTER_H
#define OAKUM_LISTER_LISTER_H

#include "base/progress.h"
#include "layer/policy.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct lister;

struct lister_options {
	int stream_fd;		      /* borrowed; the tar stream */
	struct ring_reader *ring;     /* as in unpacker.h */
	int text_fd;		      /* borrowed; where the lines go */
	uint32_t listing;	      /* enum oakum_listing bits */
	uint32_t trailing;	      /* enum oakum_trailing */
	struct policy_options policy; /* of the unpack that is looked ahead to */
	struct progress *progress;    /* borrowed; NULL: nobody looks on */
};

/* Allocates, and reads nothing yet; to be ended with lister_close(). */
int lister_open(
	const struct lister_options *options, struct lister **lister, struct oakum_error *err);
void lister_close(struct lister **lister);

/*
 * Lists to the end of the stream, or to what ends an unpack. Every line that it has come to is
 * written, whatever the result. Fills entries, skipped, content_bytes, refused and what policy
 * and reader count in stats, in any case.
 */
int lister_run(struct lister *lister, struct oakum_stats *stats, struct oakum_error *err);

/* After a failed run: the stream was cut off, so that whoever fed it has the better story. */
bool lister_stream_ended_early(const struct lister *lister);

#endif
