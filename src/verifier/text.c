/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/text.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/fd.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 << 10 };

struct text {
	int fd;
	bool is_json;
	size_t length;
	int code; /* the first failure sticks, so that it is asked for once a line */
	char bytes[ROOM];
};

static const struct {
	const char *name; /* for programs */
	const char *sentence;
} kinds[DIFFERENCE_KINDS] = {
	[DIFFERS_MISSING] = { "missing", "missing" },
	[DIFFERS_EXTRA] = { "extra", "not in the layer" },
	[DIFFERS_REMOVED] = { "removed", "there, and the layer removes it" },
	[DIFFERS_TYPE] = { "type", "" },
	[DIFFERS_CONTENT] = { "content", "content differs at byte " },
	[DIFFERS_SIZE] = { "size", "size " },
	[DIFFERS_MODE] = { "mode", "mode " },
	[DIFFERS_OWNER] = { "owner", "owner " },
	[DIFFERS_MTIME] = { "mtime", "mtime " },
	[DIFFERS_TARGET] = { "target", "leads to " },
	[DIFFERS_DEVICE] = { "device", "device " },
	[DIFFERS_LINK] = { "link", "not the same file as " },
	[DIFFERS_XATTR] = { "xattr", "attribute has another value: " },
	[LACKS_XATTR] = { "xattr-missing", "attribute missing: " },
	[HAS_EXTRA_XATTR] = { "xattr-extra", "attribute not in the layer: " },
	[LACKS_WHITEOUT] = { "whiteout", "not there, and no whiteout for overlayfs either" },
	[LACKS_OPAQUE] = { "opaque", "not opaque for overlayfs" },
};

struct text *text_new(int fd, bool is_json)
{
	struct text *text = calloc(1, sizeof(*text));

	if (text == NULL)
		return NULL;
	text->fd = fd;
	text->is_json = is_json;
	return text;
}

void text_free(struct text *text)
{
	free(text);
}

static void flush(struct text *text)
{
	int r = text->code == 0 ? fd_write_all(text->fd, text->bytes, text->length) : 0;

	if (r < 0)
		text->code = -r;
	text->length = 0;
}

static void put_byte(struct text *text, char byte)
{
	if (text->length == ROOM)
		flush(text);
	text->bytes[text->length++] = byte;
}

static void put(struct text *text, const char *string)
{
	for (; *string != '\0'; string++)
		put_byte(text, *string);
}

/* Byte by byte, for a name may be of any length; JSON wants its backslashes twice. */
static void put_untrusted(struct text *text, const char *string)
{
	for (; *string != '\0'; string++) {
		const char one[2] = { *string, '\0' };
		char escaped[8] = "";
		size_t length = 0;
		escape_append(escaped, sizeof(escaped), &length, one);
		for (const char *at = escaped; *at != '\0'; at++) {
			if (text->is_json && (*at == '\\' || *at == '"'))
				put_byte(text, '\\');
			put_byte(text, *at);
		}
	}
}

static void put_member(struct text *text, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put(text, ",\"");
	put(text, key);
	put(text, "\":\"");
	put_untrusted(text, value);
	put(text, "\"");
}

static void put_object(struct text *text, const struct difference *difference, const char *path)
{
	put(text, "{\"path\":\"");
	put_untrusted(text, path);
	put(text, "\",\"difference\":\"");
	put(text, kinds[difference->kind].name);
	put(text, "\"");
	put_member(text, "of", difference->of);
	put_member(text, "tree", difference->tree);
	put_member(text, "layer", difference->layer);
	put(text, "}\n");
}

static void put_line(struct text *text, const struct difference *difference, const char *path)
{
	put_untrusted(text, path);
	put(text, ": ");
	put(text, kinds[difference->kind].sentence);
	if (difference->of != NULL)
		put_untrusted(text, difference->of);
	if (difference->tree != NULL)
		put_untrusted(text, difference->tree);
	if (difference->layer != NULL) {
		put(text, ", in the layer ");
		put_untrusted(text, difference->layer);
	}
	put(text, "\n");
}

static int result(const struct text *text, struct oakum_error *err)
{
	return text->code == 0 ? 0 : fail(err, text->code, "write", NULL);
}

int text_add(struct text *text, const struct difference *difference, struct oakum_error *err)
{
	const char *path = *difference->path == '\0' ? "." : difference->path;

	if (text->is_json)
		put_object(text, difference, path);
	else
		put_line(text, difference, path);
	return result(text, err);
}

int text_finish(struct text *text, struct oakum_error *err)
{
	flush(text);
	return result(text, err);
}
