/* SPDX-License-Identifier: Apache-2.0 */
/* struct request: what goes down to the helper, its defaults and checks, and the option table. */
#ifndef OAKUM_WIRE_REQUEST_H
#define OAKUM_WIRE_REQUEST_H

#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REQUEST_VERSION = 1,
	REQUEST_MAX_BYTES = 64 << 20, /* a very long exclude list, with room */
	REQUEST_RANGES_MAX = 340,     /* user_namespaces(7) */
};

/* What is to be done: which roles the monitor starts. */
enum request_operation {
	REQUEST_UNPACK = 0, /* layer -> rootfs */
	REQUEST_DECOMPRESS, /* layer -> tar stream, to the caller's descriptor */
	REQUEST_PACK,	    /* rootfs -> layer, to the caller's descriptor */
	REQUEST_LIST,	    /* layer -> lines about it, to the caller's descriptor */
	REQUEST_VERIFY,	    /* layer and rootfs -> what differs, to the caller's descriptor */
	REQUEST_OPERATION_LAST = REQUEST_VERIFY,
};

/* Resolved: a zero in here is a zero, never "the default". */
struct request {
	uint32_t version;
	uint32_t operation; /* enum request_operation */
	uint32_t whiteouts; /* enum oakum_whiteouts */
	uint32_t profile;   /* enum oakum_profile */
	uint32_t trailing;  /* enum oakum_trailing */
	uint32_t threads;   /* 0 = chosen for the machine, by the helper */
	uint32_t min_level; /* enum oakum_level */
	uint32_t owners;    /* enum oakum_owners bits */
	uint32_t squash_uid;
	uint32_t squash_gid;
	uint32_t labels;	 /* enum oakum_labels */
	uint32_t devices;	 /* enum oakum_devices */
	uint32_t privileges;	 /* enum oakum_privileges */
	uint32_t whiteout_form;	 /* enum oakum_whiteout_form */
	uint32_t user_namespace; /* enum oakum_user_namespace */
	uint32_t sync;		 /* enum oakum_sync */
	uint32_t listing;	 /* enum oakum_listing bits */
	uint32_t verifying;	 /* enum oakum_verifying bits */
	uint32_t drain;		 /* enum oakum_drain */
	uint32_t digests;	 /* enum oakum_digests bits */
	struct limits limits;
	const char *const *exclude;	      /* NULL, or a NULL-terminated list; borrowed */
	const struct oakum_id_range *uid_map; /* NULL, or ended by a count of 0; borrowed */
	const struct oakum_id_range *gid_map;
	struct {
		uint32_t compression; /* enum oakum_compression */
		uint32_t compression_level;
		uint32_t whiteouts; /* enum oakum_pack_whiteouts */
		uint32_t submounts; /* enum oakum_submounts */
		uint32_t times;	    /* enum oakum_times */
		uint64_t latest_mtime_s;
	} packing;
	const char *expect_digest;  /* NULL, or one that digest_is_good(); borrowed */
	const char *expect_diff_id; /* the same */
};

enum request_kind {
	REQUEST_U32,	 /* a number, at most max */
	REQUEST_U64,	 /* a number, or the string "none" for UINT64_MAX */
	REQUEST_STRINGS, /* a list of byte strings: one code point up to U+00FF a byte */
	REQUEST_RANGES,	 /* a list of [container, host, count] */
	REQUEST_DIGEST,	 /* a digest, or null */
};

/* One row an option (version and operation are none): walked by the writer, the reader and the
 * tests. */
struct request_option {
	const char *key;
	enum request_kind kind;
	size_t offset;	       /* in struct request */
	size_t options_offset; /* in struct oakum_unpack_options, or of packing oakum_pack_options
				*/
	uint64_t max;
};

/* The tables; each ends with a row whose key is NULL. */
extern const struct request_option request_options[];
extern const struct request_option request_pack_options[];

/* The one that an enum request_operation has. */
const struct request_option *request_table(uint32_t operation);

/* All defaults. */
void request_init(struct request *request);

/*
 * The options of any version as those of this one (NULL: all zero); what they point to
 * is borrowed. -EINVAL for an impossible size, -E2BIG for a newer caller's wish.
 */
int request_copy_options(const struct oakum_unpack_options *theirs,
	struct oakum_unpack_options *ours, struct oakum_error *err);

/*
 * Defaults, then what options asks for (NULL: nothing). Strings are borrowed.
 * -EINVAL names the option that is out of range, -E2BIG a newer caller's wish.
 */
int request_from_options(const struct oakum_unpack_options *options, struct request *request,
	struct oakum_error *err);

/* The same of packing; the operation is set. */
int request_from_pack_options(
	const struct oakum_pack_options *options, struct request *request, struct oakum_error *err);

/*
 * Every number within its range, every map one that the kernel would take? Both
 * sides ask: the writer to help, the reader to be sure.
 */
int request_check(const struct request *request, struct oakum_error *err);

/*
 * request -> JSON in a new buffer; free() it. Read back by request_read() of
 * the helper. -EFBIG past REQUEST_MAX_BYTES, -ENOMEM.
 */
int request_write(
	const struct request *request, char **text, size_t *length, struct oakum_error *err);

#endif
