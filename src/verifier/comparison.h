/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts that compare share, and nobody else sees. */
#ifndef OAKUM_VERIFIER_COMPARISON_H
#define OAKUM_VERIFIER_COMPARISON_H

#include "base/progress.h"
#include "layer/entry.h"
#include "layer/tally.h"
#include "packer/walker.h"
#include "unpacker/overlay.h"
#include "unpacker/parents.h"
#include "unpacker/tar_reader.h"
#include "verifier/brought.h"
#include "verifier/differences.h"
#include "verifier/passed.h"

#include <linux/limits.h>
#include <oakum/oakum.h>
#include <sys/stat.h>

enum { CONTENT_BYTES = 128 << 10 }; /* read at once: what a core's own cache holds twice */

struct comparison {
	struct parents *parents;
	struct brought *brought;
	struct walker *walker;
	uint64_t renewed; /* names that were looked at because a directory was replaced */
	struct differences *differences;
	struct tar_reader *reader;
	struct tally *tally;
	struct overlay overlay;
	uint32_t uid; /* our own: whose files are where no owner can be set */
	uint32_t gid;
	uint32_t grain_ns; /* of times: no finer one was seen there so far */
	bool forgives_owner;
	bool spares_atime;	     /* reading would change it: there is no wall that forbids it */
	struct passed passed;	     /* ways that were looked at */
	bool leads_through_symlinks; /* one of them does: two ways may be the same */
	uint64_t content_bytes;
	struct progress *progress; /* NULL: nobody looks on */
	uint64_t lost_xattrs;	   /* that the file system has no room for */
	char content[CONTENT_BYTES];
	char names[XATTR_LIST_MAX];
	char value[XATTR_SIZE_MAX];
	unsigned char acl[XATTR_SIZE_MAX]; /* as the layer's comes out */
};

/* --- comparison.c --- */

/* Holds a difference of an entry; of, tree, layer: as in struct difference. */
int comparison_hold(struct comparison *comparison, const struct difference *difference,
	struct oakum_error *err);

/* The directory at the first length bytes of path: 1, 0 if there is none, or -errno with *err.
 * Good until more are asked for. */
int comparison_open(struct comparison *comparison, const char *path, size_t length,
	struct parent **directory, struct oakum_error *err);

/* The same of the one that path is in. */
int comparison_parent(struct comparison *comparison, const char *path, struct parent **parent,
	struct oakum_error *err);

/* The name itself, and no symlink followed at its end: 1, 0 if there is none, or -errno. */
int comparison_look(struct comparison *comparison, const char *path, struct stat *status,
	struct oakum_error *err);

/* The layer asks for it of the directory at path. */
int comparison_mark(struct comparison *comparison, const char *path, enum brought_mark mark,
	struct oakum_error *err);

/* Compares what the layer brings with what is there. */
int comparison_place(
	struct comparison *comparison, const struct entry *entry, struct oakum_error *err);

/* --- content.c --- */

/* Of a file of the right size. *at is where it differs first, UINT64_MAX: nowhere. */
int content_compare(struct comparison *comparison, int fd, const struct entry *entry, uint64_t *at,
	struct oakum_error *err);

/* --- xattrs.c --- */

/* Where attributes are read: of what is open, or of a name of the working directory (fd -1). */
struct xattr_source {
	int fd;
	const char *name;
};

int xattrs_compare(struct comparison *comparison, const struct xattr_source *source,
	const struct entry *entry, struct oakum_error *err);

/* What overlayfs reads of the directory at path, and the layer does not ask for. Once for each. */
int xattrs_compare_directory(
	struct comparison *comparison, const char *path, struct oakum_error *err);

/* --- ways.c --- */

/*
 * The directories down to the first length bytes of path, which an unpack makes where no entry
 * brings them.
 */
int ways_compare(
	struct comparison *comparison, const char *path, size_t length, struct oakum_error *err);

/* --- whiteouts.c --- */

/* What hides a name from overlayfs. */
int whiteouts_compare(
	struct comparison *comparison, const struct entry *entry, struct oakum_error *err);

/* The directory at path hides all below it from overlayfs. */
int whiteouts_compare_opaque(
	struct comparison *comparison, const char *path, struct oakum_error *err);

/* What was to be removed, or, with HOLD_CONTENT, all in it: looked into at the end. */
int whiteouts_compare_removed(
	struct comparison *comparison, enum hold hold, const char *path, struct oakum_error *err);

#endif
