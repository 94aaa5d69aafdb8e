/* SPDX-License-Identifier: Apache-2.0 */
/* What --progress=json prints: an object a line on standard output, for programs. */
#ifndef OAKUM_COMMAND_EVENT_H
#define OAKUM_COMMAND_EVENT_H

#include <oakum/oakum.h>

/* How far it is. */
void event_progress(const struct oakum_progress *progress);

/* The last one: all that the result says; stats may be NULL. */
void event_done(const struct oakum_progress *progress, const struct oakum_stats *stats);

/* Or all that the error does. */
void event_failed(const struct oakum_progress *progress, const struct oakum_error *err);

#endif
