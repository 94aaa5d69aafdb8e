/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/sparse.h"

#include "layer/number.h"

#include <string.h>

enum { MAP_DIGITS_MAX = 19 }; /* what fits 64 bits whatever the digits are */

bool sparse_add(struct sparse_regions *regions, uint64_t offset, uint64_t bytes)
{
	if (offset < regions->end || offset > INT64_MAX || bytes > INT64_MAX - offset)
		return false;
	regions->end = offset + bytes;
	regions->stored_bytes += bytes;
	regions->count++;
	return true;
}

bool sparse_add_list(struct sparse_regions *regions, const char *text, size_t length)
{
	uint64_t pair[2];
	size_t at = 0;

	for (size_t index = 0; at < length; index++) {
		const char *comma = memchr(text + at, ',', length - at);
		size_t end = comma == NULL ? length : (size_t)(comma - text);
		if (!number_of_decimal(text + at, end - at, &pair[index % 2]))
			return false;
		if (index % 2 == 1 && !sparse_add(regions, pair[0], pair[1]))
			return false;
		if (comma == NULL)
			return index % 2 == 1;
		at = end + 1;
	}
	return length == 0;
}

static bool is_empty(const struct block_region *region)
{
	static const struct block_region empty;

	return memcmp(region, &empty, sizeof(empty)) == 0;
}

static bool add_region(struct sparse_regions *regions, const struct block_region *region)
{
	int64_t offset;
	int64_t bytes;

	return region->offset[0] != '\0' && region->bytes[0] != '\0' &&
	       number_of_field(region->offset, sizeof(region->offset), &offset) &&
	       number_of_field(region->bytes, sizeof(region->bytes), &bytes) && offset >= 0 &&
	       bytes >= 0 && sparse_add(regions, (uint64_t)offset, (uint64_t)bytes);
}

bool sparse_add_block(struct sparse_regions *regions, const struct block_region *from, size_t count,
	char is_extended)
{
	size_t i = 0;

	while (i < count && !is_empty(&from[i])) {
		if (!add_region(regions, &from[i++]))
			return false;
	}
	if (i < count && is_extended != 0)
		return false;
	while (i < count) {
		if (!is_empty(&from[i++]))
			return false;
	}
	return true;
}

static enum sparse_map_state take_number(
	struct sparse_map *map, struct sparse_regions *regions, uint64_t max_count)
{
	uint64_t index = map->numbers++;

	if (map->digits == 0)
		return SPARSE_MAP_BAD;
	if (index == 0) {
		map->count = map->number;
		/* libarchive counts them in an int. */
		if (map->count > max_count || map->count > INT32_MAX)
			return SPARSE_MAP_TOO_LONG;
	} else if (index % 2 == 1) {
		map->offset = map->number;
	} else if (!sparse_add(regions, map->offset, map->number)) {
		return SPARSE_MAP_BAD;
	}
	map->digits = 0;
	map->number = 0;
	return map->numbers == 1 + 2 * map->count ? SPARSE_MAP_DONE : SPARSE_MAP_MORE;
}

enum sparse_map_state sparse_map_feed(struct sparse_map *map, struct sparse_regions *regions,
	const char *bytes, size_t length, uint64_t max_count)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			enum sparse_map_state state = take_number(map, regions, max_count);
			if (state != SPARSE_MAP_MORE)
				return state;
		} else if (bytes[i] >= '0' && bytes[i] <= '9' && map->digits < MAP_DIGITS_MAX) {
			map->number = map->number * 10 + (uint64_t)(bytes[i] - '0');
			map->digits++;
		} else {
			return SPARSE_MAP_BAD;
		}
	}
	return SPARSE_MAP_MORE;
}
