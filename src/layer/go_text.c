/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/go_text.h"

#include "base/escape.h"
#include "layer/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *go_errno_text(int code)
{
	static _Thread_local char text[64];
	const char *description = strerrordesc_np(code);

	switch (code) {
	case ESTALE:
		return "stale NFS file handle";
	case EDOTDOT:
		return "RFS specific error";
	default:
		break;
	}
	if (description == NULL) {
		snprintf(text, sizeof(text), "errno %d", code);
		return text;
	}
	snprintf(text, sizeof(text), "%s", description);
	/* ".lib section in a.out corrupted" and "RFS specific error" begin otherwise. */
	if (text[0] >= 'A' && text[0] <= 'Z')
		text[0] = (char)(text[0] - 'A' + 'a');
	return text;
}

const char *go_quote(const char *name, char *buffer)
{
	size_t length = 0;

	buffer[length++] = '"';
	for (; *name != '\0' && length + 8 < GO_QUOTED_BYTES; name++) {
		if (*name == '"') {
			buffer[length++] = '\\';
			buffer[length++] = '"';
			continue;
		}
		const char one[] = { *name, '\0' };
		escape_append(buffer, GO_QUOTED_BYTES, &length, one);
	}
	buffer[length++] = '"';
	buffer[length] = '\0';
	return buffer;
}

/* Operations of ours and the names that Go has for them; "" is none: the errno stands alone. */
static const struct {
	const char *ours;
	const char *go;
} operations[] = {
	{ "openat", "open" },
	{ "mkdirat", "mkdir" },
	{ "symlinkat", "symlink" },
	{ "linkat", "" },
	{ "mknodat", "" },
	{ "setxattr", "lsetxattr" },
	{ "mark opaque", "" },
	{ "fchown", "lchown" },
	{ "fchownat", "lchown" },
	{ "fchmod", "chmod" },
	{ "fchmodat", "chmod" },
	{ "utimensat", "chtimes" },
	{ "fstatat", "lstat" },
	{ "remove", "unlinkat" },
	{ "empty", "unlinkat" },
	{ "ftruncate", "truncate" },
};

static const char *go_operation(const char *ours)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].ours, ours) == 0)
			return operations[i].go;
	}
	return ours;
}

static void append(char *buffer, size_t *length, const char *text)
{
	escape_append(buffer, GO_TEXT_BYTES, length, text);
}

/* As it is called inside the root. */
static void append_path(char *buffer, size_t *length, const char *path)
{
	if (*path != '/')
		append(buffer, length, "/");
	append(buffer, length, path);
}

/* Details that start with a text of Go's own, and what Go has before it. */
static const struct own_text {
	const char *start;
	const char *before;
} own_texts[] = {
	{ "unhandled tar header type ", "" },
	{ "sparse file references non-existent data", "archive/tar: " },
	{ "sparse file contains unreferenced data", "archive/tar: " },
};

static const struct own_text *find_own(const struct oakum_error *err)
{
	for (size_t i = 0; i < sizeof(own_texts) / sizeof(own_texts[0]); i++) {
		if (string_starts_with(err->detail, own_texts[i].start))
			return &own_texts[i];
	}
	return NULL;
}

/* How much of the detail it is, with what parts it from the rest. */
static size_t own_length(const struct oakum_error *err)
{
	if (find_own(err) == NULL)
		return 0;
	size_t length = strcspn(err->detail, ";");
	return length + strspn(err->detail + length, "; ");
}

/* Options of the command are no help here. */
static void append_detail(char *buffer, size_t *length, const struct oakum_error *err)
{
	char detail[sizeof(err->detail)];

	snprintf(detail, sizeof(detail), "%s", err->detail + own_length(err));
	char *hint = strstr(detail, "; --");
	if (hint != NULL)
		*hint = '\0';
	append(buffer, length, detail);
}

/* The tail of an error: which entry, and what more is known. */
static void append_reason(char *buffer, size_t *length, const struct oakum_error *err)
{
	if (err->entry[0] == '\0' && err->detail[0] == '\0')
		return;
	append(buffer, length, " (");
	append(buffer, length, err->entry);
	if (err->entry[0] != '\0' && err->detail[0] != '\0')
		append(buffer, length, ": ");
	append_detail(buffer, length, err);
	append(buffer, length, ")");
}

static void append_own(char *buffer, size_t *length, const struct own_text *own, const char *detail)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(detail, ";"), detail);
	append(buffer, length, own->before);
	append(buffer, length, text);
}

static void write_bad_stream(char *buffer, const struct oakum_error *err, bool ended_early)
{
	const struct own_text *own = find_own(err);
	size_t length = 0;

	buffer[0] = '\0';
	if (ended_early)
		append(buffer, &length, "unexpected EOF");
	else if (own != NULL)
		append_own(buffer, &length, own, err->detail);
	else if (err->code == EFBIG)
		append(buffer, &length, "archive/tar: header field too long");
	else
		append(buffer, &length, "archive/tar: invalid tar header");
	append_reason(buffer, &length, err);
}

static void write_chown(char *buffer, const struct oakum_error *err)
{
	size_t length = 0;

	buffer[0] = '\0';
	if (err->code == EINVAL) {
		append(buffer, &length,
			"potentially insufficient UIDs or GIDs available in user namespace (");
		append(buffer, &length, err->detail);
		append(buffer, &length, " for ");
		append_path(buffer, &length, err->entry);
		append(buffer, &length,
			"): Check /etc/subuid and /etc/subgid if configured locally and run "
			"\"podman system migrate\": ");
	}
	append(buffer, &length, "lchown ");
	append_path(buffer, &length, err->entry);
	append(buffer, &length, ": ");
	append(buffer, &length, go_errno_text(err->code));
}

static void write_operation(char *buffer, const char *operation, const struct oakum_error *err)
{
	size_t length = 0;

	buffer[0] = '\0';
	if (operation[0] != '\0') {
		append(buffer, &length, operation);
		append(buffer, &length, " ");
		if (strcmp(operation, "symlink") == 0) {
			append(buffer, &length, err->detail);
			append(buffer, &length, " ");
		}
		append_path(buffer, &length, err->entry);
		append(buffer, &length, ": ");
	}
	if ((err->code == EBADMSG || err->code == EFBIG) && err->detail[0] != '\0')
		append_detail(buffer, &length, err);
	else
		append(buffer, &length, go_errno_text(err->code));
}

/* An escaped one twice would have its backslashes doubled: these are written as they stand. */
static void write_whole(char *buffer, const struct oakum_error *err)
{
	snprintf(buffer, GO_TEXT_BYTES, "%s", err->detail);
}

const char *go_error_text(const struct oakum_error *err, bool ended_early, char *buffer)
{
	const char *operation = go_operation(err->op);

	if (err->op[0] == '\0')
		write_whole(buffer, err);
	else if (err->stage == OAKUM_STAGE_READ && strcmp(err->op, "read") == 0)
		snprintf(buffer, GO_TEXT_BYTES, "read /dev/stdin: %s", go_errno_text(err->code));
	else if (ended_early || err->stage == OAKUM_STAGE_READ)
		write_bad_stream(buffer, err, ended_early);
	else if (strcmp(operation, "lchown") == 0)
		write_chown(buffer, err);
	else
		write_operation(buffer, operation, err);
	return buffer;
}
