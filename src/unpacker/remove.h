/* SPDX-License-Identifier: Apache-2.0 */
/* Removes names and whole trees, by descriptor, following no link, in bounded memory and depth. */
#ifndef OAKUM_UNPACKER_REMOVE_H
#define OAKUM_UNPACKER_REMOVE_H

#include <stdbool.h>

/* Which paths are to stay; a directory that is spared is looked into. */
struct remove_spare {
	bool (*is_spared)(void *context, const char *path);
	void *context;
};

/* Removes one name, with all below it if it is a directory; 0 or -errno. */
int remove_name(int directory_fd, const char *name);

/*
 * Removes all that is in the directory open as directory_fd, whose clean path
 * is given, but for what is spared.
 */
int remove_content(int directory_fd, const char *path, const struct remove_spare *spare);

#endif
