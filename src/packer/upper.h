/* SPDX-License-Identifier: Apache-2.0 */
/* What overlayfs means by a file of an upper directory. Pure. */
#ifndef OAKUM_PACKER_UPPER_H
#define OAKUM_PACKER_UPPER_H

#include "layer/entry.h"

#include <sys/stat.h>

enum upper {
	UPPER_ORDINARY,
	UPPER_WHITEOUT, /* hides its own name */
	UPPER_OPAQUE,	/* a directory that hides all of lower layers */
	UPPER_PARTIAL,	/* the rest of it lies in a lower layer, under another name perhaps */
};

/* prefix: where overlayfs keeps its attributes, "trusted.overlay." or "user.overlay.". */
enum upper upper_kind(
	const struct stat *status, const struct xattr *xattrs, size_t count, const char *prefix);

#endif
