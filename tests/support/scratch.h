/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for one test, and what tests ask of a tree. */
#ifndef OAKUM_TESTS_SCRATCH_H
#define OAKUM_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Holds "rootfs", to be filled, and beside it "outside" with one file "secret",
 * mode 0640 and a time of long ago, that nothing may ever touch.
 */
struct scratch {
	char path[256];
	int rootfs_fd; /* O_PATH */
};

/* Aborts the test program when it cannot be made. */
void scratch_make(struct scratch *scratch);

/* Removes all of it, whatever modes a layer has left. */
void scratch_remove(struct scratch *scratch);

/* An empty rootfs again, and its descriptor. */
void scratch_renew(struct scratch *scratch);

/* True if "outside" is as it was made: its names, content, mode, owner and times. */
bool scratch_outside_is_untouched(const struct scratch *scratch);

/* Does the name exist below the rootfs? Follows nothing. */
bool scratch_has(const struct scratch *scratch, const char *path);

/* True if path below the rootfs is a file with just this content. */
bool scratch_file_is(const struct scratch *scratch, const char *path, const char *content);

/* A descriptor to read these bytes from: a file in memory, at its start. */
int memory_file(const void *bytes, size_t length);

#endif
