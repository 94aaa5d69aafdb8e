/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are put by and read again at the end: in memory, and past a few megabytes in a file
 * without a name in the rootfs. An attacker may send as many of them as he likes.
 */
#ifndef OAKUM_UNPACKER_SPILL_H
#define OAKUM_UNPACKER_SPILL_H

#include <stddef.h>
#include <stdint.h>

struct spill;

/*
 * directory_fd: where the file is made, if it comes to that; borrowed and kept. A file system
 * that makes no files without a name leaves all in memory. NULL without memory.
 */
struct spill *spill_new(int directory_fd);
void spill_free(struct spill *spill);

/* Where the next bytes will stand. */
uint64_t spill_end(const struct spill *spill);

/* 0, or -errno: -ENOMEM, or that of the file. */
int spill_add(struct spill *spill, const void *bytes, size_t length);

/* Bytes that were added. 0 or -errno. */
int spill_read(const struct spill *spill, uint64_t at, void *bytes, size_t length);

#endif
