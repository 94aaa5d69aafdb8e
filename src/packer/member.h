/* SPDX-License-Identifier: Apache-2.0 */
/* What the disk says of a file and what the options say -> the header it is packed with. Pure. */
#ifndef OAKUM_PACKER_MEMBER_H
#define OAKUM_PACKER_MEMBER_H

#include "layer/storage_options.h"
#include "packer/bytes.h"
#include "packer/tar_encoder.h"

#include <sys/stat.h>

struct member_source {
	const char *name;	   /* what it is to be called; of a directory without '/' */
	const struct stat *status; /* not of a socket */
	const char *link;	   /* of a symlink */
	const char *first_name;	   /* of what was packed before by another name; else NULL */
};

/* Sets type, mode, link, size and device alone. */
void member_set_type(const struct member_source *source, struct tar_header *header);

/*
 * 0, and header points into source and name; -EINVAL: an owner that has no
 * container id, *unmapped_id; -ENOMEM.
 */
int member_describe(const struct member_source *source, const struct storage_options *options,
	struct bytes *name, struct tar_header *header, uint32_t *unmapped_id);

#endif
