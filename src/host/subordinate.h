/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the ids that an administrator lends to users: subuid(5), and passwd(5) for their names. */
#ifndef OAKUM_HOST_SUBORDINATE_H
#define OAKUM_HOST_SUBORDINATE_H

#include <oakum/oakum.h>
#include <stddef.h>
#include <stdint.h>

enum { SUBORDINATE_NAME_BYTES = 256 };

/*
 * The name of a user by the text of /etc/passwd, into name; "" if there is none. Of several
 * the first, as getpwuid(3).
 */
void subordinate_user_name(const char *passwd, uint32_t uid, char name[SUBORDINATE_NAME_BYTES]);

/*
 * The ranges that the text of /etc/subuid or /etc/subgid gives the user, by name or number, as
 * the ids from first on; at most max of them. Lines that are none are passed over, as
 * newuidmap(1) does. Returns how many.
 */
struct subordinate_user {
	const char *name; /* "" if it has none */
	uint32_t uid;	  /* in /etc/subgid too */
};
size_t subordinate_ranges(const char *text, const struct subordinate_user *user, uint32_t first,
	struct oakum_id_range *ranges, size_t max);

#endif
