/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as Go programs spell them: what callers of the storage-* helpers look for in a text. */
#ifndef OAKUM_LAYER_GO_TEXT_H
#define OAKUM_LAYER_GO_TEXT_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	GO_QUOTED_BYTES = 1024, /* of a quoted name; the rest of a longer one is left out */
	GO_TEXT_BYTES = 10240,	/* of a whole text */
};

/* The text of an errno: strerror(3)'s in the C locale but for a few, its first letter small. */
const char *go_errno_text(int code);

/* name between double quotes, escaped as %q has it; at most GO_QUOTED_BYTES. Returns buffer. */
const char *go_quote(const char *name, char *buffer);

/*
 * The text of an error of the unpacker or packer, as the helpers of containers/storage
 * write it, without a newline: "open /a: permission denied". What is known beyond
 * that is added in parentheses where the stream itself is bad. ended_early: the
 * stream was cut off. buffer has GO_TEXT_BYTES.
 */
const char *go_error_text(const struct oakum_error *err, bool ended_early, char *buffer);

#endif
