/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents that a layer brings only to have copies of them made: what AUFS wrote for
 * hard links across its layers (.wh..wh.plnk). They have no name: what is not
 * used is gone with the process, and no directory for them is made in the rootfs.
 */
#ifndef OAKUM_UNPACKER_STASH_H
#define OAKUM_UNPACKER_STASH_H

#include "layer/tally.h"
#include "unpacker/tar_reader.h"

#include <oakum/oakum.h>

struct stash;

/* directory_fd: on whose file system they lie; borrowed; kept. NULL without memory. */
struct stash *stash_new(int directory_fd);
void stash_free(struct stash *stash);

/*
 * Keeps the content of the entry that is being read, by a base name; a later one of
 * the name replaces it. Content is counted. -EFBIG past what is kept at once.
 */
int stash_keep(struct stash *stash, const char *base, struct tar_reader *reader,
	struct tally *tally, struct oakum_error *err);

/* Copies the content that was kept by the name to an empty file. path is for messages. */
int stash_copy(const struct stash *stash, const char *base, int file_fd, const char *path,
	struct oakum_error *err);

#endif
