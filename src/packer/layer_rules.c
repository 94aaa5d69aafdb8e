/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/layer_rules.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "layer/idmap.h"
#include "layer/rune.h"
#include "layer/whiteout.h"
#include "layer/xattr_policy.h"
#include "packer/member.h"

#include <sys/stat.h>

enum { WHITEOUT_MODE = 0600 };

struct layer_rules {
	const struct layer_packer_options *options;
	struct xattr_rules of_xattrs; /* its maps lead from host to container */
	struct xattr_policy *xattrs;
	struct bytes name;
};

/* What its name or kind would do wherever the layer is unpacked. */
static int check_kind(
	const struct layer_rules *rules, const struct layer_source *source, struct oakum_error *err)
{
	const uint32_t whiteouts = rules->options->whiteouts;

	if (whiteouts == OAKUM_PACK_WHITEOUTS_VERBATIM)
		return 0;
	if (whiteout_kind(source->path) != WHITEOUT_NONE)
		return fail_because(err, EINVAL, "check name", source->path,
			"in a layer that name deletes what is below; --whiteouts=verbatim packs it "
			"nevertheless");
	if (whiteouts == OAKUM_PACK_WHITEOUTS_REFUSE && S_ISCHR(source->status->st_mode) &&
		source->status->st_rdev == 0)
		return fail_because(err, EINVAL, "check type", source->path,
			"a device 0:0 is a whiteout of overlayfs: say by --whiteouts what it is to "
			"be");
	if (source->upper == UPPER_PARTIAL)
		return fail_because(err, EOPNOTSUPP, "check xattr", source->path,
			"a part of it is in a lower layer of overlayfs (redirect, metacopy): it is "
			"no layer by itself");
	return 0;
}

static enum upper kind_of(const struct layer_rules *rules, const struct layer_source *source)
{
	const char *prefix = NULL;

	switch ((enum oakum_pack_whiteouts)rules->options->whiteouts) {
	case OAKUM_PACK_WHITEOUTS_OVERLAY:
		prefix = "trusted.overlay.";
		break;
	case OAKUM_PACK_WHITEOUTS_OVERLAY_USERXATTR:
		prefix = "user.overlay.";
		break;
	case OAKUM_PACK_WHITEOUTS_REFUSE:
	case OAKUM_PACK_WHITEOUTS_VERBATIM:
		return UPPER_ORDINARY;
	}
	return upper_kind(source->status, source->xattrs, source->xattr_count, prefix);
}

int layer_rules_look(
	const struct layer_rules *rules, struct layer_source *source, struct oakum_error *err)
{
	source->upper = kind_of(rules, source);
	return check_kind(rules, source, err);
}

static int map_owner(const struct layer_rules *rules, const struct layer_source *source,
	struct tar_header *header, struct oakum_error *err)
{
	const struct layer_packer_options *options = rules->options;
	const struct stat *status = source->status;
	uint32_t uid = options->squash_uid;
	uint32_t gid = options->squash_gid;

	if ((options->owners & OAKUM_OWNERS_SQUASH) == 0 &&
		(!idmap_to_host(&rules->of_xattrs.uids, status->st_uid, &uid) ||
			!idmap_to_host(&rules->of_xattrs.gids, status->st_gid, &gid)))
		return fail_because(err, EINVAL, "map owner", source->path,
			"its owner %u:%u is in no range of the maps; --owner=0:0 gives all to one",
			status->st_uid, status->st_gid);
	header->uid = uid;
	header->gid = gid;
	return 0;
}

/* Whole seconds, as layers have: a fraction takes a header of its own for every entry. */
static void set_time(
	const struct layer_rules *rules, const struct stat *status, struct tar_header *header)
{
	const struct layer_packer_options *options = rules->options;

	header->mtime_s = status->st_mtim.tv_sec;
	if (options->times == OAKUM_TIMES_CLAMP && header->mtime_s > 0 &&
		(uint64_t)header->mtime_s > options->latest_mtime_s)
		header->mtime_s = (int64_t)options->latest_mtime_s;
}

static enum entry_type entry_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return ENTRY_DIRECTORY;
	case S_IFLNK:
		return ENTRY_SYMLINK;
	case S_IFCHR:
		return ENTRY_CHARACTER_DEVICE;
	case S_IFBLK:
		return ENTRY_BLOCK_DEVICE;
	case S_IFIFO:
		return ENTRY_FIFO;
	default:
		return ENTRY_FILE;
	}
}

/* By the rules of unpacking, in the other direction: what another host could not use is left out.
 */
static int judge_attributes(struct layer_rules *rules, const struct layer_source *source,
	struct tar_header *header, struct oakum_error *err)
{
	struct entry entry = {
		.type = entry_type_of(source->status->st_mode),
		.name = source->path,
		.mode = header->mode,
		.xattrs = source->xattrs,
		.xattr_count = source->xattr_count,
	};
	int r = xattr_policy_judge(rules->xattrs, &entry, err);

