/* SPDX-License-Identifier: Apache-2.0 */
/* One block of a tar stream as a header: its layout, and what may stand in its
 * fields. */
#ifndef OAKUM_LAYER_BLOCK_H
#define OAKUM_LAYER_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BLOCK_BYTES = 512,
	BLOCK_NAME_MAX = 256, /* prefix, '/', name */
	BLOCK_GNU_REGIONS = 4,
	BLOCK_MORE_REGIONS = 21,
};

/* A region of a sparse file as GNU wrote it before pax: offset, length. */
struct block_region {
	char offset[12];
	char bytes[12];
};

/* POSIX ustar, and what GNU keeps in place of the prefix. */
struct block {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type_flag;
	char link_name[100];
	char magic[8]; /* and version */
	char user_name[32];
	char group_name[32];
	char device_major[8];
	char device_minor[8];
	union {
		char prefix[155];
		struct {
			char prefix[131];
			char atime[12];
			char ctime[12];
		} star;
		struct {
			char atime[12];
			char ctime[12];
			char rest[17];
			struct block_region regions[BLOCK_GNU_REGIONS];
			char is_extended;
			char real_size[12];
		} gnu;
	};
	char rest[12];
};
_Static_assert(sizeof(struct block) == BLOCK_BYTES, "a header is one block");

/* What follows an old GNU sparse header that is_extended, as often as it takes.
 */
struct block_more_regions {
	struct block_region regions[BLOCK_MORE_REGIONS];
	char is_extended;
	char rest[7];
};
_Static_assert(sizeof(struct block_more_regions) == BLOCK_BYTES, "and so is its extension");

bool block_is_zero(const struct block *block);

bool block_is_gnu(const struct block *block);
bool block_is_ustar(const struct block *block);

/* Is the checksum right, summed as either kind of bytes? */
bool block_is_header(const struct block *block);

/*
 * What every header must have: a magic that readers agree on, a size.
 * NULL, or why not, for people.
 */
const char *block_check(const struct block *block, uint64_t *size);

/*
 * What the header of an entry must have besides: numbers that are numbers, ids
 * and device numbers that the kernel takes whole, nothing of a sparse file in
 * what is none. NULL, or why not.
 */
const char *block_check_entry(const struct block *block);

/* The bits of chmod(2), of a header that has passed. */
uint32_t block_mode(const struct block *block);

/* The size of an old GNU sparse file, holes included; false if it is no number.
 */
bool block_real_size(const struct block *block, uint64_t *real_size);

/* The time of last access that GNU and star write beside the rest; false where there is none. */
bool block_atime(const struct block *block, int64_t *atime);

/* "prefix/name" or "name"; buffer has BLOCK_NAME_MAX bytes. */
void block_name(const struct block *block, char *buffer);

#endif
