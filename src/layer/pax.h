/* SPDX-License-Identifier: Apache-2.0 */
/* The records of pax extended headers (POSIX.1-2017 pax, "pax Extended
 * Header"), read strictly. */
#ifndef OAKUM_LAYER_PAX_H
#define OAKUM_LAYER_PAX_H

#include "layer/sparse.h"
#include "layer/text.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the records of one entry say that the header check must know. */
struct pax {
	struct text path;	 /* these point into what was read; empty: the keyword is deleted */
	struct text sparse_name; /* before path, where there is one */
	struct text link_path;
	bool has_size;
	bool has_mtime;
	bool has_atime;
	uint64_t size;
	int64_t mtime_s;
	uint32_t mtime_ns;
	int64_t atime_s;
	uint32_t atime_ns;

	uint64_t acl_entries; /* at most so many are in the access control lists, all together */

	uint32_t seen;	  /* a bit for each key of sparse files */
	bool wants_bytes; /* GNU.sparse.offset was read, its numbytes is due */
	uint64_t real_size;
	uint64_t sparse_major;
	uint64_t sparse_minor;
	uint64_t sparse_blocks;
	uint64_t sparse_offset;
	struct sparse_regions regions; /* of 0.0 and 0.1; that of 1.0 stands in the body */
};

enum pax_sparse {
	PAX_SPARSE_NONE,
	PAX_SPARSE_0,	/* the regions are in the records */
	PAX_SPARSE_1,	/* ... in a map before the content */
	PAX_SPARSE_BAD, /* of both, of neither, or not all of it is there */
};

/*
 * Reads all records of an `x` header into *pax. strict: no key twice.
 * -EBADMSG with a sentence, -ENOMEM.
 */
int pax_read(
	struct pax *pax, const char *text, size_t length, bool strict, struct oakum_error *err);

enum pax_sparse pax_sparse_kind(const struct pax *pax);

/*
 * Of a `g` header. Unless it is ignored, only what changes no entry may be in
 * it, for readers disagree on the rest.
 */
int pax_check_global(const char *text, size_t length, bool is_ignored, struct oakum_error *err);

#endif
