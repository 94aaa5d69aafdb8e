/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/layer_packer.h"

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/ratio.h"
#include "layer/exclude.h"
#include "layer/path.h"
#include "layer/storage_options.h"
#include "layer/tally.h"
#include "layer/text.h"
#include "packer/attributes.h"
#include "packer/inodes.h"
#include "packer/layer_rules.h"
#include "packer/output.h"
#include "packer/unchanged.h"
#include "packer/walker.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum { AHEAD_BYTES = 256 << 10 };

struct layer_packer {
	struct layer_packer_options options;
	int64_t deadline;
	struct exclude *exclude;
	struct layer_rules *rules;
	struct output *output;
	struct stat of_output; /* what the layer is written to */
	struct walker *walker;
	struct inodes inodes; /* packed, of several names */
	struct bytes blocks;  /* of one header */
	struct attributes attributes;
	struct tally tally; /* against the limits */
	struct oakum_stats stats;
	char link[PATH_MAX + 1];
};

/* What is packed now. */
struct subject {
	const struct walker_item *item;
	const char *path; /* below the rootfs; "." is itself */
	struct stat status;
	int content_fd; /* -1: nothing of it is read */
};

/* --- errors --- */

static int fail_changed(const char *path, struct oakum_error *err)
{
	return fail_because(err, EBUSY, "read", path,
		"it changed while it was packed: a layer is made of a tree that stands still");
}

/* What was in the list of names, and is not what it was: somebody has been there. */
static int fail_look(const char *path, const char *op, int code, struct oakum_error *err)
{
	if (code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENXIO || code == ESTALE)
		return fail_changed(path, err);
	return fail(err, code, op, path);
}

/* A directory that was being walked is somewhere else now. */
static int fail_moved(struct oakum_error *err)
{
	const struct oakum_error of_walk = *err;

	return fail_changed(of_walk.entry + (of_walk.entry[0] == '/'), err);
}

static int fail_write(const char *path, struct oakum_error *err)
{
	int code = err->code;

	if (strcmp(err->op, "write") != 0)
		return -code;
	return fail_because(err, code, "write", path, "the layer cannot be written");
}

static int fail_encode(const char *path, struct oakum_error *err)
{
	if (err->code == E2BIG)
		return fail_because(err, EFBIG, "make header", path,
			"its names and attributes are more than the %d bytes that readers take",
			TAR_PAX_MAX_BYTES);
	if (err->code == EINVAL)
		return fail_because(err, EINVAL, "make header", path,
			"an attribute has a \"=\" in its name, which no layer can say");
	return -err->code;
}

static int check_time(const struct layer_packer *packer, const char *path, struct oakum_error *err)
{
	if (packer->deadline < 0 || deadline_left(packer->deadline) != 0)
		return 0;
	return limit_of_time_exceeded(err, path);
}

/* --- what is there --- */

static struct inode_key key_of(const struct stat *status)
{
	return (struct inode_key){ .device = status->st_dev, .number = status->st_ino };
}

static const char *first_name(const struct layer_packer *packer, const struct stat *status)
{
	if (S_ISDIR(status->st_mode) || status->st_nlink <= 1)
		return NULL;
	return inodes_find(&packer->inodes, key_of(status));
}

static int check_unchanged(const struct subject *subject, struct oakum_error *err)
{
	struct stat now;

	if (fstat(subject->content_fd, &now) < 0)
		return fail(err, errno, "fstat", subject->path);
	return is_unchanged(&subject->status, &now) ? 0 : fail_changed(subject->path, err);
}

/* What was read by name is of what was looked at. A directory the walker looks at again. */
static int check_same_name(const struct subject *subject, struct oakum_error *err)
{
	struct stat now;

	if (subject->content_fd >= 0 || subject->item->is_directory)
		return 0;
	if (fstatat(subject->item->directory_fd, subject->item->name, &now, AT_SYMLINK_NOFOLLOW) <
		0)
		return fail_look(subject->path, "lstat", errno, err);
	return is_unchanged(&subject->status, &now) ? 0 : fail_changed(subject->path, err);
}

/* A file that is appended to what is read from it has no end. */
static int check_is_not_layer(
	const struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	if (!S_ISREG(packer->of_output.st_mode) ||
		packer->of_output.st_dev != subject->status.st_dev ||
		packer->of_output.st_ino != subject->status.st_ino)
		return 0;
	return fail_because(err, EINVAL, "open", subject->path,
		"it is the layer that is being written: name a file outside of the rootfs");
}

