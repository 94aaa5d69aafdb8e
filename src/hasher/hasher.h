/* SPDX-License-Identifier: Apache-2.0 */
/* Role: passes bytes on and says what their digest is. It parses nothing. */
#ifndef OAKUM_HASHER_HASHER_H
#define OAKUM_HASHER_HASHER_H

#include "base/digest.h"
#include "base/ring.h"

#include <oakum/oakum.h>
#include <stdbool.h>

struct hasher_options {
	int input_fd; /* both are borrowed; may be non-blocking, a pipe, file or socket */
	int output_fd;
	struct ring_reader *input;  /* borrowed; NULL, or where the bytes come from instead */
	struct ring_writer *output; /* the same, where they go to */
	const char *input_name;	    /* for messages: "layer" */
	bool reads_on; /* when nobody reads what it passes on any more: the digest is wanted */
};

/*
 * Runs to the end of the input. Returns 0 only when every byte was passed on and counted.
 * -EPIPE with the operation "read": the input failed; -errno with "write": nobody takes the
 * output any more, and digest is there all the same if it has read on to the end. It is empty
 * whenever the end was not seen.
 */
int hasher_run(const struct hasher_options *options, char digest[DIGEST_TEXT_BYTES],
	struct oakum_error *err);

#endif
