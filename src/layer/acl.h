/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX ACLs in the form that the kernel takes as system.posix_acl_access and
 * system.posix_acl_default (linux/posix_acl_xattr.h): made, checked and mapped. Pure.
 */
#ifndef OAKUM_LAYER_ACL_H
#define OAKUM_LAYER_ACL_H

#include "layer/idmap.h"

enum {
	ACL_HEADER_BYTES = 4,
	ACL_ENTRY_BYTES = 8,
};

/* As the kernel numbers them; in this order an ACL has its entries. */
enum acl_tag {
	ACL_OF_OWNER = 0x01,
	ACL_OF_USER = 0x02,
	ACL_OF_OWNING_GROUP = 0x04,
	ACL_OF_GROUP = 0x08,
	ACL_OF_MASK = 0x10,
	ACL_OF_OTHERS = 0x20,
};

struct acl_entry {
	enum acl_tag tag;
	uint32_t permissions; /* 07 */
	/* of a user or a group; UINT32_MAX: only its name is known, and names mean nothing here */
	uint32_t id;
};

enum acl_result {
	ACL_GOOD,
	ACL_MALFORMED,
	ACL_NAMELESS, /* a user or group in it has no id here */
};

/* What count entries take as a value. */
size_t acl_bytes(size_t count);

/* Writes the entries, in the kernel's order, to value, which has acl_bytes(count); sorts them. */
void acl_write(struct acl_entry *entries, size_t count, unsigned char *value);

/* Rewrites the ids of value in place, for the side of the rootfs. */
enum acl_result acl_to_host(const struct idmap *uids, const struct idmap *gids,
	unsigned char *value, size_t value_bytes);

/*
 * What the owning group may do by a well-formed value, 07: the mode of a file with an
 * ACL has the mask in its place, which is more.
 */
uint32_t acl_group_permissions(const unsigned char *value, size_t value_bytes);

/* The kernel keeps the ids of users and groups, and of all other entries none. */
void acl_forget_ids(unsigned char *value, size_t value_bytes);

/* The mode that a file with this well-formed value has, 0777: its mask, if there is one, is what
 * the group's bits are. */
uint32_t acl_mode(const unsigned char *value, size_t value_bytes);

/* Does it say more than a mode can? Else no file system keeps it as an ACL of a file. */
bool acl_is_extended(const unsigned char *value, size_t value_bytes);

#endif
