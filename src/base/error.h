/* SPDX-License-Identifier: Apache-2.0 */
/* Fill and copy struct oakum_error: written once, where most is known, passed up untouched. */
#ifndef OAKUM_BASE_ERROR_H
#define OAKUM_BASE_ERROR_H

#include <errno.h>
#include <oakum/oakum.h>

/*
 * Fills err and returns -code.
 *
 * code   positive errno
 * op     the operation: a system call's name or a verb
 * entry  path inside the layer, or NULL or "" where there is none; untrusted
 */
static inline int fail(struct oakum_error *err, int code, const char *op, const char *entry);

/*
 * The same with a sentence for people: what was found, what to do. printf-like:
 * fail_because(err, code, op, entry, format, ...).
 */
#define fail_because(err, code, ...)                      \
	({                                                \
		int code_ = (code);                       \
		error_explain((err), code_, __VA_ARGS__); \
		error_result(code_);                      \
	})

/* Sets the stage if r < 0 and none is set yet; returns r. */
int staged(int r, enum oakum_stage stage, struct oakum_error *err);

/* "setup", "decompress", ...; "unknown" for any other value. */
const char *stage_name(uint32_t stage);

/* The words for an errno; static storage. */
const char *error_reason(int code);

/* What oakum_error_format() gives, for whoever writes such a line elsewhere. */
size_t error_format(const struct oakum_error *err, char *buffer, size_t buffer_bytes);

/* What the first two are made of. Here, so that compilers see that the result is negative. */
void error_fill(struct oakum_error *err, int code, const char *op, const char *entry);
void error_explain(struct oakum_error *err, int code, const char *op, const char *entry,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

static inline int error_result(int code)
{
	return code > 0 ? -code : -EIO;
}

static inline int fail(struct oakum_error *err, int code, const char *op, const char *entry)
{
	error_fill(err, code, op, entry);
	return error_result(code);
}

#endif
