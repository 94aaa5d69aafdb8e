/* SPDX-License-Identifier: Apache-2.0 */
/* Container ids <-> host ids, by ranges. Pure. */
#ifndef OAKUM_LAYER_IDMAP_H
#define OAKUM_LAYER_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_range {
	int64_t container_id;
	int64_t host_id;
	int64_t size; /* how many ids follow each other, on both sides */
};

/* All zeros maps every id to itself. */
struct idmap {
	bool is_given; /* false: every id stays; true with no ranges: none can be mapped */
	const struct idmap_range *ranges; /* borrowed */
	size_t count;
};

struct oakum_id_range;

/*
 * From an array that ends with a count of 0; NULL maps every id to itself. The
 * ranges are new memory: free() them. 0 or -ENOMEM.
 */
int idmap_of_ranges(const struct oakum_id_range *from, struct idmap *map);

/* By the first range that holds the id; false when none does, or the result is no id. */
bool idmap_to_host(const struct idmap *map, uint32_t container_id, uint32_t *host_id);
bool idmap_to_container(const struct idmap *map, uint32_t host_id, uint32_t *container_id);

#endif
