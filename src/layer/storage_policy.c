/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/storage_policy.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/go_path.h"
#include "layer/go_text.h"
#include "layer/path.h"
#include "layer/prefixes.h"
#include "layer/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OVERRIDE_BYTES = 80,
	KEPT_MAX = 64, /* headers of AUFS's files */
};

const char storage_override_name[] = "user.containers.override_stat";
static const char whiteout_prefix[] = ".wh.";
static const char metadata_prefix[] = ".wh..wh.";
static const char aufs_links_prefix[] = ".wh..wh.plnk";
static const char opaque_name[] = ".wh..wh..opq";

struct buffer {
	char *text;
	size_t room;
};

/* Of a file that AUFS's hard links are copies of: all that their own headers do not say. */
struct kept_header {
	char *base;
	struct entry entry; /* its pointers are of no use */
};

struct storage_policy {
	const struct storage_options *storage;
	const struct limits *limits;
	const char *destination;
	bool is_layer;
	struct prefixes *excludes;
	struct tally tally;
	uint64_t layer_bytes;

	/* what an edited entry points at, until the next one */
	struct buffer name; /* clean */
	struct buffer path;
	struct buffer link;
	struct xattr *xattrs;
	size_t xattr_room;
	char override[OVERRIDE_BYTES];

	char root_override[OVERRIDE_BYTES];

	struct kept_header kept[KEPT_MAX];
	size_t kept_count;
};

int storage_policy_new(const struct storage_policy_options *options, struct storage_policy **policy,
	struct oakum_error *err)
{
	const struct storage_options *storage = options->storage;
	struct storage_policy *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare policy", NULL);
	new->storage = storage;
	new->limits = options->limits;
	new->destination = options->destination;
	new->is_layer = options->is_layer;
	new->tally.limits = options->limits;
	new->excludes = prefixes_new(options->is_layer ? NULL : storage->exclude_patterns);
	snprintf(new->root_override, sizeof(new->root_override), "0:0:0755:dir");
	if (new->excludes == NULL) {
		storage_policy_free(new);
		return fail(err, ENOMEM, "prepare policy", NULL);
	}
	*policy = new;
	return 0;
}

void storage_policy_free(struct storage_policy *policy)
{
	if (policy == NULL)
		return;
	prefixes_free(policy->excludes);
	free(policy->name.text);
	free(policy->path.text);
	free(policy->link.text);
	free(policy->xattrs);
	for (size_t i = 0; i < policy->kept_count; i++)
		free(policy->kept[i].base);
	free(policy);
}

struct tally *storage_policy_tally(struct storage_policy *policy)
{
	return &policy->tally;
}

uint64_t storage_policy_layer_bytes(const struct storage_policy *policy)
{
	return policy->layer_bytes;
}

uint32_t storage_root_id(const struct idmap *map)
{
	uint32_t id;

	/* A range of one id stands for root, whatever id it is for. */
	if (map->count == 1 && map->ranges[0].size == 1)
		return (uint32_t)map->ranges[0].host_id;
	return idmap_to_host(map, 0, &id) ? id : UINT32_MAX;
}

static int reserve(struct buffer *buffer, size_t bytes, struct oakum_error *err)
{
	if (bytes <= buffer->room)
		return 0;
	char *larger = realloc(buffer->text, bytes);
	if (larger == NULL)
		return fail(err, ENOMEM, "check entry", NULL);
	buffer->text = larger;
	buffer->room = bytes;
	return 0;
}

static int refuse(const struct entry *entry, const char *why, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, "check entry", entry->name, "%s", why);
}

/* --- where it goes --- */

static int join_below(const struct storage_policy *policy, const char *name, struct buffer *buffer,
	struct oakum_error *err)
{
	if (strlen(name) > policy->limits->name_bytes)
		return limit_exceeded(err, "name-bytes", policy->limits->name_bytes, name);
	if (reserve(buffer, strlen(policy->destination) + strlen(name) + 3, err) < 0)
		return -err->code;
	go_path_join(policy->destination, name, buffer->text);
	return 0;
}

static bool is_inside(const struct storage_policy *policy, const char *path)
{
	return path_is_at_or_below(path, policy->destination + 1);
}

