/* SPDX-License-Identifier: Apache-2.0 */
/* Does an unpack get a user namespace of its own, with which ids; and the writing of its maps. */
#ifndef OAKUM_HOST_USER_NAMESPACE_H
#define OAKUM_HOST_USER_NAMESPACE_H

#include "host/child.h"
#include "wire/request.h"

#include <stdbool.h>
#include <stdint.h>

/* The maps that no caller gave; to be ended with user_namespace_free(). */
struct user_namespace {
	struct oakum_id_range *uid_map; /* NULL: the caller's, or none */
	struct oakum_id_range *gid_map;
	bool needs_mapping; /* the child will ask */
};

/*
 * Resolves request->user_namespace by the rights of the calling thread: NEVER, or what was
 * asked for with maps, which may borrow from *space. -EPERM, -ENOMEM, or other -errno.
 */
int user_namespace_resolve(
	struct request *request, struct user_namespace *space, struct oakum_error *err);
void user_namespace_free(struct user_namespace *space);
#define cleanup_user_namespace __attribute__((cleanup(user_namespace_free)))

/*
 * Writes the maps when the child asks for them, by its own right or with newuidmap(1) and
 * newgidmap(1); returns when that is done, the child has something else to say or is dead, or
 * at the deadline. -errno if they could not be written: the child then fails too.
 */
int user_namespace_map(const struct child *child, const struct request *request, int64_t deadline,
	struct oakum_error *err);

#endif
