/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user namespace and a mount namespace of its own: what gives a process without root the
 * rights that the other walls need (user_namespaces(7)). It has no rights outside.
 */
#ifndef OAKUM_JAIL_USER_NAMESPACE_H
#define OAKUM_JAIL_USER_NAMESPACE_H

#include <oakum/oakum.h>
#include <stdbool.h>

/*
 * A process of one thread only. rootfs_fd gets the same directory as it is seen in the new
 * mount namespace. *is_inside tells of a failure whether it is in the namespace by then.
 */
int user_namespace_enter(int rootfs_fd, bool *is_inside, struct oakum_error *err);

/* Writes maps of one range of one id each, its own: what needs no right. */
int user_namespace_map_own(const struct oakum_id_range *uids, const struct oakum_id_range *gids,
	struct oakum_error *err);

/* Are the maps that the namespace has those, range by range? By /proc, whoever wrote them. */
int user_namespace_check(const struct oakum_id_range *uids, const struct oakum_id_range *gids,
	struct oakum_error *err);

/* Is this not the first user namespace? Then nobody in here has a right to trusted.* attributes. */
bool user_namespace_is_inner(void);

#endif
