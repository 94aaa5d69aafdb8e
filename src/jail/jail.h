/* SPDX-License-Identifier: Apache-2.0 */
/* The walls round a role, and the order in which they go up. */
#ifndef OAKUM_JAIL_JAIL_H
#define OAKUM_JAIL_JAIL_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum role {
	ROLE_MONITOR,	   /* waits and judges: no file system, no capability */
	ROLE_DECOMPRESSOR, /* reads one descriptor, writes another: no file system, no capability */
	ROLE_UNPACKER,	   /* writes below its own root: six capabilities */
	ROLE_PACKER,	   /* reads below its own root: one capability */
	ROLE_LISTER,	   /* reads one descriptor, writes another: no file system, no capability */
	ROLE_VERIFIER,	   /* reads below its own root: one capability */
	ROLE_HASHER,	   /* as the decompressor, with less still */
};

struct jail {
	enum role role;
	const int *keep_fds; /* ascending; every other descriptor is closed */
	size_t keep_count;
	int rootfs_fd; /* of unpacker, packer, verifier, in keep_fds; closed after the root switch;
			  else -1 */
	uint32_t min_level;	   /* enum oakum_level, of those: refuse less */
	bool needs_trusted_xattrs; /* a seventh capability, for trusted.overlay.* */
	bool wants_trusted_xattrs; /* the same if it can be had: for what a layer may bring */
	bool has_submounts;	   /* what is mounted below the rootfs is part of it */
	bool has_user_namespace;   /* the process was put into one of its own */
	/* For tests of older kernels and other callers; zero is no bound. */
	uint32_t max_level;
	int max_landlock_abi;
};

struct jail_result {
	int root_fd;	/* their new root, O_PATH, the only directory left open; else -1 */
	uint32_t level; /* enum oakum_level; 0 with sanitizers, which have no seccomp */
	uint32_t walls; /* enum oakum_wall bits */
};

/*
 * All walls but seccomp: a process of one thread only, once, and there is no
 * way back. Threads started later inherit them. -EPERM: less than min_level
 * can be had; other -errno of the wall that failed.
 */
int jail_enter(const struct jail *jail, struct jail_result *result, struct oakum_error *err);

/* seccomp, on all threads: the last step before the first byte of the layer. Sets its bit of
 * *walls. */
int jail_seal(enum role role, uint32_t *walls, struct oakum_error *err);

/* The decompressor's second, smaller list, once it knows its codec. */
int jail_narrow(struct oakum_error *err);

/* The same for a codec whose threads, started before, wait for each other. */
int jail_narrow_to_threads(struct oakum_error *err);

/* How many system calls the lists have answered with ENOSYS, and the number of the first. */
void jail_denied_calls(uint32_t *count, uint32_t *first);

#endif
