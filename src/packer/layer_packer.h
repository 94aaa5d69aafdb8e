/* SPDX-License-Identifier: Apache-2.0 */
/* Role: rootfs -> layer, the same bytes for the same tree, and an error for what no layer can say.
 */
#ifndef OAKUM_PACKER_LAYER_PACKER_H
#define OAKUM_PACKER_LAYER_PACKER_H

#include "base/progress.h"
#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct layer_packer;

struct layer_packer_options {
	int root_fd;	      /* borrowed; O_PATH will do; first looked at by layer_packer_run() */
	int stream_fd;	      /* borrowed; where the layer goes */
	bool refuses_mounts;  /* what is mounted below the root is an error */
	uint32_t compression; /* enum oakum_compression: none, gzip, zstd */
	uint32_t compression_level;
	uint32_t whiteouts; /* enum oakum_pack_whiteouts */
	uint32_t times;	    /* enum oakum_times */
	uint64_t latest_mtime_s;
	uint32_t labels; /* enum oakum_labels */
	uint32_t owners; /* enum oakum_owners bits */
	uint32_t squash_uid;
	uint32_t squash_gid;
	const char *const *exclude;
	const struct oakum_id_range *uid_map; /* container, host: read from right to left */
	const struct oakum_id_range *gid_map;
	const struct limits *limits; /* of content, names, entries and time */
	struct progress *progress;   /* borrowed */
};

/*
 * Sets aside what is large, and checks the excludes: for before seccomp. options and
 * what they point to are borrowed until layer_packer_run() returns. -EINVAL, -ENOMEM.
 */
int layer_packer_open(const struct layer_packer_options *options, struct layer_packer **packer,
	struct oakum_error *err);

/* Leaves *packer NULL; NULL in it is fine. */
void layer_packer_close(struct layer_packer **packer);

/*
 * Packs; once. Moves the working directory. 0, and stats says what is in the layer; or
 * -errno: -EBUSY for a tree that changes meanwhile. What was written then is no layer.
 */
int layer_packer_run(
	struct layer_packer *packer, struct oakum_stats *stats, struct oakum_error *err);

#endif
