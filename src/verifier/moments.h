/* SPDX-License-Identifier: Apache-2.0 */
/* When a name that is watched was last heard of: key -> number of an entry. All zeros is empty. */
#ifndef OAKUM_VERIFIER_MOMENTS_H
#define OAKUM_VERIFIER_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MOMENT_BYTES_MAX = 64, /* what one that is watched takes at the most */
	MOMENTS_MAX = 2 << 20, /* where a layer could make it as many as it likes: 128 MiB */
};

struct moment {
	uint64_t key; /* 0: a free slot */
	uint64_t number;
};

struct moments {
	struct moment *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* From here on; it stays. 1 if it was not watched before, else 0, or -ENOMEM. */
int moments_watch(struct moments *moments, uint64_t key);

/* Only of what is watched. */
void moments_note(struct moments *moments, uint64_t key, uint64_t number);

bool moments_has(const struct moments *moments, uint64_t key);

/* The last that was noted, or 0. */
uint64_t moments_last(const struct moments *moments, uint64_t key);

void moments_free(struct moments *moments);

#endif
