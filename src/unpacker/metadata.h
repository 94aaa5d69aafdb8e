/* SPDX-License-Identifier: Apache-2.0 */
/* Owner -> xattrs -> mode -> times, in the one right order, and no call for what is already right.
 */
#ifndef OAKUM_UNPACKER_METADATA_H
#define OAKUM_UNPACKER_METADATA_H

#include "layer/entry.h"

#include <oakum/oakum.h>
#include <stdbool.h>

/*
 * Where owners and attributes are set otherwise than oakum would: for callers
 * that are used to another program. Borrowed by all that is made by them.
 */
struct metadata_rules {
	bool leaves_owner;	   /* set none */
	bool forgives_owner;	   /* an owner that cannot be set is told, and no error */
	bool is_in_user_namespace; /* an attribute that may not be set is the same */
	const char *needed_xattr;  /* and this one is never forgiven; or NULL */
	/* What was forgiven; from the thread that sets it. Never NULL. */
	void (*tell)(void *context, const struct oakum_error *err);
	void *context;
};

/* What is no error, but counted; by any thread. */
struct forgiven {
	bool owners; /* those that cannot be set */
	_Atomic(uint64_t) unset_owners;
	_Atomic(uint64_t) lost_xattrs; /* user.*, on a file system that has none */
};

struct metadata {
	const struct metadata_rules *rules; /* NULL: oakum's own */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int64_t mtime_s;
	uint32_t mtime_ns;
	int64_t atime_s;
	uint32_t atime_ns;
	bool sets_mtime;
	bool sets_atime; /* else it is that of its making: reading a layer is no reading of it */
	bool sets_owner; /* it is not what the file was made with */
	bool sets_mode;
	bool drops_acl; /* it was made with one that nobody asked for */
	/* It was there before: what earlier layers gave it goes (OCI image-spec, layer.md). */
	bool replaces_xattrs;
	struct forgiven *forgiven;  /* NULL: nothing is */
	const struct xattr *xattrs; /* borrowed */
	size_t xattr_count;
};

/* Whom new files belong to: this process's effective ids. */
struct owner {
	uint32_t uid;
	uint32_t gid;
};

/*
 * What is left to be set on a file that this process made just now with the
 * entry's permission bits; is_plain as parents_is_plain() has it of
 * its directory.
 */
struct metadata metadata_of(const struct entry *entry, struct owner maker, bool is_plain);

/* The same by other rules (NULL: the same). */
struct metadata metadata_by(const struct metadata_rules *rules, const struct entry *entry,
	struct owner maker, bool is_plain);

/*
 * Takes from a directory that was made just now what its own parent bestowed on
 * it: group, set-gid bit, default ACL. 0 or -errno.
 */
int metadata_make_plain(int fd, struct owner maker, uint32_t mode);

/* On an open file or directory. path is for messages. 0 or -errno. */
int metadata_apply(
	const struct metadata *metadata, int fd, const char *path, struct oakum_error *err);

/* On what cannot be opened - a symlink, device or fifo - by its name in a directory. */
int metadata_apply_at(const struct metadata *metadata, int directory_fd, const char *name,
	const struct entry *entry, struct oakum_error *err);

#endif
