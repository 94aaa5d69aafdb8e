/* SPDX-License-Identifier: Apache-2.0 */
/* JSON -> request: the only file that knows jansson. */
#ifndef OAKUM_HELPER_REQUEST_READ_H
#define OAKUM_HELPER_REQUEST_READ_H

#include "wire/request.h"

/*
 * Reads a request as request_write() writes it, strictly: unknown and double
 * keys, missing ones, wrong types and numbers out of range are errors: -EPROTO;
 * -ENOMEM. To be ended with request_free() in every case.
 */
int request_parse(
	const char *text, size_t length, struct request *request, struct oakum_error *err);

/* The same from a descriptor, to its end; at most REQUEST_MAX_BYTES. */
int request_read(int fd, struct request *request, struct oakum_error *err);

/* Frees what the two have allocated. */
void request_free(struct request *request);

#endif