/* Where the root could not be taken without what is mounted below. */
static int check_mount(
	const struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	struct statx status;

	if (!packer->options.refuses_mounts || strcmp(subject->path, ".") == 0)
		return 0;
	if (statx(subject->item->directory_fd, subject->item->name,
		    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) < 0)
		return fail_look(subject->path, "statx", errno, err);
	if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
		return 0;
	return fail_because(err, EOPNOTSUPP, "check mounts", subject->path,
		"something is mounted there, and without the right to mount what is below cannot "
		"be seen: unmount it, or --submounts=take");
}

/*
 * Never opens what is no file: a fifo would block, a device may start something. From
 * there on everything is taken from the descriptor.
 */
static int open_content(
	const struct layer_packer *packer, struct subject *subject, struct oakum_error *err)
{
	int r = check_is_not_layer(packer, subject, err);

	if (r < 0 || !S_ISREG(subject->status.st_mode) || subject->status.st_size == 0 ||
		first_name(packer, &subject->status) != NULL)
		return r;
	subject->content_fd = openat(subject->item->directory_fd, subject->item->name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (subject->content_fd < 0)
		return fail_look(subject->path, "open", errno, err);
	return check_unchanged(subject, err);
}

static int look(const struct layer_packer *packer, struct subject *subject, struct oakum_error *err)
{
	const struct walker_item *item = subject->item;

	if (fstatat(item->directory_fd, item->name, &subject->status, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_look(subject->path, "lstat", errno, err);
	if (S_ISDIR(subject->status.st_mode) != item->is_directory)
		return fail_changed(subject->path, err);
	if (item->is_directory)
		walker_expect(packer->walker, &subject->status);
	int r = check_mount(packer, subject, err);
	return r < 0 ? r : open_content(packer, subject, err);
}

static int read_link(
	struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	ssize_t length = readlinkat(subject->item->directory_fd, subject->item->name, packer->link,
		sizeof(packer->link) - 1);

	if (length < 0) /* EINVAL: it is no symlink any more */
		return fail_look(subject->path, "readlink", errno == EINVAL ? ENOENT : errno, err);
	packer->link[length] = '\0';
	return 0;
}

/* Others of the system are of a file system, and not of the file. */
static bool is_looked_at(const char *name)
{
	return !string_starts_with(name, "system.") ||
	       string_starts_with(name, "system.posix_acl_");
}

static int read_attributes(
	struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	struct attributes_trouble trouble;
	int r = attributes_read(
		&packer->attributes, subject->content_fd, subject->item->name, &trouble);

	if (r < 0)
		return fail_look(subject->path, trouble.op, -r, err);
	if (trouble.too_big != NULL)
		return fail_because(err, EFBIG, "lgetxattr", subject->path,
			"the value of an attribute is too long to be had");
	return 0;
}

/* --- writing --- */

static void show_progress(struct layer_packer *packer)
{
	struct progress *progress = packer->options.progress;

	packer->stats.stream_bytes = output_stream_bytes(packer->output);
	packer->stats.layer_bytes = output_written_bytes(packer->output);
	progress_show(&progress->layer_bytes, packer->stats.layer_bytes);
	progress_show(&progress->stream_bytes, packer->stats.stream_bytes);
	progress_show(&progress->entries, packer->stats.entries);
	progress_show(&progress->content_bytes, packer->stats.content_bytes);
}

/* A layer that its own unpacking would refuse is none; nor is the disk filled with a hole. */
static int check_limits(struct layer_packer *packer, const struct tar_header *header,
	const char *path, struct oakum_error *err)
{
	const struct limits *limits = packer->options.limits;
	const struct entry entry = {
		.name = path,
		.xattrs = header->xattrs,
		.xattr_count = header->xattr_count,
	};

	if (strlen(header->name) > limits->name_bytes)
		return limit_exceeded(err, "name-bytes", limits->name_bytes, path);
	if (path_depth(path) > limits->path_depth)
		return limit_exceeded(err, "path-depth", limits->path_depth, path);
	if (header->content_bytes > limits->logical_bytes)
		return limit_exceeded(err, "logical-bytes", limits->logical_bytes, path);
	int r = tally_entry(&packer->tally, &entry, err);
	if (r == 0)
		r = tally_xattrs(&packer->tally, &entry, err);
	return r < 0 ? r : tally_content(&packer->tally, header->content_bytes, path, err);
}

/* The same of what is compressed: an image of a disk that is mostly empty. Whoever reads it is
 * ahead of what he has decompressed by a buffer. */
static int check_ratio(const struct layer_packer *packer, const char *path, struct oakum_error *err)
{
	const uint64_t ratio = packer->options.limits->ratio;

	return ratio_is_over(
		       packer->stats.layer_bytes + AHEAD_BYTES, packer->stats.stream_bytes, ratio)
		       ? limit_exceeded(err, "ratio", ratio, path)
		       : 0;
}

static int write_header(struct layer_packer *packer, const struct tar_header *header,
	const char *path, struct oakum_error *err)
{
	if (check_limits(packer, header, path, err) < 0)
		return -err->code;
	packer->blocks.length = 0;
	if (tar_encode(&packer->blocks, header, err) < 0)
		return fail_encode(path, err);
	if (output_write(packer->output, packer->blocks.data, packer->blocks.length, err) < 0)
		return fail_write(path, err);
	packer->stats.entries++;
	show_progress(packer);
	return 0;
}

/* Reads one byte more than there should be: a file that has grown is seen without another call. */
static int copy_content(
	struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	uint64_t left = (uint64_t)subject->status.st_size;

	for (;;) {
		size_t room;
		char *to = output_room(packer->output, &room, err);
		if (to == NULL)
			return fail_write(subject->path, err);
		size_t asked = left < room ? (size_t)left + 1 : room;
		ssize_t got = fd_read(subject->content_fd, to, asked);
		if (got < 0)
			return fail(err, (int)-got, "read", subject->path);
		if ((uint64_t)got > left || (got == 0 && left > 0))
			return fail_changed(subject->path, err);
		output_advance(packer->output, (size_t)got);
		left -= (uint64_t)got;
		packer->stats.content_bytes += (uint64_t)got;
		if (left == 0 && (size_t)got < asked)
			return 0;
		show_progress(packer);
		if (check_time(packer, subject->path, err) < 0 ||
			check_ratio(packer, subject->path, err) < 0)
			return -err->code;
	}
}

static int write_content(
	struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	const uint64_t bytes = (uint64_t)subject->status.st_size;

	if (subject->content_fd < 0)
		return 0;
	int r = copy_content(packer, subject, err);
	if (r == 0)
		r = check_unchanged(subject, err);
	if (r == 0 && output_zeros(packer->output, tar_padding(bytes), err) < 0)
		r = fail_write(subject->path, err);
	return r;
}

/* In place of it, or, where it is a directory, behind it. */
static int hide(
	struct layer_packer *packer, const struct layer_source *source, struct oakum_error *err)
{
	struct tar_header header;
	int r = layer_rules_hide(packer->rules, source, &header, err);

	return r < 0 ? r : write_header(packer, &header, source->path, err);
}

static int remember(struct layer_packer *packer, const struct subject *subject, const char *name,
	struct oakum_error *err)
{
	const struct stat *status = &subject->status;

	if (S_ISDIR(status->st_mode) || status->st_nlink <= 1 || first_name(packer, status) != NULL)
		return 0;
	if (inodes_add(&packer->inodes, key_of(status), name) < 0)
		return fail(err, ENOMEM, "remember", subject->path);
	return 0;
}

static int add_source(struct layer_packer *packer, const struct subject *subject,
	const struct layer_source *source, struct oakum_error *err)
{
	struct tar_header header;
	int r = layer_rules_describe(packer->rules, source, &header, err);

	if (r == 0)
		r = write_header(packer, &header, subject->path, err);
	if (r == 0)
		r = write_content(packer, subject, err);
	if (r == 0)
		r = remember(packer, subject, header.name, err);
	/* What the rootfs itself hides overlayfs does not look for. */
	if (r < 0 || source->upper != UPPER_OPAQUE || strcmp(subject->path, ".") == 0)
		return r;
	return hide(packer, source, err);
}

static int add(struct layer_packer *packer, const struct subject *subject, struct oakum_error *err)
{
	int r = read_attributes(packer, subject, err);

	if (r == 0 && S_ISLNK(subject->status.st_mode))
		r = read_link(packer, subject, err);
	if (r == 0)
		r = check_same_name(subject, err);
	if (r < 0)
		return r;
	struct layer_source source = {
		.path = subject->path,
		.status = &subject->status,
		.link = packer->link,
		.first_name = first_name(packer, &subject->status),
		.xattrs = packer->attributes.xattrs,
		.xattr_count = packer->attributes.count,
	};
	r = layer_rules_look(packer->rules, &source, err);
	if (r < 0)
		return r;
	return source.upper == UPPER_WHITEOUT ? hide(packer, &source, err)
					      : add_source(packer, subject, &source, err);
}

/* --- the tree --- */

static bool is_excluded(struct layer_packer *packer, const struct subject *subject)
{
	if (!exclude_has(packer->exclude, subject->path))
		return false;
	packer->stats.skipped++;
	if (subject->item->is_directory)
		walker_prune(packer->walker);
	return true;
}

static int visit(
	struct layer_packer *packer, const struct walker_item *item, struct oakum_error *err)
{
	struct subject subject = {
		.item = item,
		.path = item->path[1] == '\0' ? "." : item->path + 1,
		.content_fd = -1,
	};
	int r = check_time(packer, subject.path, err);

	if (r == 0 && item->code != 0)
		r = fail_look(subject.path, item->op, item->code, err);
	if (r < 0 || is_excluded(packer, &subject))
		return r;
	r = look(packer, &subject, err);
	if (r == 0 && S_ISSOCK(subject.status.st_mode))
		packer->stats.dropped_entries++;
	else if (r == 0)
		r = add(packer, &subject, err);
	close_fd(&subject.content_fd);
	return r;
}

static int walk(struct layer_packer *packer, struct oakum_error *err)
{
	struct walker_item item;
	int r = walker_new(packer->options.root_fd, &packer->walker);

	if (r == 0)
		r = walker_start(packer->walker, "/.");
	if (r < 0)
		return fail(err, -r, "prepare to walk", NULL);
	while ((r = walker_next(packer->walker, &item, err)) > 0) {
		r = visit(packer, &item, err);
		if (r < 0)
			return r;
	}
	return r == -ESTALE ? fail_moved(err) : r;
}

int layer_packer_run(
	struct layer_packer *packer, struct oakum_stats *stats, struct oakum_error *err)
{
	int r = walk(packer, err);

	if (r == 0 && (output_zeros(packer->output, TAR_END_BYTES, err) < 0 ||
			      output_finish(packer->output, err) < 0))
		r = fail_write(NULL, err);
	if (r < 0)
		return r;
	show_progress(packer);
	r = check_ratio(packer, NULL, err);
	if (r < 0)
		return r;
	packer->stats.compression = packer->options.compression;
	packer->stats.dropped_xattrs = layer_rules_dropped_xattrs(packer->rules);
	packer->stats.size = stats->size;
	*stats = packer->stats;
	return 0;
}

static int open_output(struct layer_packer *packer, struct oakum_error *err)
{
	static const int64_t compressions[] = {
		[OAKUM_COMPRESSION_NONE] = STORAGE_COMPRESSION_NONE,
		[OAKUM_COMPRESSION_GZIP] = STORAGE_COMPRESSION_GZIP,
		[OAKUM_COMPRESSION_ZSTD] = STORAGE_COMPRESSION_ZSTD,
	};
	const struct output_options output = {
		.stream_fd = packer->options.stream_fd,
		.compression = compressions[packer->options.compression],
		.level = (int)packer->options.compression_level,
	};

	if (fstat(output.stream_fd, &packer->of_output) < 0)
		return fail(err, errno, "fstat", NULL);
	return output_open(&output, &packer->output, err);
}

int layer_packer_open(const struct layer_packer_options *options, struct layer_packer **packer,
	struct oakum_error *err)
{
	const struct limits of_excludes = LIMITS_DEFAULT;
	struct layer_packer *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare to pack", NULL);
	new->options = *options;
	new->deadline = deadline_from_now(options->limits->timeout_ms);
	new->tally.limits = options->limits;
	new->attributes.is_packed = is_looked_at;
	int r = exclude_new(options->exclude, &of_excludes, &new->exclude, err);
	if (r == 0)
		r = layer_rules_new(&new->options, &new->rules, err);
	if (r == 0)
		r = open_output(new, err);
	if (r < 0)
		layer_packer_close(&new);
	*packer = new;
	return r;
}

void layer_packer_close(struct layer_packer **packer)
{
	struct layer_packer *closed = *packer;

	*packer = NULL;
	if (closed == NULL)
		return;
	exclude_free(closed->exclude);
	layer_rules_free(closed->rules);
	output_free(closed->output);
	walker_free(closed->walker);
	inodes_free(&closed->inodes);
	bytes_free(&closed->blocks);
	attributes_free(&closed->attributes);
	free(closed);
}
