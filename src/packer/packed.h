/* SPDX-License-Identifier: Apache-2.0 */
/* Names that were packed, for each is packed once. All zeros is empty. */
#ifndef OAKUM_PACKER_PACKED_H
#define OAKUM_PACKER_PACKED_H

struct packed {
	void *tree; /* of tsearch(3) */
};

/* 1: it is new, and copied; 0: it was there; -ENOMEM. */
int packed_add(struct packed *packed, const char *name);
void packed_free(struct packed *packed);

#endif
