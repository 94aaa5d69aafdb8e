/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/packer.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/fd.h"
#include "layer/go_path.h"
#include "layer/go_text.h"
#include "layer/pattern.h"
#include "packer/attributes.h"
#include "packer/inodes.h"
#include "packer/member.h"
#include "packer/name.h"
#include "packer/output.h"
#include "packer/packed.h"
#include "packer/walker.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	MESSAGE_BYTES = 20 << 10, /* a path of PATH_MAX with every byte escaped, and a reason */
	OPEN_TRIES = 8,		  /* somebody else may replace the name again and again */
};

struct packer {
	const struct packer_options *options;
	struct output *output;
	struct patterns *patterns;
	struct walker *walker;
	struct inodes inodes;  /* packed, of several names */
	struct packed packed;  /* names that were: where includes overlap */
	struct bytes source;   /* as it was spelt, or the directory of a file */
	struct bytes clean;    /* the same, clean */
	struct bytes include;  /* the name of the source itself, where it is no directory */
	struct bytes start;    /* source, '/', include */
	struct bytes relative; /* ways from the source to an item */
	struct bytes renamed;
	struct bytes name;
	struct bytes blocks; /* of one header */
	struct attributes attributes;
	char link[PATH_MAX + 1];
	char message[MESSAGE_BYTES];
};

/* --- warnings --- */

/* The parts, up to NULL, in one line. */
__attribute__((sentinel)) static void warn(struct packer *packer, const char *part, ...)
{
	size_t length = 0;
	va_list parts;

	va_start(parts, part);
	for (; part != NULL; part = va_arg(parts, const char *))
		escape_append(packer->message, sizeof(packer->message), &length, part);
	va_end(parts);
	packer->options->warn(packer->options->context, packer->message);
}

/* The file is left out; 0. */
static int leave_out(
	struct packer *packer, const struct walker_item *item, const char *op, int code)
{

	warn(packer, "Can't add file ", item->spelling, " to tar: ", op, " ", item->spelling, ": ",
		go_errno_text(code), "; skipping", NULL);
	return 0;
}

static int leave_out_unmapped(struct packer *packer, const struct walker_item *item, uint32_t id)
{
	char reason[80];

	snprintf(reason, sizeof(reason), "host ID %u cannot be mapped to a container ID", id);
	warn(packer, "Can't add file ", item->spelling, " to tar: ", reason, "; skipping", NULL);
	return 0;
}

/* --- one file --- */

static struct inode_key key_of(const struct stat *status)
{
	return (struct inode_key){ .number = status->st_ino };
}

static const char *first_name(const struct packer *packer, const struct stat *status)
{
	if (S_ISDIR(status->st_mode) || status->st_nlink <= 1)
		return NULL;
	return inodes_find(&packer->inodes, key_of(status));
}

static bool has_content(const struct packer *packer, const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_size > 0 &&
	       first_name(packer, status) == NULL;
}

/*
 * What is at a name, and a descriptor where its content is packed. From there on
 * everything is taken from that descriptor, whatever the name leads to by then.
 * Never opens what is no file: a fifo would block, a device may start something.
 * 1; 0: it was left out; -errno: there is content that cannot be had.
 */
static int look(struct packer *packer, const struct walker_item *item, struct stat *status,
	int *content_fd, struct oakum_error *err)
{
	int code = 0;

	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		if (fstatat(item->directory_fd, item->name, status, AT_SYMLINK_NOFOLLOW) < 0)
			return leave_out(packer, item, "lstat", errno);
		if (!has_content(packer, status))
			return 1;
		cleanup_fd int fd = openat(item->directory_fd, item->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		code = errno;
		if (fd >= 0 && fstat(fd, status) == 0 && has_content(packer, status)) {
			*content_fd = steal_fd(&fd);
			return 1;
		}
		if (fd < 0 && code != ENOENT && code != ELOOP && code != ENXIO)
			return fail(err, code, "open", item->spelling);
	}
	return leave_out(packer, item, "open", code);
}

