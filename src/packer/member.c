/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/member.h"

#include "layer/go_path.h"
#include "layer/text.h"
#include "packer/name.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

static const char whiteout_prefix[] = ".wh.";

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return TAR_DIRECTORY;
	case S_IFLNK:
		return TAR_SYMLINK;
	case S_IFCHR:
		return TAR_CHARACTER_DEVICE;
	case S_IFBLK:
		return TAR_BLOCK_DEVICE;
	case S_IFIFO:
		return TAR_FIFO;
	default:
		return TAR_FILE;
	}
}

void member_set_type(const struct member_source *source, struct tar_header *header)
{
	const struct stat *status = source->status;

	header->type = type_of(status->st_mode);
	header->mode = status->st_mode & 07777;
	header->link = "";
	if (header->type == TAR_SYMLINK)
		header->link = source->link;
	if (header->type == TAR_FILE)
		header->content_bytes = (uint64_t)status->st_size;
	if (header->type == TAR_CHARACTER_DEVICE || header->type == TAR_BLOCK_DEVICE) {
		header->device_major = major(status->st_rdev);
		header->device_minor = minor(status->st_rdev);
	}
	if (source->first_name != NULL) {
		header->type = TAR_HARD_LINK;
		header->link = source->first_name;
		header->content_bytes = 0;
	}
}

static void set_time(
	const struct stat *status, const struct storage_options *options, struct tar_header *header)
{
	header->mtime_s = status->st_mtim.tv_sec;
	header->mtime_ns = (uint32_t)status->st_mtim.tv_nsec;
	if (options->has_timestamp) {
		header->mtime_s = options->timestamp_s;
		header->mtime_ns = options->timestamp_ns;
	}
	header->repeats_time = options->has_timestamp && options->copy_pass;
	if (!options->copy_pass)
		header->mtime_ns = 0;
}

/* What starts like a whiteout belongs to nobody in the container, and keeps its ids. */
static int set_owner(const struct member_source *source, const struct storage_options *options,
	struct tar_header *header, uint32_t *unmapped_id)
{
	uint32_t uid = source->status->st_uid;
	uint32_t gid = source->status->st_gid;

	if (!string_starts_with(name_base(source->name), whiteout_prefix)) {
		*unmapped_id = uid;
		if (!idmap_to_container(&options->uids, *unmapped_id, &uid))
			return -EINVAL;
		*unmapped_id = gid;
		if (!idmap_to_container(&options->gids, *unmapped_id, &gid))
			return -EINVAL;
	}
	header->uid = options->has_chown ? options->chown_uid : uid;
	header->gid = options->has_chown ? options->chown_gid : gid;
	return 0;
}

/*
 * overlayfs's whiteout is a character device 0:0. Of its opaque directories
 * nothing is said: that takes the lower layers, which nobody has told of.
 */
static bool is_overlay_whiteout(const struct stat *status, const struct storage_options *options)
{
	return options->whiteouts == STORAGE_WHITEOUTS_OVERLAY && S_ISCHR(status->st_mode) &&
	       status->st_rdev == 0;
}

/* "dir/NAME" -> "dir/.wh.NAME", cleaned. */
static int hide(const char *hidden, struct bytes *name)
{
	const char *slash = strrchr(hidden, '/');
	size_t directory = slash == NULL ? 0 : (size_t)(slash - hidden) + 1;

	name->length = 0;
	if (bytes_append(name, hidden, directory) < 0 ||
		bytes_append_text(name, whiteout_prefix) < 0 ||
		bytes_append_text(name, hidden + directory) < 0)
		return -ENOMEM;
	go_path_clean(name->data, name->data);
	return 0;
}

static int set_name(const struct member_source *source, struct bytes *name)
{
	size_t length = strlen(source->name);

	if (bytes_set_text(name, source->name) < 0)
		return -ENOMEM;
	if (S_ISDIR(source->status->st_mode) && (length == 0 || source->name[length - 1] != '/'))
		return bytes_append_text(name, "/");
	return 0;
}

int member_describe(const struct member_source *source, const struct storage_options *options,
	struct bytes *name, struct tar_header *header, uint32_t *unmapped_id)
{
	*header = (struct tar_header){ 0 };
	member_set_type(source, header);
	set_time(source->status, options, header);
	int r = set_owner(source, options, header, unmapped_id);
	if (r < 0)
		return r;
	if (is_overlay_whiteout(source->status, options)) {
		/* Of several names: the link stays in the header of a file, as Go leaves it. */
		header->type = TAR_FILE;
		header->mode = 0;
		r = hide(source->name, name);
	} else {
		r = set_name(source, name);
	}
	header->name = name->data;
	return r;
}
