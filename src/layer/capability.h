/* SPDX-License-Identifier: Apache-2.0 */
/* File capabilities: the two forms that the kernel takes, and what an id map makes of them. Pure.
 */
#ifndef OAKUM_LAYER_CAPABILITY_H
#define OAKUM_LAYER_CAPABILITY_H

#include "layer/idmap.h"

enum { CAPABILITY_BYTES_MAX = 24 };

enum capability_result {
	CAPABILITY_GOOD,
	CAPABILITY_MALFORMED,
	CAPABILITY_UNMAPPED, /* its root user is in no range of the map */
};

/*
 * Rewrites a value of security.capability (linux/capability.h, struct vfs_cap_data)
 * for the side of the rootfs. Version 2 is that of the host's root, version 3 that of
 * a root user of its own: under a map, version 2 of the layer is the mapped root's.
 */
enum capability_result capability_to_host(const struct idmap *uids, const void *value,
	size_t value_bytes, unsigned char host[CAPABILITY_BYTES_MAX], size_t *host_bytes);

#endif
