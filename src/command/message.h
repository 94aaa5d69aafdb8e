/* SPDX-License-Identifier: Apache-2.0 */
/* What the command says when something is wrong: one line on standard error. */
#ifndef OAKUM_COMMAND_MESSAGE_H
#define OAKUM_COMMAND_MESSAGE_H

#include <oakum/oakum.h>
#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_WRONG_USE = 2, EXIT_DIFFERS = 3 };

/* From here on messages begin with that name, and not with "oakum"; static storage. */
void message_speak_as(const char *name);

/* "oakum: ...", what was typed escaped like names of a layer; always false. */
bool message_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "oakum: stage: entry: operation: reason (hint)". */
void message_error(const struct oakum_error *err);

/* The same for what went wrong before the library was called. */
void message_failed(const char *operation, const char *name, int code);

#endif
