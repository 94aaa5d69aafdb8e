/* SPDX-License-Identifier: Apache-2.0 */
/* Names of a tree as keyed 64-bit numbers: nobody can build a layer of names that collide. */
#ifndef OAKUM_VERIFIER_KEY_H
#define OAKUM_VERIFIER_KEY_H

#include "unpacker/parents.h"

#include <stddef.h>
#include <stdint.h>

struct key_secret {
	uint64_t words[2];
};

/* While getrandom(2) can be called. 0 or -errno. */
int key_make_secret(struct key_secret *secret);

/* Of a name in a directory that is there, by whatever path; never 0. */
uint64_t key_in(const struct key_secret *secret, const struct inode *directory, const char *name,
	size_t length);

/* Of a name in a directory that is not, and has a key itself. */
uint64_t key_below(
	const struct key_secret *secret, uint64_t directory, const char *name, size_t length);

#endif