static int find_path(struct storage_policy *policy, struct entry *entry, struct oakum_error *err)
{
	int r = reserve(&policy->name, strlen(entry->name) + 2, err);

	if (r < 0)
		return r;
	go_path_clean(entry->name, policy->name.text);
	r = join_below(policy, policy->name.text, &policy->path, err);
	if (r < 0)
		return r;
	entry->path = policy->path.text;
	return 0;
}

static int check_place(
	const struct storage_policy *policy, const struct entry *entry, struct oakum_error *err)
{
	char name[GO_QUOTED_BYTES];
	char destination[GO_QUOTED_BYTES];

	if (is_inside(policy, entry->path))
		return path_depth(entry->path) > policy->limits->path_depth
			       ? limit_exceeded(
					 err, "path-depth", policy->limits->path_depth, entry->name)
			       : 0;
	return fail_because(err, EBADMSG, "", entry->name, "%s is outside of %s",
		go_quote(policy->name.text, name), go_quote(policy->destination, destination));
}

/* --- links --- */

static int refuse_link(
	const char *kind, const char *path, const struct entry *entry, struct oakum_error *err)
{
	char from[GO_QUOTED_BYTES];
	char to[GO_QUOTED_BYTES];
	char slashed[GO_QUOTED_BYTES];

	snprintf(slashed, sizeof(slashed), "/%s", path);
	return fail_because(err, EBADMSG, "", entry->name, "invalid %s %s -> %s", kind,
		go_quote(slashed, from), go_quote(entry->link_name, to));
}

static int check_hard_link(
	struct storage_policy *policy, struct entry *entry, struct oakum_error *err)
{
	int r = join_below(policy, entry->link_name, &policy->link, err);

	if (r < 0)
		return r;
	entry->link = policy->link.text;
	if (!is_inside(policy, entry->link))
		return refuse_link("hardlink", entry->link, entry, err);
	if (*entry->link == '\0')
		return fail(err, EPERM, "linkat", entry->path);
	/* It would first be removed, and then not be there to link to. */
	if (strcmp(entry->link, entry->path) == 0)
		return fail(err, ENOENT, "linkat", entry->path);
	return 0;
}

/* Where it would lead from its own directory, by its text; an absolute one leads below it too. */
static int check_symlink(
	struct storage_policy *policy, const struct entry *entry, struct oakum_error *err)
{
	const size_t parent = path_parent_length(entry->path);
	const char *target = entry->link_name;

	if (strlen(target) > policy->limits->link_bytes)
		return limit_exceeded(err, "link-bytes", policy->limits->link_bytes, entry->name);
	if (reserve(&policy->link, parent + strlen(target) + 4, err) < 0)
		return -err->code;
	char *text = policy->link.text;
	text[0] = '/';
	memcpy(text + 1, entry->path, parent);
	text[1 + parent] = '/';
	memcpy(text + 2 + parent, target, strlen(target) + 1);
	go_path_clean(text, text);
	if (!is_inside(policy, text + 1))
		return refuse_link("symlink", entry->path, entry, err);
	return 0;
}

static int check_link(struct storage_policy *policy, struct entry *entry, struct oakum_error *err)
{
	if (entry->type == ENTRY_HARD_LINK)
		return check_hard_link(policy, entry, err);
	return entry->type == ENTRY_SYMLINK ? check_symlink(policy, entry, err) : 0;
}

/* --- whose it is --- */

static int map_id(const struct idmap *map, int64_t id, uint32_t *mapped, struct oakum_error *err)
{
	if (!map->is_given) {
		*mapped = (uint32_t)id;
		return 0;
	}
	if (id < 0 || id > UINT32_MAX || !idmap_to_host(map, (uint32_t)id, mapped))
		return fail_because(err, EINVAL, "", NULL,
			"container ID %" PRId64 " cannot be mapped to a host ID", id);
	return 0;
}

static int map_ids(
	const struct storage_policy *policy, struct entry *entry, struct oakum_error *err)
{
	const struct storage_options *storage = policy->storage;
	int r;

	if (!storage->has_chown && (entry->uid == UINT32_MAX || entry->gid == UINT32_MAX))
		return refuse(entry, "an owner that is no user or group id", err);
	r = map_id(&storage->uids, storage->has_chown ? storage->chown_uid : entry->uid,
		&entry->uid, err);
	if (r == 0)
		r = map_id(&storage->gids, storage->has_chown ? storage->chown_gid : entry->gid,
			&entry->gid, err);
	return r;
}

