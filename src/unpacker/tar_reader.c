/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/tar_reader.h"

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "layer/acl.h"
#include "layer/header_check.h"
#include "layer/path.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUFFER_BYTES = RING_SLOT_BYTES,
	ACLS_MAX = 3, /* of access, default, NFSv4 */
};

/* One ACL of the entry, as the attribute that it becomes. */
struct acl_buffer {
	struct acl_entry *entries;
	unsigned char *value;
	size_t room; /* in entries, of both */
};

struct tar_reader {
	int stream_fd;
	struct ring_reader *ring;
	const struct limits *limits;
	bool reads_as_go;
	int64_t deadline;
	struct archive *archive;
	struct header_check *check;
	unsigned char *buffer; /* BUFFER_BYTES: what libarchive is given to read */
	size_t first_bytes;    /* of it, read ahead to see whether there is anything */
	bool has_started;
	bool stream_ended;
	bool ended_early;
	bool is_behind;
	bool is_of_entry; /* the last error: both readers know where the next entry begins */
	struct oakum_error stream_error; /* .code != 0: why the stream went no further */

	/* what the entry points at */
	char *path;
	char *link;
	size_t path_room;
	size_t link_room;
	struct xattr *xattrs;
	size_t xattr_room;
	struct acl_buffer access_acl;
	struct acl_buffer default_acl;
};

/* The stream is at its end; what may be missing there is made up for. */
static ssize_t finish_stream(struct tar_reader *reader)
{
	size_t missing = header_check_missing_padding(reader->check);
	int r;

	if (missing > 0) {
		memset(reader->buffer, 0, missing);
		r = header_check_feed(
			reader->check, reader->buffer, missing, &reader->stream_error);
		return r < 0 ? r : (ssize_t)missing;
	}
	reader->stream_ended = true;
	return header_check_finish(reader->check, &reader->ended_early, &reader->stream_error);
}

/*
 * What comes before a bad header is read, however the bytes arrive: so much of the buffer, all
 * of it whole members that have passed. The error waits for whoever reads on.
 */
static ssize_t bytes_before_fault(const struct tar_reader *reader, uint64_t from, int fault)
{
	uint64_t end = header_check_members_end(reader->check);

	return end > from ? (ssize_t)(end - from) : fault;
}

static ssize_t read_stream(const struct tar_reader *reader)
{
	if (reader->ring != NULL)
		return ring_reader_take(
			reader->ring, reader->buffer, BUFFER_BYTES, reader->deadline);
	return fd_read_by(reader->stream_fd, reader->buffer, BUFFER_BYTES, reader->deadline);
}

/* Reads on and has every byte checked before anybody else may see it; how many, or -errno. */
static ssize_t fill_buffer(struct tar_reader *reader)
{
	const uint64_t from = header_check_position(reader->check);
	struct oakum_error *err = &reader->stream_error;
	ssize_t got;

	if (err->code != 0)
		return -err->code;
	reader->is_behind = fd_is_readable(reader->stream_fd);
	got = read_stream(reader);
	if (got == -ETIMEDOUT)
		return limit_of_time_exceeded(err, header_check_name(reader->check));
	if (got < 0)
		return fail(err, (int)-got, "read", NULL);
	if (got == 0)
		return finish_stream(reader);
	int r = header_check_feed(reader->check, reader->buffer, (size_t)got, err);
	return r < 0 ? bytes_before_fault(reader, from, r) : got;
}

static la_ssize_t give_libarchive(struct archive *archive, void *context, const void **bytes)
{
	struct tar_reader *reader = context;
	ssize_t got = (ssize_t)reader->first_bytes;

	*bytes = reader->buffer;
	reader->first_bytes = 0;
	if (got == 0 && !reader->stream_ended)
		got = fill_buffer(reader);
	if (got < 0) {
		archive_set_error(archive, EIO, "refused");
		return ARCHIVE_FATAL;
	}
	return got;
}

