/* SPDX-License-Identifier: Apache-2.0 */
/* TarOptions of containers/storage, from JSON, as Go reads it. */
#ifndef OAKUM_HELPER_STORAGE_OPTIONS_READ_H
#define OAKUM_HELPER_STORAGE_OPTIONS_READ_H

#include "layer/storage_options.h"

#include <oakum/oakum.h>

/* What follows the first JSON value. */
enum storage_options_tail {
	STORAGE_TAIL_IGNORED, /* of a stream */
	STORAGE_TAIL_REFUSED, /* of a string */
};

/*
 * Takes what Go's decoder takes: keys in any case, unknown ones skipped, of double
 * ones the last, null for what is left as it is. Numbers are integers. An exclude
 * with a NUL is left out, for it can match no name. Not taken, other than in Go: names
 * with a NUL, bytes that are no UTF-8, and halves of surrogate pairs; no encoder
 * writes the last two.
 *
 * -EPROTO with a sentence, -ENOMEM. To be ended with storage_options_free() in
 * every case.
 */
int storage_options_parse(const char *text, size_t length, enum storage_options_tail tail,
	struct storage_options *options, struct oakum_error *err);

/*
 * The same from a descriptor. It is read to its end first, whatever is in it: a
 * parent that still writes would else wait for ever. More than
 * REQUEST_MAX_BYTES is -EFBIG, in the end.
 */
int storage_options_read(int fd, struct storage_options *options, struct oakum_error *err);

void storage_options_free(struct storage_options *options);

#endif
