/* SPDX-License-Identifier: Apache-2.0 */
/* Untrusted bytes -> what a terminal or a log can be given. */
#ifndef OAKUM_BASE_ESCAPE_H
#define OAKUM_BASE_ESCAPE_H

#include <stddef.h>

enum { ESCAPED_BYTE_BYTES = 5 }; /* "\\xHH" and its NUL */

/*
 * Appends text to buffer at *length, which counts on past buffer_bytes; always
 * terminated if buffer_bytes > 0. Control characters, backslashes and bytes
 * outside ASCII become \n, \t, \\ or \xHH: one entry, one line, no terminal
 * sequence, no invisible character.
 */
void escape_append(char *buffer, size_t buffer_bytes, size_t *length, const char *text);

/* The same in pieces, for whoever has no end of room: how many bytes stand as they are, ... */
size_t escape_plain_length(const char *text);

/* ... and what the one that does not is spelled as. */
void escape_byte(unsigned char byte, char spelt[ESCAPED_BYTE_BYTES]);

#endif
