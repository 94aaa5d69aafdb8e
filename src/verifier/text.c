/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/text.h"

#include "base/error.h"
#include "base/json.h"
#include "base/sink.h"

#include <stdlib.h>

struct text {
	bool is_json;
	struct sink sink;
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
	[HIDES_NOTHING] = { "whiteout", "there, and no whiteout for overlayfs" },
	[LACKS_OPAQUE] = { "opaque", "not opaque for overlayfs" },
};

struct text *text_new(int fd, bool is_json)
{
	struct text *text = calloc(1, sizeof(*text));

	if (text == NULL)
		return NULL;
	text->is_json = is_json;
	sink_init(&text->sink, fd);
	return text;
}

void text_free(struct text *text)
{
	free(text);
}

static void add_member(struct json *json, const char *key, const char *value)
{
	if (value != NULL)
		json_add_text(json, key, value);
}

static void add_object(struct sink *sink, const struct difference *difference, const char *path)
{
	struct json json;

	json_begin_line(&json, sink);
	json_add_text(&json, "path", path);
	json_add_text(&json, "difference", kinds[difference->kind].name);
	add_member(&json, "of", difference->of);
	add_member(&json, "tree", difference->tree);
	add_member(&json, "layer", difference->layer);
	json_end_line(&json);
}

static void add_line(struct sink *sink, const struct difference *difference, const char *path)
{
	sink_add_escaped(sink, path);
	sink_add_text(sink, ": ");
	sink_add_text(sink, kinds[difference->kind].sentence);
	if (difference->of != NULL)
		sink_add_escaped(sink, difference->of);
	if (difference->tree != NULL)
		sink_add_escaped(sink, difference->tree);
	if (difference->layer != NULL) {
		sink_add_text(sink, ", in the layer ");
		sink_add_escaped(sink, difference->layer);
	}
	sink_add_text(sink, "\n");
}

static int result(const struct text *text, struct oakum_error *err)
{
	return text->sink.code == 0 ? 0 : fail(err, text->sink.code, "write", NULL);
}

int text_add(struct text *text, const struct difference *difference, struct oakum_error *err)
{
	const char *path = *difference->path == '\0' ? "." : difference->path;

	if (text->is_json)
		add_object(&text->sink, difference, path);
	else
		add_line(&text->sink, difference, path);
	return result(text, err);
}

int text_finish(struct text *text, struct oakum_error *err)
{
	(void)sink_flush(&text->sink);
	return result(text, err);
}
