/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is there when it is complete, and not before: what had its name stays until then. */
#ifndef OAKUM_COMMAND_OUTPUT_FILE_H
#define OAKUM_COMMAND_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct output_file {
	int fd;
	const char *name; /* as it was given; borrowed */
	int directory_fd; /* where it is; with what follows: whatever symlinks led there */
	char *base;	  /* its name there */
	bool is_made;	  /* else it is written to as it is */
	bool replaces;	  /* there is one of this name */
	char *temporary;  /* its name until then; NULL: it has none */
};

/*
 * "-" is standard output, which may not be a terminal; what is no regular file is written
 * to as it is. What another user may have put into a sticky directory is neither followed,
 * written to nor replaced. A FIFO is waited for as open_with_patience() says. False after
 * a message. To be ended by one of the two below.
 */
bool output_file_open(const char *name, uint64_t *timeout_ms, struct output_file *file);

/* Does it replace a file in that directory, or further down? */
bool output_file_replaces_below(const struct output_file *file, int directory_fd);

/* Sends it to the disk and gives it its name; false after a message. */
bool output_file_commit(struct output_file *file);

/* Nothing is left of it. */
void output_file_discard(struct output_file *file);

#endif
