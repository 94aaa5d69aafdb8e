/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What overlayfs reads in a layer's directory (kernel: filesystems/overlayfs.rst, "whiteouts
 * and opaque directories"): files that say that a name is gone, and directories that hide
 * all below them. In an opaque directory nothing is left to hide: overlayfs does not look for
 * whiteouts there and would list them.
 */
#ifndef OAKUM_UNPACKER_OVERLAY_H
#define OAKUM_UNPACKER_OVERLAY_H

#include "layer/entry.h"
#include "unpacker/placed.h"

#include <stdbool.h>
#include <stdint.h>

struct overlay {
	const char *opaque; /* the attribute of directories; NULL: this tree is for no overlayfs */
	struct xattr whiteout; /* what makes a whiteout of an empty file; its name is NULL:
				  whiteouts are character devices 0:0 */
	bool has_opaque;       /* one was marked, or may have been there before */
	bool has_whiteouts;    /* one was made */
};

/* enum oakum_whiteouts, enum oakum_whiteout_form. */
struct overlay overlay_of(uint32_t whiteouts, uint32_t form);

/* Does it change what overlayfs shows? Some of its attributes are notes of its own. */
bool overlay_reads(const struct overlay *overlay, const char *name);

bool overlay_is_whiteout(const struct overlay *overlay, int directory_fd, const char *name);

/* Nothing of a lower layer is seen in it: whiteouts do not belong there. */
bool overlay_is_opaque(const struct overlay *overlay, int directory_fd);

/* The same of one that was opened with O_PATH; it becomes the working directory. */
bool overlay_is_passed_opaque(const struct overlay *overlay, int directory_fd);

/* Does overlayfs look for whiteouts of this form in it? It becomes the working directory too. */
bool overlay_looks_for_whiteouts(const struct overlay *overlay, int directory_fd);

/* 0 or -errno. */
int overlay_mark_opaque(struct overlay *overlay, int directory_fd);

/* To be called before a whiteout is made in the directory. 0 or -errno. */
int overlay_expect_whiteout(struct overlay *overlay, int directory_fd);

/*
 * Removes the whiteouts in a directory and below it; not below opaque ones, where there are
 * none. The set gives its key. 0 or -errno.
 */
int overlay_remove_whiteouts(
	const struct overlay *overlay, int directory_fd, const struct placed *placed);

#endif
