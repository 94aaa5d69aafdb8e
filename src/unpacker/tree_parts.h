/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the tree share, and nobody else sees: tree.c (the tree itself),
 * tree_directory.c (directories, told of or implied), tree_make.c (what one call makes, and what
 * has the name already), tree_link.c (hard links), tree_whiteout.c (what hides).
 */
#ifndef OAKUM_UNPACKER_TREE_PARTS_H
#define OAKUM_UNPACKER_TREE_PARTS_H

#include "unpacker/deferred.h"
#include "unpacker/overlay.h"
#include "unpacker/parents.h"
#include "unpacker/placed.h"
#include "unpacker/tree.h"

enum { TREE_REPLACE_TRIES = 8 }; /* somebody else may make the name again and again */

struct tree {
	bool is_tracking; /* lower layers may be there: what is placed must be known */
	struct overlay overlay;
	const struct tree_storage *storage; /* NULL: oakum's own ways */
	struct forgiven *forgiven;	    /* NULL: nothing is */
	struct durable *durable;	    /* the same */
	struct owner maker;
	struct parents *parents;
	struct deferred *deferred;
	struct placed placed;
	struct inode
		clear[2];   /* no opaque directory is above these: a directory, the one above it */
	size_t clear_count; /* 0 again when one becomes opaque */
};

/* --- tree.c --- */

/* NULL: those of oakum. */
const struct metadata_rules *tree_rules(const struct tree *tree);

/* The directory at the first length bytes of path has changed: the disk shall know in the end. */
int tree_note_changed(struct tree *tree, const struct inode *directory, const char *path,
	size_t length, struct oakum_error *err);

struct metadata tree_metadata(const struct tree *tree, const struct metadata_rules *rules,
	const struct entry *entry, bool is_plain);

/* --- tree_directory.c --- */

/* A path that cannot be is the layer's fault, or that of the layers below: never "try again". */
int tree_fail_parent(const struct tree *tree, int code, const char *op, const char *path,
	struct oakum_error *err);

/* Opens the directory at the first length bytes of path; makes it and those above it if missing. */
int tree_open_or_make(struct tree *tree, const char *path, size_t length, struct parent **parent);

/* Of the directory that path is in. op: what for; the operation that cannot be done then. */
int tree_open_parent(struct tree *tree, const char *path, const char *op, struct parent **parent,
	struct oakum_error *err);

/* A descriptor of the directory of that very name, or -errno. */
int tree_open_directory(int directory_fd, const char *name);

/* Where the component ends that follows the one which ends at end. */
size_t tree_next_end(const char *path, size_t end);

int tree_place_directory(struct tree *tree, const struct entry *entry, struct oakum_error *err);

/* --- tree_make.c --- */

int tree_note_placed(
	struct tree *tree, const struct parent *parent, const char *path, struct oakum_error *err);

/*
 * Takes away whatever has the name, but what is spared, for the last entry of a name wins. It is
 * never opened: it may be a device, or a fifo that nobody reads.
 */
int tree_remove_there(struct tree *tree, const struct parent *parent, const char *path,
	struct placed *spared, struct oakum_error *err);

/* The same for what an entry replaces; refused where the caller wants it kept. */
int tree_replace(struct tree *tree, const struct parent *parent, const struct entry *entry,
	struct oakum_error *err);

/* Makes what is neither directory, hard link nor file with content, with its metadata. */
int tree_place_unopened(struct tree *tree, const struct entry *entry,
	const struct metadata_rules *rules, struct oakum_error *err);

/* --- tree_link.c --- */

int tree_place_hard_link(struct tree *tree, const struct entry *entry, struct oakum_error *err);

/* --- tree_whiteout.c --- */

/* Is it one of which it is known that no opaque directory is above it? */
bool tree_is_clear(const struct tree *tree, const struct inode *directory);

int tree_mark_directory_opaque(
	struct tree *tree, int directory_fd, const char *path, struct oakum_error *err);

/* One that is a whiteout of overlayfs is made so that overlayfs finds it. */
int tree_place_character_device(
	struct tree *tree, const struct entry *entry, struct oakum_error *err);

#endif
