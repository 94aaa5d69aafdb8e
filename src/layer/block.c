/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/block.h"

#include "layer/number.h"

#include <string.h>

enum {
	MAJOR_MAX = 0xfff, /* of the kernel's own device numbers */
	MINOR_MAX = 0xfffff,
	REGIONS_AT = offsetof(struct block, gnu.regions),
	REGIONS_BYTES = offsetof(struct block, rest) - REGIONS_AT,
};

#define NUMBER_OF(field, number) number_of_field(field, sizeof(field), number)

static bool is_zero(const void *bytes, size_t length)
{
	const char *byte = bytes;

	return byte[0] == 0 && memcmp(byte, byte + 1, length - 1) == 0;
}

bool block_is_zero(const struct block *block)
{
	return is_zero(block, sizeof(*block));
}

bool block_is_ustar(const struct block *block)
{
	return memcmp(block->magic, "ustar\0", 6) == 0;
}

bool block_is_gnu(const struct block *block)
{
	return memcmp(block->magic, "ustar  ", 8) == 0;
}

/* Bytes as unsigned (POSIX) or as signed, as old tars on some machines summed
 * them. */
static bool checksum_is_right(const struct block *block)
{
	const unsigned char *bytes = (const unsigned char *)block;
	const size_t from = offsetof(struct block, checksum);
	int64_t as_unsigned = 0;
	int64_t as_signed = 0;
	int64_t stored;

	if (!NUMBER_OF(block->checksum, &stored))
		return false;
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		bool is_sum = i >= from && i < from + sizeof(block->checksum);
		as_unsigned += is_sum ? ' ' : bytes[i];
		as_signed += is_sum ? ' ' : (signed char)bytes[i];
	}
	return stored == as_unsigned || stored == as_signed;
}

/* star's own kind of ustar ends the prefix after 131 bytes, where others read
 * on. */
static bool is_star_with_full_prefix(const struct block *block)
{
	return memcmp(block->rest + 8, "tar", 4) == 0 && block->prefix[130] != '\0';
}

bool block_is_header(const struct block *block)
{
	return checksum_is_right(block);
}

const char *block_check(const struct block *block, uint64_t *size)
{
	int64_t number;

	if (memcmp(block->magic, "ustar", 5) == 0 && !block_is_ustar(block) && !block_is_gnu(block))
		return "a header of a format that is not known";
	if (block_is_ustar(block) && is_star_with_full_prefix(block))
		return "a prefix that readers cut in different places";
	if (!NUMBER_OF(block->size, &number) || number < 0)
		return "a size that is no number";
	*size = (uint64_t)number;
	return NULL;
}

static const char *check_device(const struct block *block)
{
	int64_t major_number;
	int64_t minor_number;

	if (block->type_flag != '3' && block->type_flag != '4')
		return NULL;
	if (!block_is_ustar(block) && !block_is_gnu(block))
		return "a device in a format that has no device numbers";
	if (!NUMBER_OF(block->device_major, &major_number) ||
		!NUMBER_OF(block->device_minor, &minor_number))
		return "a device number that is no number";
	if (major_number < 0 || major_number > MAJOR_MAX || minor_number < 0 ||
		minor_number > MINOR_MAX)
		return "a device number that does not fit";
	return NULL;
}

/*
 * Readers differ in whether the regions of a file that is not of type 'S'
 * count, and old Go wrote a prefix there, which all others take for something
 * else.
 */
static const char *check_gnu_fields(const struct block *block)
{
	int64_t ignored;

	if (!block_is_gnu(block))
		return NULL;
	if (!NUMBER_OF(block->gnu.atime, &ignored) || !NUMBER_OF(block->gnu.ctime, &ignored))
		return "a GNU header with a prefix, which readers disagree on";
	if (block->type_flag != 'S' && !is_zero((const char *)block + REGIONS_AT, REGIONS_BYTES))
		return "the regions of a sparse file on what is none";
	return NULL;
}

const char *block_check_entry(const struct block *block)
{
	int64_t mode;
	int64_t mtime;
	int64_t uid;
	int64_t gid;

	if (!NUMBER_OF(block->mode, &mode) || mode < 0)
		return "a mode that is no number";
	if (!NUMBER_OF(block->mtime, &mtime))
		return "a time that is no number";
	if (!NUMBER_OF(block->uid, &uid) || !NUMBER_OF(block->gid, &gid))
		return "an owner that is no number";
	/* 4294967295 means "leave it" to chown(2): root would stay the owner. */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return "an owner that is no user or group id";
	const char *why = check_device(block);
	return why != NULL ? why : check_gnu_fields(block);
}

uint32_t block_mode(const struct block *block)
{
	int64_t mode = 0;

	(void)NUMBER_OF(block->mode, &mode);
	return (uint32_t)mode & 07777;
}

bool block_real_size(const struct block *block, uint64_t *real_size)
{
	int64_t number;

	if (!NUMBER_OF(block->gnu.real_size, &number) || number < 0)
		return false;
	*real_size = (uint64_t)number;
	return true;
}

static bool is_star(const struct block *block)
{
	return block_is_ustar(block) && memcmp(block->rest + 8, "tar", 4) == 0;
}

bool block_atime(const struct block *block, int64_t *atime)
{
	if (is_star(block))
		return NUMBER_OF(block->star.atime, atime);
	return block_is_gnu(block) && block->gnu.atime[0] != '\0' &&
	       NUMBER_OF(block->gnu.atime, atime);
}

void block_name(const struct block *block, char *buffer)
{
	size_t used = 0;

	if (block_is_ustar(block) && block->prefix[0] != '\0') {
		used = strnlen(block->prefix, sizeof(block->prefix));
		memcpy(buffer, block->prefix, used);
		buffer[used++] = '/';
	}
	size_t length = strnlen(block->name, sizeof(block->name));
	memcpy(buffer + used, block->name, length);
	buffer[used + length] = '\0';
}
