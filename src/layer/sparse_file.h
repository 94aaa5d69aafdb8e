/* SPDX-License-Identifier: Apache-2.0 */
/* The map of one sparse file, in whatever form it comes: GNU's blocks, pax records, or text. */
#ifndef OAKUM_LAYER_SPARSE_FILE_H
#define OAKUM_LAYER_SPARSE_FILE_H

#include "layer/block.h"
#include "layer/limits.h"
#include "layer/pax.h"
#include "layer/sparse.h"

#include <oakum/oakum.h>
#include <stdint.h>

struct sparse_file {
	const struct limits *limits;
	uint64_t stored_bytes; /* of its body: the text map, then the content */
	uint64_t real_bytes;   /* of the file, holes included */
	uint64_t map_bytes;    /* of the text map, as far as it was read */
	struct sparse_regions regions;
	struct sparse_map map;
};

/*
 * Each returns 1 when the map is complete and good, 0 when it goes on in the
 * next block, -EBADMSG, or -EFBIG. limits and stored_bytes are set before.
 */
int sparse_file_begin_gnu(
	struct sparse_file *file, const struct block *block, struct oakum_error *err);
int sparse_file_take_gnu(
	struct sparse_file *file, const struct block *block, struct oakum_error *err);
int sparse_file_begin_pax(struct sparse_file *file, const struct pax *pax, struct oakum_error *err);
int sparse_file_take_text(
	struct sparse_file *file, const struct block *block, struct oakum_error *err);

#endif