static int read_link(struct packer *packer, const struct walker_item *item)
{
	ssize_t length =
		readlinkat(item->directory_fd, item->name, packer->link, sizeof(packer->link) - 1);

	packer->link[length < 0 ? 0 : length] = '\0';
	return length < 0 ? leave_out(packer, item, "readlink", errno) : 1;
}

static int read_attributes(struct packer *packer, const struct walker_item *item, int content_fd)
{
	struct attributes_trouble trouble;
	int r = attributes_read(&packer->attributes, content_fd, item->name, &trouble);

	if (r < 0)
		return leave_out(packer, item, trouble.op, -r);
	if (trouble.too_big != NULL)
		warn(packer, "archive: Skipping xattr for file ", item->spelling,
			" since value is too big: ", trouble.too_big, NULL);
	return 1;
}

/* Reads one byte more than there should be: a file that has grown is seen without another call. */
static int copy_content(struct packer *packer, int content_fd, uint64_t left,
	const struct walker_item *item, struct oakum_error *err)
{
	for (;;) {
		size_t room;
		char *to = output_room(packer->output, &room, err);
		if (to == NULL)
			return -err->code;
		size_t asked = left < room ? (size_t)left + 1 : room;
		ssize_t got = fd_read(content_fd, to, asked);
		if (got < 0)
			return fail(err, (int)-got, "read", item->spelling);
		if ((uint64_t)got > left)
			return fail_because(
				err, EIO, "", item->spelling, "archive/tar: write too long");
		output_advance(packer->output, (size_t)got);
		left -= (uint64_t)got;
		if (got == 0 && left > 0)
			return fail_because(err, EIO, "", item->spelling,
				"archive/tar: missed writing %llu bytes", (unsigned long long)left);
		if (left == 0 && (size_t)got < asked)
			return 0;
	}
}

static int write_file(struct packer *packer, const struct tar_header *header, int content_fd,
	const struct walker_item *item, struct oakum_error *err)
{
	packer->blocks.length = 0;
	int r = tar_encode(&packer->blocks, header, err);
	if (r == 0)
		r = output_write(packer->output, packer->blocks.data, packer->blocks.length, err);
	if (r < 0 || header->content_bytes == 0)
		return r;
	r = copy_content(packer, content_fd, header->content_bytes, item, err);
	if (r == 0)
		r = output_zeros(packer->output, tar_padding(header->content_bytes), err);
	return r;
}

static int remember(
	struct packer *packer, const struct stat *status, const char *name, struct oakum_error *err)
{
	if (S_ISDIR(status->st_mode) || status->st_nlink <= 1 ||
		inodes_find(&packer->inodes, key_of(status)) != NULL)
		return 0;
	if (inodes_add(&packer->inodes, key_of(status), name) < 0)
		return fail(err, ENOMEM, "remember", name);
	return 0;
}

static int add(struct packer *packer, const struct walker_item *item, const char *name,
	struct oakum_error *err)
{
	cleanup_fd int content_fd = -1;
	struct stat status;
	struct tar_header header;
	uint32_t unmapped_id;
	int r = look(packer, item, &status, &content_fd, err);

	if (r > 0 && S_ISSOCK(status.st_mode)) {
		warn(packer, "archive: skipping \"", item->spelling, "\" since it is a socket",
			NULL);
		return 0;
	}
	if (r > 0 && S_ISLNK(status.st_mode))
		r = read_link(packer, item);
	if (r > 0)
		r = read_attributes(packer, item, content_fd);
	if (r <= 0)
		return r;
	const struct member_source source = {
		.name = name,
		.status = &status,
		.link = packer->link,
		.first_name = first_name(packer, &status),
	};
	r = member_describe(
		&source, packer->options->storage, &packer->name, &header, &unmapped_id);
	if (r == -EINVAL)
		return leave_out_unmapped(packer, item, unmapped_id);
	if (r < 0)
		return fail(err, -r, "describe", item->spelling);
	header.xattrs = packer->attributes.xattrs;
	header.xattr_count = packer->attributes.count;
	r = write_file(packer, &header, content_fd, item, err);
	return r < 0 ? r : remember(packer, &status, header.name, err);
}

/* --- what is packed, and under which name --- */

