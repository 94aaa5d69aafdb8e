/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who writes the maps of a user namespace (user_namespaces(7)): the process in it may map its
 * own ids alone; for any others it asks the caller, with a packet of one byte each way on the
 * report's socket, before there is a record.
 */
#ifndef OAKUM_WIRE_MAPPING_H
#define OAKUM_WIRE_MAPPING_H

#include "wire/request.h"

#include <stdbool.h>
#include <stdint.h>

/* Do the maps of the request give one id each, these? Both sides ask, with the caller's ids. */
bool mapping_is_of_own_ids(const struct request *request, uint32_t uid, uint32_t gid);

/* In the namespace. 0 or -errno. */
int mapping_ask(int fd);

/* Takes the question if it is what comes next on the socket; without waiting. */
bool mapping_is_asked(int fd);

/* The caller's answer: are the maps written? */
void mapping_answer(int fd, bool is_done);

/* Takes the answer that is there: 0, or -errno if the maps were not written. */
int mapping_take_answer(int fd);

#endif
