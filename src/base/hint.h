/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about an error, by its errno and operation: the one home of advice. Pure. */
#ifndef OAKUM_BASE_HINT_H
#define OAKUM_BASE_HINT_H

#include <oakum/oakum.h>

/*
 * A sentence without a full stop, static storage; NULL where there is none. An error that
 * tells its story already gets one only if the story is no more than a name.
 */
const char *hint_find(const struct oakum_error *err);

/* Puts a sentence behind what err->detail has; cut where there is no room. */
void hint_add(struct oakum_error *err, const char *hint);

#endif
