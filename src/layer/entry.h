/* SPDX-License-Identifier: Apache-2.0 */
/* struct entry: everything we believe about one member of a layer; nothing of libarchive in it. */
#ifndef OAKUM_LAYER_ENTRY_H
#define OAKUM_LAYER_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum entry_type {
	ENTRY_FILE,
	ENTRY_DIRECTORY,
	ENTRY_SYMLINK,
	ENTRY_HARD_LINK,
	ENTRY_CHARACTER_DEVICE,
	ENTRY_BLOCK_DEVICE,
	ENTRY_FIFO,
};

struct xattr {
	const char *name; /* "user.x", "security.capability" */
	const void *value;
	size_t value_bytes;
};

/*
 * All pointers are borrowed from whoever filled the entry (unpacker/tar_reader)
 * and stay good until it is asked for the next one; policy may point path and
 * link at buffers of its own for as long.
 */
struct entry {
	enum entry_type type;
	const char *name; /* as the layer spells it: untrusted bytes, for messages only */
	const char
		*path; /* after path_clean(): no leading '/', no '.', no '..'; "" is the rootfs */
	const char *link; /* symlink: its target, any bytes; hard link: a clean path; else NULL */
	const char *link_name; /* of a link: as the layer spells it */
	uint32_t mode;	       /* 07777 */
	uint32_t uid;
	uint32_t gid;
	bool sets_no_owner; /* it stays that of its making */
	uint32_t device_major;
	uint32_t device_minor;
	uint64_t logical_bytes; /* size of a file, holes included; 0 for all others */
	uint64_t claimed_bytes; /* the size that its header has, of whatever type it is */
	int64_t mtime_s;	/* seconds since 1970, rounded down */
	uint32_t mtime_ns;	/* 0 to 999,999,999 */
	bool has_atime;		/* the layer tells, or policy wants one */
	int64_t atime_s;
	uint32_t atime_ns;
	bool sets_no_times; /* they stay those of its making */
	const struct xattr *xattrs;
	size_t xattr_count;
};

#endif
