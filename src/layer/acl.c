/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/acl.h"

#include "base/sort.h"

enum {
	VERSION = 2,
	PERMISSIONS = 07,
};

/* All numbers are little-endian, whatever the machine. */

static uint32_t read_little(const unsigned char *bytes, unsigned int count)
{
	uint32_t number = 0;

	for (unsigned int i = 0; i < count; i++)
		number |= (uint32_t)bytes[i] << 8 * i;
	return number;
}

static void write_little(unsigned char *bytes, uint32_t number, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
}

static bool is_named(enum acl_tag tag)
{
	return tag == ACL_OF_USER || tag == ACL_OF_GROUP;
}

static struct acl_entry read_entry(const unsigned char *at)
{
	return (struct acl_entry){
		.tag = (enum acl_tag)read_little(at, 2),
		.permissions = read_little(at + 2, 2),
		.id = read_little(at + 4, 4),
	};
}

static int compare(const void *left, const void *right)
{
	const struct acl_entry *one = left;
	const struct acl_entry *other = right;

	if (one->tag != other->tag)
		return one->tag < other->tag ? -1 : 1;
	return (one->id > other->id) - (one->id < other->id);
}

size_t acl_bytes(size_t count)
{
	return ACL_HEADER_BYTES + count * ACL_ENTRY_BYTES;
}

void acl_write(struct acl_entry *entries, size_t count, unsigned char *value)
{
	sort_items(entries, count, sizeof(*entries), compare);
	write_little(value, VERSION, 4);
	for (size_t i = 0; i < count; i++) {
		unsigned char *at = value + acl_bytes(i);
		write_little(at, entries[i].tag, 2);
		write_little(at + 2, entries[i].permissions, 2);
		write_little(at + 4, is_named(entries[i].tag) ? entries[i].id : UINT32_MAX, 4);
	}
}

/* The kernel's own check (fs/posix_acl.c, posix_acl_valid), so that it never is a mere EINVAL. */
static bool is_well_formed(const unsigned char *value, size_t bytes)
{
	const unsigned char *end = value + bytes;
	uint32_t seen = 0;
	uint32_t last = 0;

	if (bytes < acl_bytes(3) || (bytes - ACL_HEADER_BYTES) % ACL_ENTRY_BYTES != 0 ||
		read_little(value, 4) != VERSION)
		return false;
	for (const unsigned char *at = value + ACL_HEADER_BYTES; at < end; at += ACL_ENTRY_BYTES) {
		const struct acl_entry entry = read_entry(at);
		bool is_known = entry.tag > 0 && entry.tag <= ACL_OF_OTHERS &&
				(entry.tag & (entry.tag - 1)) == 0;
		bool is_again = entry.tag == last && !is_named(entry.tag);
		if (!is_known || is_again || entry.tag < last || entry.permissions > PERMISSIONS)
			return false;
		last = entry.tag;
		seen |= entry.tag;
	}
	if ((seen & (ACL_OF_USER | ACL_OF_GROUP)) != 0 && (seen & ACL_OF_MASK) == 0)
		return false;
	return (seen & ACL_OF_OWNER) != 0 && (seen & ACL_OF_OWNING_GROUP) != 0 &&
	       (seen & ACL_OF_OTHERS) != 0;
}

enum acl_result acl_to_host(const struct idmap *uids, const struct idmap *gids,
	unsigned char *value, size_t value_bytes)
{
	if (!is_well_formed(value, value_bytes))
		return ACL_MALFORMED;
	for (size_t at = ACL_HEADER_BYTES; at < value_bytes; at += ACL_ENTRY_BYTES) {
		const struct acl_entry entry = read_entry(value + at);
		const struct idmap *map = entry.tag == ACL_OF_USER ? uids : gids;
		uint32_t id;
		if (!is_named(entry.tag))
			continue;
		if (entry.id == UINT32_MAX || !idmap_to_host(map, entry.id, &id))
			return ACL_NAMELESS;
		write_little(value + at + 4, id, 4);
	}
	return ACL_GOOD;
}

uint32_t acl_group_permissions(const unsigned char *value, size_t value_bytes)
{
	uint32_t permissions = PERMISSIONS;

	for (size_t at = ACL_HEADER_BYTES; at < value_bytes; at += ACL_ENTRY_BYTES) {
		const struct acl_entry entry = read_entry(value + at);
		if (entry.tag == ACL_OF_OWNING_GROUP || entry.tag == ACL_OF_MASK)
			permissions &= entry.permissions;
	}
	return permissions;
}

bool acl_is_extended(const unsigned char *value, size_t value_bytes)
{
	const uint32_t plain = ACL_OF_OWNER | ACL_OF_OWNING_GROUP | ACL_OF_OTHERS;

	for (size_t at = ACL_HEADER_BYTES; at < value_bytes; at += ACL_ENTRY_BYTES) {
		if ((read_entry(value + at).tag & ~plain) != 0)
			return true;
	}
	return false;
}

void acl_forget_ids(unsigned char *value, size_t value_bytes)
{
	for (size_t at = ACL_HEADER_BYTES; at < value_bytes; at += ACL_ENTRY_BYTES) {
		if (!is_named(read_entry(value + at).tag))
			write_little(value + at + 4, UINT32_MAX, 4);
	}
}

uint32_t acl_mode(const unsigned char *value, size_t value_bytes)
{
	uint32_t mode = 0;

	/* In this order: a mask is what the group's bits are. */
	for (size_t at = ACL_HEADER_BYTES; at < value_bytes; at += ACL_ENTRY_BYTES) {
		const struct acl_entry entry = read_entry(value + at);
		if (entry.tag == ACL_OF_OWNER)
			mode |= entry.permissions << 6;
		else if (entry.tag == ACL_OF_OWNING_GROUP)
			mode |= entry.permissions << 3;
		else if (entry.tag == ACL_OF_MASK)
			mode = (mode & ~070U) | entry.permissions << 3;
		else if (entry.tag == ACL_OF_OTHERS)
			mode |= entry.permissions;
	}
	return mode;
}