int tar_reader_new(const struct tar_reader_options *options, struct tar_reader **reader,
	struct oakum_error *err)
{
	const struct header_check_options check = {
		.limits = options->limits,
		.profile = options->profile,
		.trailing = options->trailing,
		.reads_as_go = options->reads_as_go,
	};
	struct tar_reader *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return fail(err, ENOMEM, "prepare reader", NULL);
	new->stream_fd = options->stream_fd;
	new->ring = options->ring;
	new->limits = options->limits;
	new->deadline = deadline_from_now(options->limits->timeout_ms);
	new->reads_as_go = options->reads_as_go;
	new->buffer = malloc(BUFFER_BYTES);
	new->check = header_check_new(&check);
	new->archive = archive_read_new();
	if (new->buffer == NULL || new->check == NULL || new->archive == NULL ||
		archive_read_support_format_tar(new->archive) != ARCHIVE_OK) {
		tar_reader_free(new);
		return fail(err, ENOMEM, "prepare reader", NULL);
	}
	*reader = new;
	return 0;
}

static void free_acl(struct acl_buffer *acl)
{
	free(acl->entries);
	free(acl->value);
}

void tar_reader_free(struct tar_reader *reader)
{
	if (reader == NULL)
		return;
	archive_read_free(reader->archive);
	header_check_free(reader->check);
	free(reader->buffer);
	free(reader->path);
	free(reader->link);
	free(reader->xattrs);
	free_acl(&reader->access_acl);
	free_acl(&reader->default_acl);
	free(reader);
}

/* After this no further call of libarchive is made: it may go on in the middle of something. */
static int give_up(struct tar_reader *reader, const char *name, struct oakum_error *err)
{
	const char *why = archive_error_string(reader->archive);

	if (reader->stream_error.code != 0) {
		*err = reader->stream_error;
		return -err->code;
	}
	return fail_because(err, EBADMSG, "read entry", name, "%s",
		why == NULL ? "libarchive does not say why" : why);
}

static int differ(const char *name, const char *what, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, "compare readers", name,
		"two readers of its header disagree on its %s: it may be made to deceive one",
		what);
}

static const struct {
	char type_flag;
	mode_t type;
} types[] = {
	{ '0', AE_IFREG },
	{ 'S', AE_IFREG },
	{ '2', AE_IFLNK },
	{ '3', AE_IFCHR },
	{ '4', AE_IFBLK },
	{ '5', AE_IFDIR },
	{ '6', AE_IFIFO },
};

/* Old tars wrote a directory as a file whose name ends in a slash. */
static bool is_old_directory(struct archive_entry *from, const struct header_member *member)
{
	return member->type_flag == '0' && archive_entry_filetype(from) == AE_IFDIR;
}

static bool agree_on_type(struct archive_entry *from, const struct header_member *member)
{
	const bool has_link = archive_entry_hardlink(from) != NULL;

	if (member->type_flag == '1')
		return has_link || member->link_path != NULL;
	if (has_link)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type_flag == member->type_flag)
			return types[i].type == archive_entry_filetype(from) ||
			       is_old_directory(from, member);
	}
	return false;
}

/* Two readers, one archive: what libarchive found must be what the raw headers say. */
static int compare_readers(struct tar_reader *reader, struct archive_entry *from,
	struct header_member *member, struct oakum_error *err)
{
	const char *name = archive_entry_pathname(from);

	if (header_check_next(reader->check, member) == 0)
		return differ(name, "existence", err);
	if (archive_read_header_position(reader->archive) != (la_int64_t)member->position)
		return differ(name, "place", err);
	if (!agree_on_type(from, member))
		return differ(name, "type", err);
	if (is_old_directory(from, member) && member->stored_bytes > 0)
		return fail_because(err, EBADMSG, "read header", name, "a body on a directory");
	if (member->type_flag != '1' && archive_entry_filetype(from) == AE_IFREG &&
		archive_entry_size(from) != (la_int64_t)member->logical_bytes)
		return differ(name, "size", err);
	return 0;
}

static int clean_into(const struct tar_reader *reader, const char *name, char **buffer,
	size_t *room, struct oakum_error *err)
{
	size_t need = strlen(name) + 1;

	if (need > *room) {
		char *larger = realloc(*buffer, need);
		if (larger == NULL)
			return fail(err, ENOMEM, "read entry", name);
		*buffer = larger;
		*room = need;
	}
	return path_clean(name, reader->limits, *buffer, err);
}

