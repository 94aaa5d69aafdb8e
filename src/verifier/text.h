/* SPDX-License-Identifier: Apache-2.0 */
/* Differences as lines for people or objects for programs, to a descriptor. */
#ifndef OAKUM_VERIFIER_TEXT_H
#define OAKUM_VERIFIER_TEXT_H

#include <oakum/oakum.h>
#include <stdbool.h>

enum difference_kind {
	DIFFERS_MISSING,
	DIFFERS_EXTRA,
	DIFFERS_REMOVED, /* it is there, and the layer removes it */
	DIFFERS_TYPE,
	DIFFERS_CONTENT, /* at the byte of */
	DIFFERS_SIZE,
	DIFFERS_MODE,
	DIFFERS_OWNER,
	DIFFERS_MTIME,
	DIFFERS_TARGET, /* of a symlink */
	DIFFERS_DEVICE,
	DIFFERS_LINK,	 /* it is another file than of */
	DIFFERS_XATTR,	 /* the attribute of has another value */
	LACKS_XATTR,	 /* the layer alone has it */
	HAS_EXTRA_XATTR, /* the tree alone has it */
	LACKS_WHITEOUT,	 /* of overlayfs */
	HIDES_NOTHING,	 /* something else is there in place of one */
	LACKS_OPAQUE,
	DIFFERENCE_KINDS,
};

/* A string is NULL where the kind has none; all but path are of any bytes too. */
struct difference {
	enum difference_kind kind;
	const char *path; /* "" is the rootfs */
	const char *of;
	const char *tree;  /* how it is there */
	const char *layer; /* and how it should be */
};

struct text;

/* NULL without memory. fd is borrowed. */
struct text *text_new(int fd, bool is_json);
void text_free(struct text *text);

/* 0, or -errno of the descriptor. */
int text_add(struct text *text, const struct difference *difference, struct oakum_error *err);

/* Writes what is left. */
int text_finish(struct text *text, struct oakum_error *err);

#endif
