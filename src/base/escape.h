/* SPDX-License-Identifier: Apache-2.0 */
/* Untrusted bytes -> what a terminal or a log can be given. */
#ifndef OAKUM_BASE_ESCAPE_H
#define OAKUM_BASE_ESCAPE_H

#include <stddef.h>

/*
 * Appends text to buffer at *length, which counts on past buffer_bytes; always
 * terminated if buffer_bytes > 0. Control characters, backslashes and bytes
 * outside ASCII become \n, \t, \\ or \xHH: one entry, one line, no terminal
 * sequence, no invisible character.
 */
void escape_append(char *buffer, size_t buffer_bytes, size_t *length, const char *text);

#endif