static int type_of(const struct tar_reader *reader, struct archive_entry *from,
	const struct header_member *member, enum entry_type *type)
{
	if (member->type_flag == '1') {
		*type = ENTRY_HARD_LINK;
		return 0;
	}
	if (reader->reads_as_go && is_old_directory(from, member)) {
		*type = ENTRY_FILE;
		return 0;
	}
	switch (archive_entry_filetype(from)) {
	case AE_IFREG:
		*type = ENTRY_FILE;
		return 0;
	case AE_IFDIR:
		*type = ENTRY_DIRECTORY;
		return 0;
	case AE_IFLNK:
		*type = ENTRY_SYMLINK;
		return 0;
	case AE_IFCHR:
		*type = ENTRY_CHARACTER_DEVICE;
		return 0;
	case AE_IFBLK:
		*type = ENTRY_BLOCK_DEVICE;
		return 0;
	case AE_IFIFO:
		*type = ENTRY_FIFO;
		return 0;
	default:
		return -EBADMSG;
	}
}

/* As the layer spells it: from libarchive, unless that has lost it. */
static const char *link_name_of(struct archive_entry *from, const struct header_member *member)
{
	if (member->link_path != NULL)
		return member->link_path;
	return member->type_flag == '1' ? archive_entry_hardlink(from)
					: archive_entry_symlink(from);
}

static int take_links(struct tar_reader *reader, struct archive_entry *from,
	const struct header_member *member, struct entry *entry, struct oakum_error *err)
{
	if (entry->type != ENTRY_HARD_LINK && entry->type != ENTRY_SYMLINK)
		return 0;
	entry->link_name = link_name_of(from, member);
	entry->link = entry->link_name;
	if (entry->link == NULL)
		return fail_because(err, EBADMSG, "check link", entry->name, "a link to nothing");
	if (entry->type == ENTRY_SYMLINK || reader->reads_as_go)
		return 0;
	int r = clean_into(reader, entry->link_name, &reader->link, &reader->link_room, err);
	if (r < 0)
		return fail_because(err, -r, "check link", entry->name,
			"its target has an empty name, a \"..\", or is too long");
	entry->link = reader->link;
	return 0;
}

/* --- attributes --- */

static const struct {
	int theirs;
	enum acl_tag ours;
} acl_tags[] = {
	{ ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_OF_OWNER },
	{ ARCHIVE_ENTRY_ACL_USER, ACL_OF_USER },
	{ ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_OF_OWNING_GROUP },
	{ ARCHIVE_ENTRY_ACL_GROUP, ACL_OF_GROUP },
	{ ARCHIVE_ENTRY_ACL_MASK, ACL_OF_MASK },
	{ ARCHIVE_ENTRY_ACL_OTHER, ACL_OF_OTHERS },
};

/* The next entry of an ACL of that type. False at its end, or with what no POSIX ACL has. */
static bool next_acl_entry(struct archive_entry *from, int type, struct acl_entry *entry)
{
	const char *name;
	int of_type;
	int permissions;
	int tag;
	int id;

	if (archive_entry_acl_next(from, type, &of_type, &permissions, &tag, &id, &name) !=
		ARCHIVE_OK)
		return false;
	for (size_t i = 0; i < sizeof(acl_tags) / sizeof(acl_tags[0]); i++) {
		if (acl_tags[i].theirs != tag)
			continue;
		*entry = (struct acl_entry){
			.tag = acl_tags[i].ours,
			.permissions = (uint32_t)permissions & 07,
			.id = id < 0 ? UINT32_MAX : (uint32_t)id,
		};
		return true;
	}
	return false;
}

static int reserve_acl(struct acl_buffer *acl, size_t count)
{
	if (count <= acl->room)
		return 0;
	free_acl(acl);
	*acl = (struct acl_buffer){
		.entries = calloc(count, sizeof(*acl->entries)),
		.value = malloc(acl_bytes(count)),
		.room = count,
	};
	return acl->entries == NULL || acl->value == NULL ? -ENOMEM : 0;
}