/* --- when --- */

static bool is_earlier(int64_t seconds, uint32_t nanoseconds, const struct entry *than)
{
	return seconds < than->mtime_s ||
	       (seconds == than->mtime_s && nanoseconds < than->mtime_ns);
}

/* What Go's time has no nanoseconds since 1970 for becomes 1970. */
static void clamp_time(int64_t *seconds, uint32_t *nanoseconds)
{
	const int64_t last_s = INT64_MAX / 1000000000;
	const uint32_t last_ns = INT64_MAX % 1000000000;

	if (*seconds >= 0 && (*seconds < last_s || (*seconds == last_s && *nanoseconds <= last_ns)))
		return;
	*seconds = 0;
	*nanoseconds = 0;
}

/* Nothing was read before it was written; of a directory it is as it is told, or 1970. */
static void set_times(struct entry *entry)
{
	if (entry->type == ENTRY_DIRECTORY) {
		if (!entry->has_atime)
			entry->atime_s = entry->atime_ns = 0;
	} else if (!entry->has_atime || is_earlier(entry->atime_s, entry->atime_ns, entry)) {
		entry->atime_s = entry->mtime_s;
		entry->atime_ns = entry->mtime_ns;
	}
	entry->has_atime = true;
	if (entry->type == ENTRY_SYMLINK)
		return;
	clamp_time(&entry->atime_s, &entry->atime_ns);
	clamp_time(&entry->mtime_s, &entry->mtime_ns);
}

/* --- attributes --- */

/* Overlayfs believes its own attributes: a layer must not speak to it past its whiteouts. */
static bool is_dropped(const char *attribute)
{
	return strcmp(attribute, "security.selinux") == 0 ||
	       string_starts_with(attribute, "trusted.overlay.") ||
	       string_starts_with(attribute, "user.overlay.");
}

static int edit_xattrs(struct storage_policy *policy, struct entry *entry, struct oakum_error *err)
{
	size_t kept = 0;

	if (tally_xattrs(&policy->tally, entry, err) < 0)
		return -err->code;
	if (entry->xattr_count + 1 > policy->xattr_room) {
		size_t room = entry->xattr_count + 1;
		struct xattr *larger = realloc(policy->xattrs, room * sizeof(*larger));
		if (larger == NULL)
			return fail(err, ENOMEM, "check xattr", entry->name);
		policy->xattrs = larger;
		policy->xattr_room = room;
	}
	for (size_t i = 0; i < entry->xattr_count; i++) {
		if (!is_dropped(entry->xattrs[i].name))
			policy->xattrs[kept++] = entry->xattrs[i];
	}
	entry->xattrs = policy->xattrs;
	entry->xattr_count = kept;
	return 0;
}

/* --- forced modes: every file is a plain one, and an attribute says what it should be --- */

static void write_override(const struct entry *entry, char *text)
{
	static const char *const types[] = {
		[ENTRY_FILE] = "file",
		[ENTRY_DIRECTORY] = "dir",
		[ENTRY_FIFO] = "pipe",
		[ENTRY_CHARACTER_DEVICE] = "char",
		[ENTRY_BLOCK_DEVICE] = "block",
	};
	int length = snprintf(text, OVERRIDE_BYTES, "%" PRIu32 ":%" PRIu32 ":%04" PRIo32 ":%s",
		entry->uid, entry->gid, entry->mode & 07777, types[entry->type]);

	if (entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE)
		snprintf(text + length, OVERRIDE_BYTES - (size_t)length, "-%" PRIu32 "-%" PRIu32,
			entry->device_major, entry->device_minor);
}

static void force_mode(struct storage_policy *policy, struct entry *entry)
{
	bool is_link = entry->type == ENTRY_SYMLINK || entry->type == ENTRY_HARD_LINK;

	if (!policy->storage->has_force_mask)
		return;
	if (!is_link) {
		write_override(entry, policy->override);
		policy->xattrs[entry->xattr_count++] = (struct xattr){ storage_override_name,
			policy->override, strlen(policy->override) };
	}
	if (!is_link && entry->type != ENTRY_DIRECTORY)
		entry->type = ENTRY_FILE;
	entry->mode = policy->storage->force_mask;
}

