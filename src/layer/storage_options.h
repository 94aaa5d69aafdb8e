/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program that uses containers/storage asks of its storage-* helpers: its
 * TarOptions, resolved. Who reads which field: storage-untar (U),
 * storage-applyLayer (L), storage-tar (T). Pointers are owned by whoever filled it.
 */
#ifndef OAKUM_LAYER_STORAGE_OPTIONS_H
#define OAKUM_LAYER_STORAGE_OPTIONS_H

#include "layer/idmap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum storage_compression {
	STORAGE_COMPRESSION_NONE = 0,
	STORAGE_COMPRESSION_BZIP2 = 1,
	STORAGE_COMPRESSION_GZIP = 2,
	STORAGE_COMPRESSION_XZ = 3,
	STORAGE_COMPRESSION_ZSTD = 4,
};

enum storage_whiteouts {
	STORAGE_WHITEOUTS_AUFS = 0,    /* .wh.NAME stays a file */
	STORAGE_WHITEOUTS_OVERLAY = 1, /* .wh.NAME <-> a character device 0:0 */
};

struct storage_rename {
	const char *from;
	const char *to;
};

struct storage_options {
	const char *const *include_files;    /* T: NULL, or NULL-terminated */
	const char *const *exclude_patterns; /* U: string prefixes; T: patterns; NULL-terminated */
	int64_t compression;		     /* T: enum storage_compression; others are refused */
	bool no_lchown;			     /* U: owners are left as they come */
	struct idmap uids;		     /* U, L: container to host; T: host to container */
	struct idmap gids;
	bool ignore_chown_errors; /* U, L */
	bool has_chown;		  /* all three: owner of everything */
	int64_t chown_uid;	  /* as it was given: any number */
	int64_t chown_gid;
	bool includes_source_dir;	      /* T: the source itself is the entry "./" */
	int64_t whiteouts;		      /* U, T: enum storage_whiteouts; others mean AUFS */
	bool no_overwrite_dir_non_dir;	      /* U */
	const struct storage_rename *renames; /* T: sorted as given; ends with from == NULL */
	bool in_user_namespace;		      /* U, L: no devices */
	bool copy_pass;			      /* T: pax headers, times with fractions */
	bool has_force_mask;		      /* U, L */
	uint32_t force_mask;		      /* 07777, as chmod(2) has it */
	bool has_timestamp;		      /* T: of everything */
	int64_t timestamp_s;		      /* since 1970, rounded down */
	uint32_t timestamp_ns;
};

#endif
