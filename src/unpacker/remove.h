/* SPDX-License-Identifier: Apache-2.0 */
/* Removes names and whole trees, by descriptor, following no link, in bounded memory and depth. */
#ifndef OAKUM_UNPACKER_REMOVE_H
#define OAKUM_UNPACKER_REMOVE_H

#include "unpacker/placed.h"

/*
 * Both spare what is in the set and look into directories that are spared, once:
 * they are noted there as holding nothing of a lower layer. placed may be NULL,
 * and then nothing is spared. 0 or -errno.
 */

/* Removes one name, with all below it if it is a directory. */
int remove_name(const struct parent *parent, const char *name, struct placed *placed);

/* Removes all that is in a directory. */
int remove_content(int directory_fd, struct placed *placed);

/* Which of the names in a tree are to go: no directory is one of them. */
struct removal_filter {
	bool (*takes)(const void *context, int directory_fd, const char *name);
	bool (*enters)(const void *context, int directory_fd); /* looked for in there too? */
	const void *context;
};

/*
 * Removes what the filter takes, in a directory and below it. done is an empty set:
 * each directory is looked into once.
 */
int remove_matching(int directory_fd, struct placed *done, const struct removal_filter *filter);

#endif
