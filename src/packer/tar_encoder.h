/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of an entry -> its blocks, byte for byte as Go's archive/tar writes
 * them: plain USTAR while everything fits, else a pax header before it. Pure.
 */
#ifndef OAKUM_PACKER_TAR_ENCODER_H
#define OAKUM_PACKER_TAR_ENCODER_H

#include "layer/entry.h"
#include "packer/bytes.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TAR_FILE = '0',
	TAR_HARD_LINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHARACTER_DEVICE = '3',
	TAR_BLOCK_DEVICE = '4',
	TAR_DIRECTORY = '5',
	TAR_FIFO = '6',
};

enum {
	TAR_BLOCK_BYTES = 512,
	TAR_END_BYTES = 2 * TAR_BLOCK_BYTES, /* zeros, after the last entry */
	TAR_PAX_MAX_BYTES = 1 << 20,	     /* of the records of one entry: Go's own limit */
};

struct tar_header {
	char type;
	const char *name; /* any bytes; of a directory it ends with '/' */
	const char *link; /* never NULL: "" is none */
	uint32_t mode;	  /* 07777 */
	int64_t uid;	  /* any number, for callers may give any */
	int64_t gid;
	uint64_t content_bytes;
	int64_t mtime_s; /* since 1970, rounded down */
	uint32_t mtime_ns;
	bool has_bytes;	       /* name or link are no UTF-8, and readers are told so; Go does not */
	bool repeats_time;     /* atime and ctime are written too, and equal mtime */
	uint32_t device_major; /* below 2^21, as all that the kernel has */
	uint32_t device_minor; /* the same */
	const struct xattr *xattrs; /* in ascending order of their names */
	size_t xattr_count;
};

/*
 * Appends the blocks of a header to stream. -EINVAL and -E2BIG: it cannot be
 * written, Go's text is err->detail, and nothing was appended; -ENOMEM.
 */
int tar_encode(struct bytes *stream, const struct tar_header *header, struct oakum_error *err);

/* How many zeros follow that much content. */
size_t tar_padding(uint64_t content_bytes);

#endif
