/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/sparse_file.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static int refuse(const char *why, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, "read sparse map", NULL, "%s", why);
}

static int too_many_regions(const struct sparse_file *file, struct oakum_error *err)
{
	return limit_exceeded(err, "sparse-entries", file->limits->sparse_entries, NULL);
}

static int set_real_bytes(struct sparse_file *file, uint64_t bytes, struct oakum_error *err)
{
	file->real_bytes = bytes;
	if (bytes > file->limits->logical_bytes)
		return limit_exceeded(err, "logical-bytes", file->limits->logical_bytes, NULL);
	return 0;
}

/* One canonical reading: the regions are the content, and lie within the file. */
static int finish(const struct sparse_file *file, struct oakum_error *err)
{
	if (file->regions.count > file->limits->sparse_entries)
		return too_many_regions(file, err);
	if (file->regions.end > file->real_bytes)
		return refuse("a region of a sparse file lies past its end", err);
	if (file->map_bytes > file->stored_bytes)
		return refuse("the map of a sparse file is longer than its body", err);
	/* In the words of Go's archive/tar. */
	if (file->regions.stored_bytes > file->stored_bytes - file->map_bytes)
		return refuse("sparse file references non-existent data", err);
	if (file->regions.stored_bytes < file->stored_bytes - file->map_bytes)
		return refuse("sparse file contains unreferenced data", err);
	return 1;
}

/* --- old GNU: four regions in the header, then blocks of 21 --- */

static int take_regions(struct sparse_file *file, const struct block_region *regions, size_t count,
	char is_extended, struct oakum_error *err)
{
	if (!sparse_add_block(&file->regions, regions, count, is_extended))
		return refuse("a bad region of a sparse file", err);
	if (file->regions.count > file->limits->sparse_entries)
		return too_many_regions(file, err);
	return is_extended != 0 ? 0 : finish(file, err);
}

int sparse_file_begin_gnu(
	struct sparse_file *file, const struct block *block, struct oakum_error *err)
{
	uint64_t real_bytes;
	int r;

	if (!block_is_gnu(block) || !block_real_size(block, &real_bytes))
		return refuse("an old GNU sparse file that is not GNU's, or without a size", err);
	r = set_real_bytes(file, real_bytes, err);
	if (r < 0)
		return r;
	return take_regions(
		file, block->gnu.regions, BLOCK_GNU_REGIONS, block->gnu.is_extended, err);
}

int sparse_file_take_gnu(
	struct sparse_file *file, const struct block *block, struct oakum_error *err)
{
	struct block_more_regions more;

	memcpy(&more, block, sizeof(more));
	return take_regions(file, more.regions, BLOCK_MORE_REGIONS, more.is_extended, err);
}

/* --- pax --- */

int sparse_file_begin_pax(struct sparse_file *file, const struct pax *pax, struct oakum_error *err)
{
	int r = set_real_bytes(file, pax->real_size, err);

	if (r < 0)
		return r;
	switch (pax_sparse_kind(pax)) {
	case PAX_SPARSE_NONE:
	case PAX_SPARSE_BAD:
		break;
	case PAX_SPARSE_0:
		file->regions = pax->regions;
		return finish(file, err);
	case PAX_SPARSE_1:
		if (file->stored_bytes > 0)
			return 0;
		break;
	}
	return refuse("a sparse file without a map, or with two", err);
}

int sparse_file_take_text(
	struct sparse_file *file, const struct block *block, struct oakum_error *err)
{
	enum sparse_map_state state = sparse_map_feed(&file->map, &file->regions,
		(const char *)block, BLOCK_BYTES, file->limits->sparse_entries);

	file->map_bytes += BLOCK_BYTES;
	switch (state) {
	case SPARSE_MAP_BAD:
		return refuse("a bad map of a sparse file", err);
	case SPARSE_MAP_TOO_LONG:
		return too_many_regions(file, err);
	case SPARSE_MAP_MORE:
		if (file->map_bytes < file->stored_bytes)
			return 0;
		return refuse("the map of a sparse file is longer than its body", err);
	case SPARSE_MAP_DONE:
		return finish(file, err);
	}
	__builtin_unreachable();
}