static void note_root(struct storage_policy *policy, const struct entry *entry)
{
	if (strcmp(entry->path, policy->destination + 1) == 0)
		snprintf(policy->root_override, sizeof(policy->root_override),
			"%" PRIu32 ":%" PRIu32 ":%04" PRIo32 ":dir", entry->uid, entry->gid,
			entry->mode & 0777);
}

bool storage_policy_root_xattr(struct storage_policy *policy, struct xattr *xattr)
{
	*xattr = (struct xattr){ storage_override_name, policy->root_override,
		strlen(policy->root_override) };
	return policy->storage->has_force_mask && !policy->is_layer;
}

/* --- whiteouts --- */

/* The path of what the whiteout hides, or of its directory; in place. */
static void point_at(struct storage_policy *policy, struct entry *entry, bool at_directory)
{
	char *path = policy->path.text;
	size_t parent = path_parent_length(path);

	if (at_directory) {
		path[parent] = '\0';
	} else {
		char *base = path + (parent > 0 ? parent + 1 : 0);
		memmove(base, base + strlen(whiteout_prefix),
			strlen(base) + 1 - strlen(whiteout_prefix));
	}
	entry->path = path;
}

/* What overlayfs takes for a whiteout: a character device 0:0. Made now, whatever its header says.
 */
static void become_device(struct entry *entry)
{
	entry->type = ENTRY_CHARACTER_DEVICE;
	entry->device_major = 0;
	entry->device_minor = 0;
	entry->mode = 0;
	entry->xattr_count = 0;
	entry->sets_no_times = true;
}

static int judge_whiteout(struct storage_policy *policy, struct entry *entry, enum verdict *verdict,
	struct oakum_error *err)
{
	const char *hidden = path_base(entry->path) + strlen(whiteout_prefix);
	bool is_opaque = strcmp(path_base(entry->path), opaque_name) == 0;

	if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return refuse(entry,
			"invalid whiteout: it hides no name, its directory would be removed", err);
	point_at(policy, entry, is_opaque);
	if (is_opaque) {
		*verdict = policy->is_layer ? VERDICT_EMPTY : VERDICT_MARK_OPAQUE;
	} else if (policy->is_layer) {
		*verdict = VERDICT_REMOVE;
	} else {
		become_device(entry);
		*verdict = VERDICT_PLACE;
	}
	return 0;
}

static bool is_whiteout(const struct storage_policy *policy, const struct entry *entry)
{
	if (!policy->is_layer && policy->storage->whiteouts != STORAGE_WHITEOUTS_OVERLAY)
		return false;
	return string_starts_with(path_base(entry->path), whiteout_prefix);
}

/* What AUFS kept at the top of its layers is not for the rootfs. */
static bool is_aufs_metadata(const struct storage_policy *policy)
{
	const char *name = policy->name.text;

	return policy->is_layer && string_starts_with(name, metadata_prefix) &&
	       strcmp(name, opaque_name) != 0;
}

/* --- AUFS's hard links across layers: copies of files in .wh..wh.plnk --- */

static struct kept_header *find_kept(struct storage_policy *policy, const char *base)
{
	for (size_t i = 0; i < policy->kept_count; i++) {
		if (strcmp(policy->kept[i].base, base) == 0)
			return &policy->kept[i];
	}
	return NULL;
}

static int judge_metadata(struct storage_policy *policy, struct entry *entry, enum verdict *verdict,
	struct oakum_error *err)
{
	const char *base = path_base(policy->name.text);
	struct kept_header *kept = find_kept(policy, base);

	if (!string_starts_with(policy->name.text, aufs_links_prefix) || entry->type != ENTRY_FILE)
		return 0;
	if (kept == NULL) {
		if (policy->kept_count == KEPT_MAX)
			return refuse(entry, "more than 64 files for hard links of AUFS", err);
		kept = &policy->kept[policy->kept_count];
		kept->base = strdup(base);
		if (kept->base == NULL)
			return fail(err, ENOMEM, "check entry", entry->name);
		policy->kept_count++;
	}
	kept->entry = *entry;
	entry->link = kept->base;
	*verdict = VERDICT_KEEP;
	return 0;
}