/* 1: it is packed; 0: it is left out; -errno. */
static int choose(struct packer *packer, const struct walker_item *item, const char *include,
	const char *relative, struct oakum_error *err)
{
	/* What was asked for by its own name comes, whatever the patterns say. */
	if (strcmp(include, relative) == 0)
		return 1;
	int r = patterns_exclude(packer->patterns, relative);
	if (r < 0) {
		char spelt[160] = "";
		size_t length = 0;
		escape_append(spelt, sizeof(spelt), &length, relative);
		return fail_because(
			err, -r, "", NULL, "matching %s: syntax error in pattern", spelt);
	}
	if (r > 0 && item->is_directory && !patterns_may_except_below(packer->patterns, relative))
		walker_prune(packer->walker);
	return r == 0;
}

/* Each name is packed once. 1: it is new, or nothing can overlap; 0; or -ENOMEM. */
static int is_new(struct packer *packer, const char *relative)
{
	const char *const *includes = packer->options->storage->include_files;

	if (includes == NULL || includes[0] == NULL || includes[1] == NULL)
		return 1;
	return packed_add(&packer->packed, relative);
}

/* The new name of an include; NULL: it keeps its own. */
static const char *new_name(const struct storage_options *storage, const char *include)
{
	const char *name = "";

	for (const struct storage_rename *rename = storage->renames;
		rename != NULL && rename->from != NULL; rename++) {
		if (strcmp(rename->from, include) == 0)
			name = rename->to;
	}
	return *name == '\0' ? NULL : name;
}

/* The include's first occurrence goes, wherever it is, and the new name, but "/", comes there. */
static const char *rebase(struct packer *packer, const char *include, const char *relative)
{
	const char *name = new_name(packer->options->storage, include);
	const char *at = strstr(relative, include);

	if (name == NULL || at == NULL)
		return relative;
	packer->renamed.length = 0;
	if (bytes_append(&packer->renamed, relative, (size_t)(at - relative)) < 0 ||
		bytes_append_text(&packer->renamed, strcmp(name, "/") == 0 ? "" : name) < 0 ||
		bytes_append_text(&packer->renamed, at + strlen(include)) < 0)
		return NULL;
	return packer->renamed.data;
}

/* The way from the source: with the source itself in the archive, what is in it starts with "./".
 */
static const char *relative_of(
	struct packer *packer, const struct walker_item *item, const char *include)
{
	struct bytes *buffer = &packer->relative;
	const char *relative = name_relative(packer->clean.data, item->path, buffer);

	if (relative == NULL || !packer->options->storage->includes_source_dir ||
		strcmp(include, ".") != 0 || strcmp(relative, ".") == 0)
		return relative;
	if (bytes_set_text(buffer, "./") < 0 || bytes_append_text(buffer, relative) < 0)
		return NULL;
	return buffer->data;
}

static int visit(struct packer *packer, const struct walker_item *item, const char *include,
	struct oakum_error *err)
{

	if (item->code != 0) {
		warn(packer, "Tar: Can't stat file ", packer->source.data, " to tar: ", item->op,
			" ", item->spelling, ": ", go_errno_text(item->code), NULL);
		return 0;
	}
	const char *relative = relative_of(packer, item, include);
	if (relative == NULL)
		return fail(err, ENOMEM, "name", item->path);
	if (item->is_directory && strcmp(relative, ".") == 0 &&
		!packer->options->storage->includes_source_dir)
		return 0;
	int r = choose(packer, item, include, relative, err);
	if (r <= 0)
		return r;
	r = is_new(packer, relative);
	const char *name = r <= 0 ? NULL : rebase(packer, include, relative);
	if (r < 0 || (r > 0 && name == NULL))
		return fail(err, ENOMEM, "name", item->path);
	return r == 0 ? 0 : add(packer, item, name, err);
}

