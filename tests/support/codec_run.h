/* SPDX-License-Identifier: Apache-2.0 */
/* The decompressor in this process, without its walls: for fuzzers. */
#ifndef OAKUM_TESTS_CODEC_RUN_H
#define OAKUM_TESTS_CODEC_RUN_H

#include <stddef.h>

/*
 * Decodes bytes that begin with the magic of a codec, whatever they were before. What is
 * accepted was whole: aborts if it is accepted without its last byte too, unless
 * that is a zero, which may be padding.
 */
void codec_run(const char *magic, size_t magic_bytes, const void *bytes, size_t length);

#endif
