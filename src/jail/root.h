/* SPDX-License-Identifier: Apache-2.0 */
/* The root switch and its ladder. */
#ifndef OAKUM_JAIL_ROOT_H
#define OAKUM_JAIL_ROOT_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stdint.h>

struct root_request {
	int rootfs_fd;
	uint32_t max_level; /* 0: any */
	bool has_submounts; /* take what is mounted below it along */
	bool is_read_only;  /* where it can be: not at level 2 */
	bool may_stay;	    /* where it cannot be made the root: leave the root as it is */
};

/*
 * Makes the directory rootfs_fd the root and working directory of this process,
 * by the strongest way up to max_level that the caller's rights allow.
 *
 * Returns an O_PATH descriptor of the new root, *level and *walls say how; or
 * -errno: -EPERM when not even chroot(2) is allowed, unless the process may stay where
 * it is; then it is the working directory alone. rootfs_fd stays open.
 */
int root_switch(const struct root_request *request, uint32_t *level, uint32_t *walls,
	struct oakum_error *err);

#endif
