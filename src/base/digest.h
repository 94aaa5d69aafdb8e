/* SPDX-License-Identifier: Apache-2.0 */
/* A digest as people and registries write it: "sha256:" and 64 digits. */
#ifndef OAKUM_BASE_DIGEST_H
#define OAKUM_BASE_DIGEST_H

#include <stdbool.h>

enum {
	DIGEST_SHA256_BYTES = 32,
	DIGEST_TEXT_BYTES = 72, /* its NUL included */
};

/* Looks at no byte past the first that is wrong, so text may also be an array without a NUL. */
bool digest_is_good(const char *text);

void digest_format(const unsigned char sha256[DIGEST_SHA256_BYTES], char text[DIGEST_TEXT_BYTES]);

#endif
