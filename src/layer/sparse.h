/* SPDX-License-Identifier: Apache-2.0 */
/* The regions of a sparse file, as they go by: counted and checked, never
 * stored. */
#ifndef OAKUM_LAYER_SPARSE_H
#define OAKUM_LAYER_SPARSE_H

#include "layer/block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sparse_regions {
	uint64_t count;
	uint64_t end;	       /* of the last region, in the file */
	uint64_t stored_bytes; /* of all regions together */
};

/* Takes the next region: false if it overlaps, goes backwards or overflows. */
bool sparse_add(struct sparse_regions *regions, uint64_t offset, uint64_t bytes);

/* A comma-separated "offset,bytes,..." list (GNU.sparse.map of pax sparse 0.1).
 */
bool sparse_add_list(struct sparse_regions *regions, const char *text, size_t length);

/*
 * The regions of one block of an old GNU sparse file; an empty one ends them,
 * and then nothing may follow: readers differ in where they would look.
 */
bool sparse_add_block(struct sparse_regions *regions, const struct block_region *from, size_t count,
	char is_extended);

/* The text map before the body of pax sparse 1.0: "count\n" and two numbers a
 * region, each with a newline. */
struct sparse_map {
	uint64_t number;  /* being read */
	size_t digits;	  /* of it */
	uint64_t numbers; /* read so far, the count included */
	uint64_t count;	  /* what the map promises */
	uint64_t offset;  /* of the region being read */
};

enum sparse_map_state {
	SPARSE_MAP_BAD,
	SPARSE_MAP_TOO_LONG, /* it promises more regions than max_count */
	SPARSE_MAP_MORE,
	SPARSE_MAP_DONE,
};

/* Reads on in the map. What follows a complete map is not looked at. */
enum sparse_map_state sparse_map_feed(struct sparse_map *map, struct sparse_regions *regions,
	const char *bytes, size_t length, uint64_t max_count);

#endif
