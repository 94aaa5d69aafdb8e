/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets that unpack have in common: options by the first bytes, a stream of the rest.
 */
#ifndef OAKUM_TESTS_FUZZ_UNPACKING_H
#define OAKUM_TESTS_FUZZ_UNPACKING_H

#include "support/scratch.h"
#include "unpacker/unpacker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNPACKING_CHOICES = 3 };

/* As little as shows anything. */
extern const struct limits unpacking_limits;

/* All but the descriptors. */
struct unpacker_options unpacking_choose(const uint8_t choices[UNPACKING_CHOICES]);

/* A descriptor of the stream, with checksums that are right; the caller's to close. */
int unpacking_stream(const uint8_t *bytes, size_t length);

/* Was it unpacked? What is refused has an error that says so. */
bool unpacking_unpack(const struct unpacker_options *options);

/* A rootfs for all runs, with nobody's umask. */
struct scratch *unpacking_scratch(void);

/* As if nothing had ever been unpacked there. */
void unpacking_clear(int rootfs_fd);

#endif
