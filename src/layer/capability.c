/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/capability.h"

#include <string.h>

/* All numbers in it are little-endian, whatever the machine. */
enum {
	VERSION_AT = 3, /* the last byte of the first number */
	ROOT_AT = 20,
	BYTES_2 = 20,
	BYTES_3 = 24,
	EFFECTIVE = 1, /* the only flag there is */
};

static uint32_t read_little(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void write_little(unsigned char *bytes, uint32_t number)
{
	for (unsigned int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
}

static bool is_well_formed(const unsigned char *value, size_t bytes)
{
	if (bytes != BYTES_2 && bytes != BYTES_3)
		return false;
	return value[VERSION_AT] == (bytes == BYTES_2 ? 2 : 3) &&
	       (read_little(value) & 0xffffff & ~(uint32_t)EFFECTIVE) == 0;
}

enum capability_result capability_to_host(const struct idmap *uids, const void *value,
	size_t value_bytes, unsigned char host[CAPABILITY_BYTES_MAX], size_t *host_bytes)
{
	uint32_t root = 0;

	if (!is_well_formed(value, value_bytes))
		return CAPABILITY_MALFORMED;
	memcpy(host, value, value_bytes);
	if (value_bytes == BYTES_3)
		root = read_little(host + ROOT_AT);
	if (root == UINT32_MAX)
		return CAPABILITY_MALFORMED;
	if (!idmap_to_host(uids, root, &root))
		return CAPABILITY_UNMAPPED;
	*host_bytes = root == 0 ? BYTES_2 : BYTES_3;
	host[VERSION_AT] = root == 0 ? 2 : 3;
	write_little(host + ROOT_AT, root);
	return CAPABILITY_GOOD;
}
