/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hostile layer after the other through the whole of liboakum - real processes,
 * real walls - and what must have become of each, in both profiles.
 */
#ifndef OAKUM_TESTS_HOSTILE_H
#define OAKUM_TESTS_HOSTILE_H

#include "support/tarball.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * What is in a rootfs as text, one line a name, sorted: "d etc", "f etc/passwd =root",
 * "l bin -> usr/bin", "c null 1:3", "b", "p". Where it is not the usual, then the mode
 * (755 of directories, 644 of all others), the owner (0:0), "xN" for N hard links,
 * attributes as "name=value"; of a large file "(N bytes)", "(N bytes, empty)" if it
 * takes no space. The rootfs itself, ".", is there only where it is not 755 and 0:0.
 */
struct hostile_case {
	const char *id; /* as in docs/THREATS.md */
	const struct member *layer;
	const struct member *before;	  /* a layer that the rootfs has already; or NULL */
	struct oakum_unpack_options with; /* but for size and profile */
	int strict;			  /* 0, or the positive errno that refuses it */
	int compat;
	const char *entry;	 /* that a refusal names; NULL: it need not */
	const char *says;	 /* words in the sentence of a refusal; or NULL */
	const char *tree;	 /* if it is accepted; NULL: any */
	const char *compat_tree; /* where that is another; NULL: the same */
	bool shows_times;	 /* in the tree: "@SECONDS.NANOSECONDS" of the last change */
	uint64_t dropped_xattrs; /* if it is accepted */
	uint64_t dropped_entries;
	uint64_t trailing_bytes;
	uint64_t volume_labels;
};

#define LAYER(...)               \
	(const struct member[])  \
	{                        \
		__VA_ARGS__, END \
	}
#define CUT_LAYER(...)               \
	(const struct member[])      \
	{                            \
		__VA_ARGS__, END_CUT \
	}

/*
 * Runs each case in strict and in compat, in a scratch directory of its own. Whatever
 * comes of it: nothing outside is touched, it ends before a deadline, a refusal is one
 * line of printable ASCII. Tells each case that is not so, and fails the test.
 */
void hostile_run(const struct hostile_case *cases, size_t count);

#define RUN(cases) hostile_run(cases, sizeof(cases) / sizeof((cases)[0]))

/* The same for bytes that no list of members says, in one profile; layer and before are not used.
 */
void hostile_run_bytes(
	const struct hostile_case *hostile, const void *bytes, size_t length, uint32_t profile);

/* Fails the test if one of those bytes was not as it should be. */
void hostile_end(void);

/* Main of such a test program: needs root, says so and fails where CI is set. */
int hostile_main(int (*run)(void));

#endif
