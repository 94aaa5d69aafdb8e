/* SPDX-License-Identifier: Apache-2.0 */
/* The ceilings that a layer must respect, resolved: no zero means "default" in here. */
#ifndef OAKUM_LAYER_LIMITS_H
#define OAKUM_LAYER_LIMITS_H

#include <oakum/oakum.h>
#include <stdint.h>

/* Units are in the names; UINT64_MAX is no limit. What each one counts: oakum.h. */
struct limits {
	uint64_t content_bytes;
	uint64_t logical_bytes;
	uint64_t entries;
	uint64_t path_depth;
	uint64_t name_bytes;
	uint64_t link_bytes;
	uint64_t pax_bytes;
	uint64_t sparse_entries;
	uint64_t xattr_bytes;
	uint64_t entry_xattr_bytes;
	uint64_t layer_xattr_bytes;
	uint64_t ratio;
	uint64_t window_bytes;
	uint64_t trailing_bytes;
	uint64_t entry_xattrs;
	uint64_t timeout_ms; /* 0 is no limit */
	uint64_t free_bytes; /* these two are what must be left: 0 and UINT64_MAX are no limit */
	uint64_t free_inodes;
};

#define LIMITS_DEFAULT                                                                     \
	{                                                                                  \
		.content_bytes = UINT64_C(256) << 30, .logical_bytes = UINT64_C(1) << 40,  \
		.entries = 20000000, .path_depth = 4096, .name_bytes = 64 << 10,           \
		.link_bytes = 4095, .pax_bytes = 1 << 20, .sparse_entries = 64 << 10,      \
		.xattr_bytes = 64 << 10, .entry_xattr_bytes = 1 << 20,                     \
		.layer_xattr_bytes = UINT64_C(64) << 20, .ratio = 2000,                    \
		.window_bytes = UINT64_C(128) << 20, .trailing_bytes = UINT64_C(64) << 20, \
		.entry_xattrs = 1024,                                                      \
	}

/* Fills err: EFBIG, with the name that the command knows the limit by. Returns -EFBIG. */
int limit_exceeded(struct oakum_error *err, const char *name, uint64_t value, const char *entry);

/* Fills err: ETIMEDOUT. Returns -ETIMEDOUT. */
int limit_of_time_exceeded(struct oakum_error *err, const char *entry);

#endif
