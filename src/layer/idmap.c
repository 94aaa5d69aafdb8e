/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/idmap.h"

#include <errno.h>
#include <oakum/oakum.h>
#include <stdlib.h>

int idmap_of_ranges(const struct oakum_id_range *from, struct idmap *map)
{
	size_t count = 0;

	*map = (struct idmap){ 0 };
	if (from == NULL)
		return 0;
	while (from[count].count > 0)
		count++;
	struct idmap_range *ranges = calloc(count + 1, sizeof(*ranges));
	if (ranges == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct idmap_range){ from[i].container, from[i].host, from[i].count };
	*map = (struct idmap){ .is_given = true, .ranges = ranges, .count = count };
	return 0;
}

/* Ranges come from a caller: they may start below zero or end past every id. */
static bool shift(int64_t from, int64_t to, int64_t size, uint32_t id, uint32_t *shifted)
{
	int64_t distance;
	int64_t result;

	if (__builtin_sub_overflow((int64_t)id, from, &distance))
		return false;
	if (distance < 0 || distance >= size)
		return false;
	if (__builtin_add_overflow(to, distance, &result))
		return false;
	/* (uid_t)-1 is no id: chown(2) takes it for "leave it". */
	if (result < 0 || result >= UINT32_MAX)
		return false;
	*shifted = (uint32_t)result;
	return true;
}

static bool holds(int64_t from, int64_t size, uint32_t id)
{
	int64_t distance;

	return !__builtin_sub_overflow((int64_t)id, from, &distance) && distance >= 0 &&
	       distance < size;
}

bool idmap_to_host(const struct idmap *map, uint32_t container_id, uint32_t *host_id)
{
	*host_id = container_id;
	for (size_t i = 0; i < map->count; i++) {
		const struct idmap_range *range = &map->ranges[i];
		if (holds(range->container_id, range->size, container_id))
			return shift(range->container_id, range->host_id, range->size, container_id,
				host_id);
	}
	return !map->is_given;
}

bool idmap_to_container(const struct idmap *map, uint32_t host_id, uint32_t *container_id)
{
	*container_id = host_id;
	for (size_t i = 0; i < map->count; i++) {
		const struct idmap_range *range = &map->ranges[i];
		if (holds(range->host_id, range->size, host_id))
			return shift(range->host_id, range->container_id, range->size, host_id,
				container_id);
	}
	return !map->is_given;
}
