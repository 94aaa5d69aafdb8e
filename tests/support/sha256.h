/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) for tests, so that they need no library for it. */
#ifndef OAKUM_TESTS_SHA256_H
#define OAKUM_TESTS_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT_BYTES = 65 }; /* 64 hexadecimal digits and a NUL */

struct sha256 {
	uint32_t state[8];
	uint64_t total_bytes;
	unsigned char block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t length);

/* The digest as text; nothing may be added after. */
void sha256_text(struct sha256 *sha, char text[SHA256_TEXT_BYTES]);

#endif
