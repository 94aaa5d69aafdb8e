/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rootfs by name: the only code that makes or removes names in it (tree_parts.h has its
 * parts). One thread. Every operation is a parent descriptor, resolved below the rootfs,
 * and one call with one component that follows no link.
 */
#ifndef OAKUM_UNPACKER_TREE_H
#define OAKUM_UNPACKER_TREE_H

#include "layer/entry.h"
#include "unpacker/durable.h"
#include "unpacker/metadata.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct tree;

/*
 * The ways of containers/storage, where they differ: directories get owner, mode and attributes
 * at once, hard links pass on what their entries say, a parent's group and ACL are left as the
 * kernel hands them down, errors are those of the system call that was needed.
 */
struct tree_storage {
	struct metadata_rules metadata;
	const char *destination;    /* for messages; absolute */
	uint32_t implied_mode;	    /* of directories that no entry tells about */
	struct owner implied_owner; /* UINT32_MAX: left as it comes */
	bool keeps_kinds; /* a directory is not replaced by another thing, nor that by one */
};

struct tree_options {
	int root_fd;			    /* borrowed; kept */
	uint32_t whiteouts;		    /* enum oakum_whiteouts */
	uint32_t whiteout_form;		    /* enum oakum_whiteout_form */
	const struct tree_storage *storage; /* borrowed; kept; NULL: oakum's own ways */
	struct forgiven *forgiven;	    /* borrowed; kept; NULL: nothing is */
	struct durable *durable;	    /* the same */
};

int tree_new(const struct tree_options *options, struct tree **tree, struct oakum_error *err);
void tree_free(struct tree *tree);

/*
 * Makes a new, empty file in place of whatever has the name; its descriptor,
 * open for writing, is the caller's. *metadata is what is to be set when its
 * content is there; it borrows from the entry.
 */
int tree_create_file(struct tree *tree, const struct entry *entry, int *file_fd,
	struct metadata *metadata, struct oakum_error *err);

/* Makes all but files with content; complete, except for what directories get in the end. */
int tree_place(struct tree *tree, const struct entry *entry, struct oakum_error *err);

/* Removes what lower layers have at the clean path, and nothing that this layer placed. */
int tree_remove(struct tree *tree, const char *path, struct oakum_error *err);

/* The same for what is in the directory at path. */
int tree_empty(struct tree *tree, const char *path, struct oakum_error *err);

/* Tells overlayfs that the directory at path hides all below it; makes it if needed. */
int tree_mark_opaque(struct tree *tree, const char *path, struct oakum_error *err);

/* Sees to it that nothing has the name, as an entry that replaces it would. */
int tree_clear(struct tree *tree, const struct entry *entry, struct oakum_error *err);

/* Sets an attribute of the directory at path. */
int tree_set_xattr(
	struct tree *tree, const char *path, const struct xattr *xattr, struct oakum_error *err);

/* Sets what was put off: owners, attributes, modes and times of directories. */
int tree_finish(struct tree *tree, struct oakum_error *err);

/* Has the disk know of every name that was made or removed, where that is asked for. */
int tree_sync(struct tree *tree, struct oakum_error *err);

#endif