static bool is_aufs_link(struct storage_policy *policy, const struct entry *entry)
{
	if (!policy->is_layer || entry->type != ENTRY_HARD_LINK ||
		strlen(entry->link_name) > policy->limits->name_bytes)
		return false;
	cleanup_free char *clean = malloc(strlen(entry->link_name) + 2);
	if (clean == NULL)
		return false;
	go_path_clean(entry->link_name, clean);
	return string_starts_with(clean, aufs_links_prefix);
}

/* Its header is that of the file, and so is its content. */
static int become_copy(struct storage_policy *policy, struct entry *entry, struct oakum_error *err)
{
	const struct kept_header *kept = find_kept(policy, path_base(entry->link_name));

	if (kept == NULL)
		return fail_because(err, EBADMSG, "", entry->name, "invalid aufs hardlink");
	const struct entry own = *entry;
	*entry = kept->entry;
	entry->name = own.name;
	entry->path = own.path;
	entry->link_name = own.link_name;
	entry->link = kept->base;
	entry->xattr_count = 0;
	return 0;
}

/* --- all of it --- */

static bool is_device(const struct entry *entry)
{
	return entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE;
}

/* An entry that will be placed: whose it is, when, and in what form. */
static int edit(struct storage_policy *policy, struct entry *entry, enum verdict *verdict,
	struct oakum_error *err)
{
	const struct storage_options *storage = policy->storage;
	int r;

	/* What a layer removes is nobody's. */
	if (policy->is_layer && is_whiteout(policy, entry))
		return judge_whiteout(policy, entry, verdict, err);
	r = map_ids(policy, entry, err);
	if (r < 0)
		return r;
	note_root(policy, entry);
	if (is_whiteout(policy, entry))
		return judge_whiteout(policy, entry, verdict, err);
	r = check_link(policy, entry, err);
	if (r == 0)
		r = edit_xattrs(policy, entry, err);
	if (r < 0)
		return r;
	set_times(entry);
	force_mode(policy, entry);
	if (is_device(entry) && storage->in_user_namespace)
		*verdict = VERDICT_CLEAR;
	return 0;
}

/* The destination itself, by its name "."; it is there, and so it is as it should be. */
static bool is_the_destination(const struct storage_policy *policy)
{
	return !policy->is_layer && strcmp(policy->name.text, ".") == 0;
}

static int judge_destination(struct storage_policy *policy, const struct entry *entry,
	enum verdict *verdict, struct oakum_error *err)
{
	char path[GO_QUOTED_BYTES];

	note_root(policy, entry);
	*verdict = VERDICT_SKIP;
	if (!policy->storage->no_overwrite_dir_non_dir || entry->type == ENTRY_DIRECTORY)
		return 0;
	return fail_because(err, EEXIST, "", entry->name,
		"cannot overwrite directory %s with non-directory %s",
		go_quote(policy->destination, path), path);
}

int storage_policy_judge(struct storage_policy *policy, struct entry *entry, enum verdict *verdict,
	struct oakum_error *err)
{
	int r = tally_entry(&policy->tally, entry, err);

	policy->layer_bytes += entry->claimed_bytes;
	if (r == 0)
		r = find_path(policy, entry, err);
	if (r < 0)
		return r;
	*verdict = VERDICT_SKIP;
	if (prefixes_match(policy->excludes, policy->name.text))
		return 0;
	if (is_aufs_metadata(policy))
		return judge_metadata(policy, entry, verdict, err);
	if (is_the_destination(policy))
		return judge_destination(policy, entry, verdict, err);
	r = check_place(policy, entry, err);
	if (r < 0)
		return r;
	if (*entry->path == '\0' && entry->type != ENTRY_DIRECTORY)
		return refuse(entry, "the rootfs itself can only be a directory", err);
	*verdict = VERDICT_PLACE;
	if (is_aufs_link(policy, entry) && !is_whiteout(policy, entry)) {
		r = become_copy(policy, entry, err);
		*verdict = VERDICT_COPY;
	}
	entry->mode &= 07777;
	return r < 0 ? r : edit(policy, entry, verdict, err);
}
