/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be on the disk when an unpack is done. Contents are sent on their way when a file is
 * complete and waited for late, many at once: on file systems with a journal the first fsync(2)
 * commits for all of them.
 */
#ifndef OAKUM_UNPACKER_DURABLE_H
#define OAKUM_UNPACKER_DURABLE_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct durable;

/*
 * sync: enum oakum_sync. Asks for limits: before seccomp. For OAKUM_SYNC_NONE *durable is NULL,
 * which all that follow take, and then make no call.
 */
int durable_new(uint32_t sync, struct durable **durable, struct oakum_error *err);
void durable_free(struct durable *durable);

/* Is each directory that was made or changed to be on the disk too? */
bool durable_has_directories(const struct durable *durable);

/* Of a large file: length bytes more were written at offset. From any thread. */
void durable_wrote(const struct durable *durable, int fd, uint64_t offset, size_t length);

/*
 * Takes *fd, a file that nothing is written into any more, and closes it, now or later. From any
 * thread; the error may be that of a file taken before, and names it.
 */
int durable_take(struct durable *durable, int *fd, const char *path, struct oakum_error *err);

/* Waits until all that was taken is on the disk. */
int durable_finish(struct durable *durable, struct oakum_error *err);

/* The whole file system of the rootfs, if that is what was asked for. */
int durable_sync_all(const struct durable *durable, int root_fd, struct oakum_error *err);

#endif
