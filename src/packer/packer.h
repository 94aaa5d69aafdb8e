/* SPDX-License-Identifier: Apache-2.0 */
/* Role: rootfs -> tar stream, as containers/storage asks its storage-tar for it. */
#ifndef OAKUM_PACKER_PACKER_H
#define OAKUM_PACKER_PACKER_H

#include "layer/storage_options.h"

#include <oakum/oakum.h>

struct packer;

struct packer_options {
	int root_fd; /* borrowed; O_PATH will do; first looked at by packer_run() */
	/*
	 * What is packed, looked up below the root: starts with '/'. A final symlink
	 * is what is packed, but with a '/' at the end it is followed.
	 */
	const char *source;
	int stream_fd;			       /* borrowed; where the tar stream goes */
	const struct storage_options *storage; /* borrowed */
	/* Told what is left out: one line without its newline, names in it escaped. Never NULL. */
	void (*warn)(void *context, const char *message);
	void *context;
};

/*
 * Sets aside what is large, compiles patterns, sets up compression: for before
 * the walls. options are borrowed until packer_close(). -EINVAL is what was
 * asked for, with the text of the Go helper in err->detail; -ENOMEM.
 */
int packer_open(
	const struct packer_options *options, struct packer **packer, struct oakum_error *err);

/*
 * Packs; once. Moves the working directory. 0, or -errno: then the stream is
 * not whole. Where op is "" the text of the Go helper is err->detail alone.
 */
int packer_run(struct packer *packer, struct oakum_error *err);

/* Leaves *packer NULL; NULL in it is fine. */
void packer_close(struct packer **packer);

#endif