/* The entry's ACL of that type as an attribute: 1, 0 if it has none, or -ENOMEM. */
static int take_acl(
	struct archive_entry *from, int type, struct acl_buffer *acl, struct xattr *xattr)
{
	const bool is_default = type == ARCHIVE_ENTRY_ACL_TYPE_DEFAULT;
	const int most = archive_entry_acl_reset(from, type);
	size_t count = 0;

	if (most <= 0)
		return 0;
	if (reserve_acl(acl, (size_t)most) < 0)
		return -ENOMEM;
	while (count < acl->room && next_acl_entry(from, type, &acl->entries[count]))
		count++;
	acl_write(acl->entries, count, acl->value);
	*xattr = (struct xattr){
		.name = is_default ? "system.posix_acl_default" : "system.posix_acl_access",
		.value = acl->value,
		.value_bytes = acl_bytes(count),
	};
	return 1;
}

/* Those of pax as text (SCHILY.acl.*), behind the attributes; how many, or -ENOMEM. */
static int take_acls(struct tar_reader *reader, struct archive_entry *from, struct xattr *xattrs)
{
	int count = 0;
	int r = take_acl(from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &reader->access_acl, xattrs);

	if (r < 0)
		return r;
	count += r;
	r = take_acl(from, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, &reader->default_acl, xattrs + count);
	if (r < 0)
		return r;
	count += r;
	if (archive_entry_acl_count(from, ARCHIVE_ENTRY_ACL_TYPE_NFS4) > 0)
		xattrs[count++] = (struct xattr){ .name = "system.nfs4_acl", .value = "" };
	return count;
}