/* The path is spelt as it comes: a "/" or "/." at its end follows a symlink. */
static int pack_include(struct packer *packer, const char *include, struct oakum_error *err)
{
	struct walker_item item;
	int r = bytes_set_text(&packer->start, packer->source.data);

	if (r == 0)
		r = bytes_append_text(&packer->start, "/");
	if (r == 0)
		r = bytes_append_text(&packer->start, include);
	if (r == 0)
		r = walker_start(packer->walker, packer->start.data);
	if (r < 0)
		return fail(err, -r, "walk", include);
	while ((r = walker_next(packer->walker, &item, err)) > 0) {
		r = visit(packer, &item, include, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* What is no directory is walked as the only include of the directory it is in. */
static int split_source(struct packer *packer)
{
	char *clean = packer->clean.data;
	const char *base = name_base(clean);

	if (packer->options->storage->include_files != NULL &&
		packer->options->storage->include_files[0] != NULL)
		warn(packer, "Tar: Can't archive a file with includes", NULL);
	int r = bytes_set_text(&packer->include, base);
	if (r == 0) {
		clean[base - clean > 1 ? base - clean - 1 : 1] = '\0';
		r = bytes_set_text(&packer->source, clean);
	}
	return r;
}

/* Is it a directory? 1, 0, or -errno. */
static int find_source(struct packer *packer, struct oakum_error *err)
{
	const char *source = packer->options->source;
	struct stat status;
	int r = walker_look(packer->walker, source, &status);

	if (r < 0)
		return fail(err, -r, "lstat", source);
	r = bytes_set_text(&packer->source, source);
	if (r == 0)
		r = bytes_set_text(&packer->clean, source);
	if (r == 0)
		go_path_clean(packer->clean.data, packer->clean.data);
	if (r == 0 && !S_ISDIR(status.st_mode))
		r = split_source(packer);
	if (r < 0)
		return fail(err, -r, "split", source);
	return S_ISDIR(status.st_mode);
}

/* Callers of containers/storage take a source that is not there for one with nothing in it. */
static bool is_nowhere(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

static int pack_all(struct packer *packer, struct oakum_error *err)
{
	const char *const *includes = packer->options->storage->include_files;
	int r = find_source(packer, err);

	if (r < 0 && is_nowhere(err->code)) {
		warn(packer, "Can't find ", packer->options->source, ": ", go_errno_text(err->code),
			"; the archive is empty", NULL);
		return 0;
	}
	if (r == 0)
		return pack_include(packer, packer->include.data, err);
	if (r > 0 && (includes == NULL || *includes == NULL))
		return pack_include(packer, ".", err);
	for (r = r < 0 ? r : 0; r == 0 && *includes != NULL; includes++)
		r = pack_include(packer, *includes, err);
	return r;
}

int packer_run(struct packer *packer, struct oakum_error *err)
{
	int r = walker_new(packer->options->root_fd, &packer->walker);

	if (r < 0)
		return fail(err, -r, "prepare to walk", NULL);
	r = pack_all(packer, err);
	if (r == 0)
		r = output_zeros(packer->output, TAR_END_BYTES, err);
	if (r == 0)
		r = output_finish(packer->output, err);
	return r;
}

int packer_open(
	const struct packer_options *options, struct packer **packer, struct oakum_error *err)
{
	const struct storage_options *storage = options->storage;
	struct packer *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare to pack", NULL);
	new->options = options;
	const struct output_options output = {
		.stream_fd = options->stream_fd,
		.compression = storage->compression,
		.name = "/dev/stdout",
	};
	int r = patterns_new(storage->exclude_patterns, &new->patterns, err);
	if (r == 0)
		r = output_open(&output, &new->output, err);
	if (r < 0)
		packer_close(&new);
	*packer = new;
	return r;
}

void packer_close(struct packer **packer)
{
	struct packer *closed = *packer;

	*packer = NULL;
	if (closed == NULL)
		return;
	struct bytes *const buffers[] = { &closed->source, &closed->clean, &closed->include,
		&closed->start, &closed->relative, &closed->renamed, &closed->name,
		&closed->blocks };
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		bytes_free(buffers[i]);
	patterns_free(closed->patterns);
	output_free(closed->output);
	walker_free(closed->walker);
	inodes_free(&closed->inodes);
	attributes_free(&closed->attributes);
	packed_free(&closed->packed);
	free(closed);
}
