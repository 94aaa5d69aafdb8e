/* SPDX-License-Identifier: Apache-2.0 */
#include "command/message.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/hint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Long enough for a name of 2 KiB with every byte escaped. */
enum { LINE_BYTES = 12 << 10 };

static const char *program = "oakum";

void message_speak_as(const char *name)
{
	program = name;
}

static void print(const char *text)
{
	fprintf(stderr, "%s: %s\n", program, text);
}

bool message_wrong(const char *format, ...)
{
	char text[LINE_BYTES];
	char escaped[LINE_BYTES] = "";
	size_t length = 0;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	escape_append(escaped, sizeof(escaped), &length, text);
	print(escaped);
	return false;
}

void message_error(const struct oakum_error *err)
{
	char line[LINE_BYTES];

	oakum_error_format(err, line, sizeof(line));
	print(line);
}

void message_failed(const char *operation, const char *name, int code)
{
	struct oakum_error err = { .code = code, .stage = OAKUM_STAGE_SETUP };

	snprintf(err.op, sizeof(err.op), "%s", operation);
	const char *hint = hint_find(&err);
	message_wrong("setup: %s: %s: %s%s%s%s", *name == '\0' ? "\"\"" : name, operation,
		error_reason(code), hint == NULL ? "" : " (", hint == NULL ? "" : hint,
		hint == NULL ? "" : ")");
}
