/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "lister/line.h"

#include <stdio.h>

static const char *const type_names[] = {
	[ENTRY_FILE] = "file",
	[ENTRY_DIRECTORY] = "directory",
	[ENTRY_SYMLINK] = "symlink",
	[ENTRY_HARD_LINK] = "hardlink",
	[ENTRY_CHARACTER_DEVICE] = "character-device",
	[ENTRY_BLOCK_DEVICE] = "block-device",
	[ENTRY_FIFO] = "fifo",
};

static void add_xattrs(struct json *json, const struct entry *entry)
{
	if (entry->xattr_count == 0)
		return;
	json_begin_list(json, "xattrs");
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct xattr *xattr = &entry->xattrs[i];
		json_begin_object(json);
		json_add_text(json, "name", xattr->name);
		json_add_bytes(json, "value", xattr->value, xattr->value_bytes);
		json_end_object(json);
	}
	json_end_list(json);
}

static void add_whiteout(struct json *json, const struct listed *listed)
{
	if (listed->whiteout == WHITEOUT_NONE)
		return;
	json_add_text(json, "whiteout", listed->whiteout == WHITEOUT_OPAQUE ? "opaque" : "file");
	json_add_text(json, "hides", listed->hides);
}

void line_add_json(const struct listed *listed, struct sink *sink)
{
	const struct entry *entry = listed->entry;
	char mode[8];
	struct json json;

	snprintf(mode, sizeof(mode), "%04o", entry->mode & 07777);
	json_begin_line(&json, sink);
	json_add_text(&json, "name", entry->name);
	json_add_text(&json, "type", type_names[entry->type]);
	json_add_text(&json, "mode", mode);
	json_add_number(&json, "uid", entry->uid);
	json_add_number(&json, "gid", entry->gid);
	json_add_number(&json, "size", entry->logical_bytes);
	json_add_signed(&json, "mtime", entry->mtime_s);
	json_add_number(&json, "mtime_ns", entry->mtime_ns);
	if (entry->link_name != NULL)
		json_add_text(&json, "link", entry->link_name);
	if (entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE) {
		json_add_number(&json, "major", entry->device_major);
		json_add_number(&json, "minor", entry->device_minor);
	}
	add_xattrs(&json, entry);
	add_whiteout(&json, listed);
	json_end_line(&json);
}
