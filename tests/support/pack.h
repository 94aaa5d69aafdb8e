/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes packed by the libraries themselves, for tests of reading them back. */
#ifndef OAKUM_TESTS_PACK_H
#define OAKUM_TESTS_PACK_H

#include <stddef.h>

struct packed {
	unsigned char *bytes; /* free() it */
	size_t length;
};

/* One member, frame or stream, with its checksum. */
struct packed pack_gzip(const void *bytes, size_t length);
struct packed pack_zstd(const void *bytes, size_t length);
struct packed pack_xz(const void *bytes, size_t length);
struct packed pack_bzip2(const void *bytes, size_t length);
struct packed pack_lz4(const void *bytes, size_t length);

/* zstd with a window of 2^window_log bytes; xz with a dictionary of so many bytes. */
struct packed pack_zstd_window(const void *bytes, size_t length, int window_log);
struct packed pack_xz_dictionary(const void *bytes, size_t length, unsigned int dictionary);

/* Appends more to it. */
void pack_append(struct packed *packed, const void *more, size_t length);

#endif
