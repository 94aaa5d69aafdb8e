/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/escape.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies the tail of text: the end of a long path tells more than its start. */
static void copy_tail(char *to, size_t to_bytes, const char *text)
{
	size_t length = strlen(text);
	const char *from = length < to_bytes ? text : text + length - (to_bytes - 1);

	memcpy(to, from, strlen(from) + 1);
}

void error_fill(struct oakum_error *err, int code, const char *op, const char *entry)
{
	assert(code > 0);
	memset(err, 0, sizeof(*err));
	err->code = code;
	snprintf(err->op, sizeof(err->op), "%s", op);
	if (entry != NULL)
		copy_tail(err->entry, sizeof(err->entry), entry);
}

void error_explain(struct oakum_error *err, int code, const char *op, const char *entry,
	const char *format, ...)
{
	va_list arguments;

	error_fill(err, code, op, entry);
	va_start(arguments, format);
	vsnprintf(err->detail, sizeof(err->detail), format, arguments);
	va_end(arguments);
}

int staged(int r, enum oakum_stage stage, struct oakum_error *err)
{
	if (r < 0 && err->stage == 0)
		err->stage = stage;
	return r;
}

const char *stage_name(uint32_t stage)
{
	static const char *const names[] = {
		[OAKUM_STAGE_SETUP] = "setup",
		[OAKUM_STAGE_DECOMPRESS] = "decompress",
		[OAKUM_STAGE_READ] = "read",
		[OAKUM_STAGE_POLICY] = "policy",
		[OAKUM_STAGE_WRITE] = "write",
		[OAKUM_STAGE_REAP] = "reap",
		[OAKUM_STAGE_PACK] = "pack",
		[OAKUM_STAGE_COMPARE] = "compare",
	};

	if (stage >= sizeof(names) / sizeof(names[0]) || names[stage] == NULL)
		return "unknown";
	return names[stage];
}

/* strerror(3) has connections in mind. */
const char *error_reason(int code)
{
	const char *reason = code == ETIMEDOUT ? "Time has run out" : strerrordesc_np(code);

	return reason == NULL ? "unknown error" : reason;
}

size_t error_format(const struct oakum_error *err, char *buffer, size_t buffer_bytes)
{
	const char *reason = error_reason(err->code);
	size_t length = 0;

	if (buffer_bytes > 0)
		buffer[0] = '\0';
	escape_append(buffer, buffer_bytes, &length, stage_name(err->stage));
	escape_append(buffer, buffer_bytes, &length, ": ");
	if (err->entry[0] != '\0') {
		escape_append(buffer, buffer_bytes, &length, err->entry);
		escape_append(buffer, buffer_bytes, &length, ": ");
	}
	escape_append(buffer, buffer_bytes, &length, err->op);
	escape_append(buffer, buffer_bytes, &length, ": ");
	escape_append(buffer, buffer_bytes, &length, reason);
	if (err->detail[0] != '\0') {
		escape_append(buffer, buffer_bytes, &length, " (");
		escape_append(buffer, buffer_bytes, &length, err->detail);
		escape_append(buffer, buffer_bytes, &length, ")");
	}
	return length;
}