static int reserve_xattrs(struct tar_reader *reader, size_t count)
{
	if (count <= reader->xattr_room)
		return 0;
	struct xattr *larger = realloc(reader->xattrs, count * sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	reader->xattrs = larger;
	reader->xattr_room = count;
	return 0;
}

static int take_xattrs(struct tar_reader *reader, struct archive_entry *from, struct entry *entry,
	struct oakum_error *err)
{
	size_t count = (size_t)archive_entry_xattr_reset(from);
	int acls = 0;

	if (reserve_xattrs(reader, count + ACLS_MAX) < 0)
		return fail(err, ENOMEM, "read entry", entry->name);
	/* Backwards: libarchive has the last one first, and of two of a name the last counts. */
	for (size_t i = count; i > 0; i--) {
		struct xattr *xattr = &reader->xattrs[i - 1];
		if (archive_entry_xattr_next(
			    from, &xattr->name, &xattr->value, &xattr->value_bytes) != ARCHIVE_OK ||
			xattr->name == NULL)
			return fail_because(err, EBADMSG, "read xattr", entry->name,
				"an extended attribute without a name");
	}
	entry->xattrs = reader->xattrs;
	if (!reader->reads_as_go) /* Go does not know them */
		acls = take_acls(reader, from, reader->xattrs + count);
	if (acls < 0)
		return fail(err, ENOMEM, "read entry", entry->name);
	entry->xattr_count = count + (size_t)acls;
	return 0;
}

static int take_entry(struct tar_reader *reader, struct archive_entry *from,
	const struct header_member *member, struct entry *entry, struct oakum_error *err)
{
	const char *name = archive_entry_pathname(from);

	if (name == NULL)
		return fail_because(err, EBADMSG, "read entry", NULL, "an entry without a name");
	*entry = (struct entry){
		.name = name,
		.mode = member->mode,
		.uid = (uint32_t)archive_entry_uid(from),
		.gid = (uint32_t)archive_entry_gid(from),
		.mtime_s = member->has_mtime ? member->mtime_s : archive_entry_mtime(from),
		.mtime_ns = member->has_mtime ? member->mtime_ns
					      : (uint32_t)archive_entry_mtime_nsec(from),
		.logical_bytes = member->logical_bytes,
		.claimed_bytes = member->claimed_bytes,
		.has_atime = member->has_atime,
		.atime_s = member->atime_s,
		.atime_ns = member->atime_ns,
	};
	if (archive_entry_uid(from) != entry->uid || archive_entry_gid(from) != entry->gid)
		return fail_because(
			err, EBADMSG, "read entry", name, "an owner that is no user or group id");
	if (type_of(reader, from, member, &entry->type) < 0)
		return fail_because(
			err, EBADMSG, "read entry", name, "a type of entry that is not known");
	if (entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE) {
		entry->device_major = (uint32_t)archive_entry_rdevmajor(from);
		entry->device_minor = (uint32_t)archive_entry_rdevminor(from);
	}
	int r = 0;
	if (!reader->reads_as_go) {
		r = clean_into(reader, name, &reader->path, &reader->path_room, err);
		entry->path = reader->path;
	}
	if (r == 0)
		r = take_links(reader, from, member, entry, err);
	return r < 0 ? r : take_xattrs(reader, from, entry, err);
}

/* The rest of the stream goes through the check alone, so that its feeder reaches its trailer. */
static int read_to_the_end(struct tar_reader *reader, struct oakum_error *err)
{
	struct header_member unseen;
	ssize_t got = 1;

	while (got > 0 && !reader->stream_ended)
		got = fill_buffer(reader);
	if (got < 0 || reader->stream_error.code != 0) {
		*err = reader->stream_error;
		return -err->code;
	}
	return header_check_next(reader->check, &unseen) > 0 ? differ(NULL, "end", err) : 0;
}

/* libarchive takes nothing at all for an unknown format; for us it is the empty layer. */
static int start(struct tar_reader *reader, struct oakum_error *err)
{
	ssize_t got = fill_buffer(reader);

	reader->has_started = true;
	if (got < 0) {
		*err = reader->stream_error;
		return -err->code;
	}
	reader->first_bytes = (size_t)got;
	if (got > 0 && archive_read_open(reader->archive, reader, NULL, give_libarchive, NULL) !=
			       ARCHIVE_OK)
		return give_up(reader, NULL, err);
	return got > 0;
}

/* A name that is not UTF-8, in a pax record that should be: its bytes are taken as they are. */
static bool is_about_encoding(const struct tar_reader *reader, int status)
{
	const char *why = archive_error_string(reader->archive);

	return status == ARCHIVE_WARN && why != NULL &&
	       strstr(why, "can't be converted from UTF-8") != NULL;
}

int tar_reader_next(struct tar_reader *reader, struct entry *entry, struct oakum_error *err)
{
	struct archive_entry *from;
	struct header_member member;
	int r = 1;

	reader->is_of_entry = false;
	if (!reader->has_started)
		r = start(reader, err);
	if (r <= 0)
		return r;
	r = archive_read_next_header(reader->archive, &from);
	if (r == ARCHIVE_EOF)
		return read_to_the_end(reader, err);
	/* Any other WARN: it left something out. RETRY: it lost its way and found another. */
	if (r != ARCHIVE_OK && !is_about_encoding(reader, r))
		return give_up(reader, NULL, err);
	r = compare_readers(reader, from, &member, err);
	if (r < 0)
		return r;
	r = take_entry(reader, from, &member, entry, err);
	reader->is_of_entry = r < 0 && r != -ENOMEM;
	return r < 0 ? r : 1;
}

ssize_t tar_reader_content(
	struct tar_reader *reader, const void **bytes, uint64_t *offset, struct oakum_error *err)
{
	la_int64_t at = 0;
	size_t length = 0;

	for (;;) {
		switch (archive_read_data_block(reader->archive, bytes, &length, &at)) {
		case ARCHIVE_EOF:
			return 0;
		case ARCHIVE_OK:
			break;
		default:
			return give_up(reader, NULL, err);
		}
		*offset = (uint64_t)at;
		if (length > 0)
			return (ssize_t)length;
	}
}

void tar_reader_count(const struct tar_reader *reader, struct oakum_stats *stats)
{
	header_check_count(reader->check, stats);
}

bool tar_reader_is_behind(const struct tar_reader *reader)
{
	return reader->is_behind;
}

bool tar_reader_ended_early(const struct tar_reader *reader)
{
	return reader->ended_early;
}

bool tar_reader_may_go_on(const struct tar_reader *reader)
{
	return reader->is_of_entry;
}