	if (r < 0)
		return r;
	header->mode = entry.mode;
	header->xattrs = entry.xattrs;
	header->xattr_count = entry.xattr_count;
	return 0;
}

static bool is_utf8(const char *text)
{
	for (size_t length; *text != '\0'; text += length) {
		if (rune_of(text, &length) == RUNE_ERROR && length == 1)
			return false;
	}
	return true;
}

static int set_name(struct layer_rules *rules, const struct layer_source *source)
{
	int r = bytes_set_text(&rules->name, source->path);

	if (r == 0 && S_ISDIR(source->status->st_mode))
		r = bytes_append_text(&rules->name, "/");
	return r;
}

int layer_rules_describe(struct layer_rules *rules, const struct layer_source *source,
	struct tar_header *header, struct oakum_error *err)
{
	const struct member_source member = {
		.name = source->path,
		.status = source->status,
		.link = source->link,
		.first_name = source->first_name,
	};
	int r;

	*header = (struct tar_header){ 0 };
	member_set_type(&member, header);
	set_time(rules, source->status, header);
	r = map_owner(rules, source, header, err);
	/* A hard link has nothing of its own. */
	if (r == 0 && header->type != TAR_HARD_LINK)
		r = judge_attributes(rules, source, header, err);
	if (r < 0)
		return r;
	if (set_name(rules, source) < 0)
		return fail(err, ENOMEM, "name", source->path);
	header->name = rules->name.data;
	header->has_bytes = !is_utf8(header->name) || !is_utf8(header->link);
	return 0;
}

/* "dir/NAME" -> "dir/.wh.NAME"; of a directory that is opaque "dir/.wh..wh..opq". */
static int set_hidden_name(struct layer_rules *rules, const struct layer_source *source)
{
	const char *slash = strrchr(source->path, '/');
	const char *hidden = slash == NULL ? source->path : slash + 1;
	size_t directory_bytes = (size_t)(hidden - source->path);

	if (source->upper == UPPER_OPAQUE)
		return set_name(rules, source) < 0
			       ? -ENOMEM
			       : bytes_append_text(&rules->name, ".wh..wh..opq");
	rules->name.length = 0;
	if (bytes_append(&rules->name, source->path, directory_bytes) < 0 ||
		bytes_append_text(&rules->name, ".wh.") < 0)
		return -ENOMEM;
	return bytes_append_text(&rules->name, hidden);
}

/* An empty file of nobody's in particular: only its name counts. */
int layer_rules_hide(struct layer_rules *rules, const struct layer_source *source,
	struct tar_header *header, struct oakum_error *err)
{
	*header = (struct tar_header){ .type = TAR_FILE, .link = "", .mode = WHITEOUT_MODE };
	if (set_hidden_name(rules, source) < 0)
		return fail(err, ENOMEM, "name", source->path);
	header->name = rules->name.data;
	header->has_bytes = !is_utf8(header->name);
	set_time(rules, source->status, header);
	return 0;
}

uint64_t layer_rules_dropped_xattrs(const struct layer_rules *rules)
{
	return xattr_policy_dropped(rules->xattrs);
}

/* From host to container: the map of unpacking, read the other way round. */
static int open_map(const struct oakum_id_range *ranges, struct idmap *map)
{
	cleanup_free struct oakum_id_range *swapped = NULL;
	size_t count = 0;

	while (ranges != NULL && ranges[count].count > 0)
		count++;
	if (ranges != NULL)
		swapped = calloc(count + 1, sizeof(*swapped));
	if (ranges != NULL && swapped == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		swapped[i] = (struct oakum_id_range){
			.container = ranges[i].host,
			.host = ranges[i].container,
			.count = ranges[i].count,
		};
	return idmap_of_ranges(swapped, map);
}

int layer_rules_new(const struct layer_packer_options *options, struct layer_rules **rules,
	struct oakum_error *err)
{
	struct layer_rules *new = calloc(1, sizeof(*new));

	*rules = new;
	if (new == NULL)
		return fail(err, ENOMEM, "prepare to pack", NULL);
	new->options = options;
	new->of_xattrs.owners = options->owners;
	new->of_xattrs.labels = options->labels;
	if (open_map(options->uid_map, &new->of_xattrs.uids) < 0 ||
		open_map(options->gid_map, &new->of_xattrs.gids) < 0)
		return fail(err, ENOMEM, "prepare to pack", NULL);
	new->xattrs = xattr_policy_new(&new->of_xattrs);
	return new->xattrs == NULL ? fail(err, ENOMEM, "prepare to pack", NULL) : 0;
}

void layer_rules_free(struct layer_rules *rules)
{
	if (rules == NULL)
		return;
	xattr_policy_free(rules->xattrs);
	free_const(rules->of_xattrs.uids.ranges);
	free_const(rules->of_xattrs.gids.ranges);
	bytes_free(&rules->name);
	free(rules);
}
