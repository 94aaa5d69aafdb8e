/* SPDX-License-Identifier: Apache-2.0 */
#include "layer/header_check.h"

#include "base/error.h"
#include "layer/block.h"
#include "layer/extension.h"
#include "layer/member_queue.h"
#include "layer/sparse_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum state {
	AT_HEADER,
	IN_EXTENSION,	/* the body of x, g, L or K: collected */
	IN_GNU_REGIONS, /* blocks of regions after an old GNU sparse header */
	IN_TEXT_MAP,	/* the text map before the content of pax sparse 1.0 */
	IN_BODY,	/* content and padding: passed over */
	AFTER_ZERO_BLOCK,
	AT_END,
};

struct header_check {
	const struct limits *limits;
	bool is_strict;
	bool refuses_trailing;
	bool reads_as_go;

	enum state state;
	uint64_t position;    /* of the next byte to come */
	uint64_t header_at;   /* position of the last header, for messages */
	uint64_t member_from; /* position where the entry to come begins */
	uint64_t body_left;   /* of IN_BODY, padding included */
	uint64_t trailing_bytes;
	uint64_t trailing_data_bytes; /* of these, from the first that is not zero */
	uint64_t volume_labels;
	bool has_headers;
	bool has_member; /* the last entry is complete; the extensions are still its own */

	struct block block; /* being filled */
	size_t block_filled;

	struct extensions extensions;
	char header_name[EXTENSION_NAME_BYTES]; /* that of the header itself, for messages */
	struct header_member member;		/* of the header whose regions are being read */
	struct sparse_file sparse;

	struct member_queue queue;
	char *lent_link_path; /* of the member that was asked for last */
};

struct header_check *header_check_new(const struct header_check_options *options)
{
	struct header_check *check = calloc(1, sizeof(*check));

	if (check == NULL)
		return NULL;
	check->limits = options->limits;
	check->is_strict = options->profile == OAKUM_PROFILE_STRICT;
	check->refuses_trailing = options->trailing == OAKUM_TRAILING_REFUSE;
	check->reads_as_go = options->reads_as_go;
	check->extensions.limits = options->limits;
	check->extensions.ignores_global = options->reads_as_go;
	check->extensions.is_strict = check->is_strict;
	return check;
}

void header_check_free(struct header_check *check)
{
	if (check == NULL)
		return;
	struct header_member unread;

	free(check->extensions.body);
	while (member_queue_pop(&check->queue, &unread))
		free(unread.link_path);
	free(check->queue.items);
	free(check->lent_link_path);
	free(check->member.link_path);
	free(check);
}

#define FORMATS "gzip, bzip2, xz, zstd or lz4"

static int refuse(const char *why, struct oakum_error *err)
{
	return fail_because(err, EBADMSG, "read header", NULL, "%s", why);
}

const char *header_check_name(const struct header_check *check)
{
	const char *name = check->extensions.name;

	return *name == '\0' ? check->header_name : name;
}

/* Completes an error from below, where neither name nor place is known. */
static int tell_where(const struct header_check *check, struct oakum_error *err)
{
	const struct oakum_error found = *err;

	return fail_because(err, found.code, found.op, header_check_name(check),
		"%s%sits header is at byte %" PRIu64 " of the stream", found.detail,
		found.detail[0] == '\0' ? "" : "; ", check->header_at);
}

/* --- members found --- */

int header_check_next(struct header_check *check, struct header_member *member)
{
	if (!member_queue_pop(&check->queue, member))
		return 0;
	free(check->lent_link_path);
	check->lent_link_path = member->link_path;
	return 1;
}

static uint64_t padded(uint64_t bytes)
{
	return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

/* The entry's headers are complete and good: libarchive may be told of it. */
static int finish_member(struct header_check *check, uint64_t body_left, struct oakum_error *err)
{
	if (member_queue_push(&check->queue, &check->member) < 0)
		return fail(err, ENOMEM, "read header", NULL);
	check->member.link_path = NULL; /* the queue's */
	check->has_member = true;
	check->member_from = check->position + body_left;
	check->body_left = body_left;
	check->state = body_left > 0 ? IN_BODY : AT_HEADER;
	return 0;
}

/* r: what sparse_file said of the map so far. */
static int enter_map(struct header_check *check, enum state state, int r, struct oakum_error *err)
{
	const struct sparse_file *sparse = &check->sparse;

	if (r < 0)
		return r;
	check->state = state;
	check->member.logical_bytes = sparse->real_bytes;
	check->member.claimed_bytes = sparse->real_bytes;
	return r == 0 ? 0
		      : finish_member(check, padded(sparse->stored_bytes) - sparse->map_bytes, err);
}

/* --- entries --- */

static bool ends_in_slash(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && name[length - 1] == '/';
}

/*
 * What the entry is, whatever its letter: all kinds of files are '0' but for
 * old GNU sparse ones, and of those a name that ends in a slash makes a
 * directory.
 */
static char plain_type(const struct header_check *check, char type_flag)
{
	bool may_be_directory = !check->reads_as_go || type_flag == '\0';

	if (type_flag == '\0' || type_flag == '7')
		type_flag = '0';
	if (may_be_directory && (type_flag == '0' || type_flag == 'S') &&
		ends_in_slash(check->extensions.name))
		type_flag = '5';
	return type_flag;
}

/* Most types have no body, and readers disagree on what a size on them means. */
static const char *check_body(
	const struct header_check *check, const struct block *block, uint64_t *size)
{
	char plain = check->member.type_flag;
	bool is_old_link = block->type_flag == '1' && !block_is_ustar(block);
	bool is_ignored =
		block->type_flag == plain && (plain != '1' || is_old_link || check->reads_as_go);

	if (plain == '0' || plain == 'S' || *size == 0)
		return NULL;
	if (check->extensions.pax.has_size || !is_ignored)
		return "a body on an entry of a type that has none";
	if (check->is_strict)
		return "a body on an entry of a type that has none; --profile=compat "
		       "ignores its size";
	*size = 0;
	return NULL;
}

/* Go leaves the field empty where nothing of a target is ASCII. */
static int describe_link(
	struct header_check *check, const struct block *block, struct oakum_error *err)
{
	const struct text *link = &check->extensions.pax.link_path;
	bool is_link = block->type_flag == '1' || block->type_flag == '2';

	if (!is_link || link->length == 0 || block->link_name[0] != '\0')
		return 0;
	check->member.link_path = strndup(link->bytes, link->length);
	return check->member.link_path == NULL ? fail(err, ENOMEM, "read header", NULL) : 0;
}

static void describe_atime(struct header_check *check, const struct block *block)
{
	const struct pax *pax = &check->extensions.pax;
	struct header_member *member = &check->member;

	member->has_atime = pax->has_atime;
	member->atime_s = pax->atime_s;
	member->atime_ns = pax->atime_ns;
	if (!member->has_atime)
		member->has_atime = block_atime(block, &member->atime_s);
}

static const char *describe_entry(
	struct header_check *check, const struct block *block, uint64_t size)
{
	const struct pax *pax = &check->extensions.pax;

	if (pax->has_size)
		size = pax->size;
	check->member = (struct header_member){
		.position = check->member_from,
		.claimed_bytes = size,
		.mode = block_mode(block),
		.type_flag = plain_type(check, block->type_flag),
		.has_mtime = pax->has_mtime,
		.mtime_s = pax->mtime_s,
		.mtime_ns = pax->mtime_ns,
	};
	describe_atime(check, block);
	const char *why = check_body(check, block, &size);
	if (why != NULL)
		return why;
	if (size > INT64_MAX - check->position - BLOCK_BYTES)
		return "a size that no stream can have";
	check->member.stored_bytes = size;
	return extension_conflict(&check->extensions, block->type_flag);
}

static int begin_sparse(
	struct header_check *check, const struct block *block, struct oakum_error *err)
{
	char plain = check->member.type_flag;

	if (plain != '0' && plain != 'S')
		return refuse("a sparse file that is no file", err);
	check->sparse = (struct sparse_file){
		.limits = check->limits,
		.stored_bytes = check->member.stored_bytes,
	};
	if (plain == 'S')
		return enter_map(check, IN_GNU_REGIONS,
			sparse_file_begin_gnu(&check->sparse, block, err), err);
	return enter_map(check, IN_TEXT_MAP,
		sparse_file_begin_pax(&check->sparse, &check->extensions.pax, err), err);
}

static int begin_entry(struct header_check *check, const struct block *block, uint64_t size,
	struct oakum_error *err)
{
	const char *why;

	if (memchr("0123456S", block->type_flag, sizeof("0123456S")) == NULL &&
		(block->type_flag != '7' || check->reads_as_go))
		return fail_because(err, EBADMSG, "read type", NULL, "unhandled tar header type %d",
			(unsigned char)block->type_flag);
	why = block_check_entry(block);
	if (why == NULL)
		why = describe_entry(check, block, size);
	if (why != NULL)
		return refuse(why, err);
	if (describe_link(check, block, err) < 0)
		return -err->code;
	if (block->type_flag == 'S' || pax_sparse_kind(&check->extensions.pax) != PAX_SPARSE_NONE)
		return begin_sparse(check, block, err);
	check->member.logical_bytes = check->member.stored_bytes;
	if (check->member.logical_bytes > check->limits->logical_bytes)
		return limit_exceeded(err, "logical-bytes", check->limits->logical_bytes, NULL);
	return finish_member(check, padded(check->member.stored_bytes), err);
}

static int continue_extension(struct header_check *check, struct oakum_error *err)
{
	check->state = IN_EXTENSION;
	if (!extension_is_complete(&check->extensions))
		return 0;
	check->state = AT_HEADER;
	return extension_finish(&check->extensions, err);
}

static int take_extension(struct header_check *check, struct oakum_error *err)
{
	int r = extension_take(&check->extensions, &check->block, err);

	return r < 0 ? r : continue_extension(check, err);
}

static int begin_header(
	struct header_check *check, const struct block *block, struct oakum_error *err)
{
	uint64_t size;

	if (!block_is_header(block))
		return refuse(check->has_headers || check->reads_as_go
				      ? "no tar header: its checksum is wrong"
				      : "no tar archive, plain or in " FORMATS
					", or the checksum of its first header is wrong",
			err);
	block_name(block, check->header_name);
	const char *why = block_check(block, &size);
	if (why != NULL)
		return refuse(why, err);
	check->has_headers = true;
	check->volume_labels += block->type_flag == 'V';
	if (!extension_is(block->type_flag)) {
		if (check->extensions.name[0] == '\0')
			block_name(block, check->extensions.name);
		return begin_entry(check, block, size, err);
	}
	int r = extension_begin(&check->extensions, block->type_flag, size, err);
	return r < 0 ? r : continue_extension(check, err);
}

static int take_header(
	struct header_check *check, const struct block *block, struct oakum_error *err)
{
	const bool is_zero = block_is_zero(block);

	check->header_at = check->position - BLOCK_BYTES;
	if (!is_zero && check->has_member) {
		extension_reset(&check->extensions);
		check->header_name[0] = '\0';
		check->has_member = false;
	}
	if (!is_zero && check->state == AFTER_ZERO_BLOCK)
		return refuse("one block of zeros in the middle: readers disagree", err);
	if (!is_zero)
		return begin_header(check, block, err);
	if (!check->has_member && check->extensions.is_open)
		return refuse("extension headers with no entry after them", err);
	check->state = check->state == AFTER_ZERO_BLOCK ? AT_END : AFTER_ZERO_BLOCK;
	return 0;
}

/* --- the stream --- */

static int take_block(struct header_check *check, struct oakum_error *err)
{
	switch (check->state) {
	case AT_HEADER:
	case AFTER_ZERO_BLOCK:
		return take_header(check, &check->block, err);
	case IN_EXTENSION:
		return take_extension(check, err);
	case IN_GNU_REGIONS:
		return enter_map(check, check->state,
			sparse_file_take_gnu(&check->sparse, &check->block, err), err);
	case IN_TEXT_MAP:
		return enter_map(check, check->state,
			sparse_file_take_text(&check->sparse, &check->block, err), err);
	case IN_BODY:
	case AT_END:
		break;
	}
	__builtin_unreachable();
}

/* Fills the block; how many bytes of from it took. */
static size_t fill_block(struct header_check *check, const char *from, size_t length)
{
	size_t room = BLOCK_BYTES - check->block_filled;
	size_t taken = length < room ? length : room;

	memcpy((char *)&check->block + check->block_filled, from, taken);
	check->block_filled += taken;
	return taken;
}

static size_t pass_over_body(struct header_check *check, size_t length)
{
	size_t taken = length < check->body_left ? length : (size_t)check->body_left;

	check->body_left -= taken;
	if (check->body_left == 0)
		check->state = AT_HEADER;
	return taken;
}

/* How many zeros come first. Most often all are. */
static size_t count_zeros(const char *bytes, size_t length)
{
	size_t count = 0;

	if (length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0))
		return length;
	while (bytes[count] == 0)
		count++;
	return count;
}

static int take_trailing(
	struct header_check *check, const char *bytes, size_t length, struct oakum_error *err)
{
	const uint64_t limit = check->limits->trailing_bytes;
	const uint64_t left = limit - check->trailing_bytes;
	const size_t within = length < left ? length : (size_t)left;
	const size_t zeros = check->trailing_data_bytes > 0 ? 0 : count_zeros(bytes, within);

	/* What comes first is said first, in whatever pieces it comes. */
	if (check->refuses_trailing && zeros < within)
		return fail_because(err, EBADMSG, "read header", NULL,
			"data after the end of the archive at byte %" PRIu64
			"; --trailing=ignore accepts it",
			check->header_at);
	if (length > left)
		return limit_exceeded(err, "trailing-bytes", limit, check->extensions.name);
	check->trailing_bytes += length;
	check->trailing_data_bytes += length - zeros;
	return 0;
}

int header_check_feed(
	struct header_check *check, const void *bytes, size_t length, struct oakum_error *err)
{
	const char *from = bytes;

	while (length > 0 && check->state != AT_END) {
		bool is_body = check->state == IN_BODY;
		size_t taken =
			is_body ? pass_over_body(check, length) : fill_block(check, from, length);
		check->position += taken;
		from += taken;
		length -= taken;
		if (is_body || check->block_filled < BLOCK_BYTES)
			continue;
		check->block_filled = 0;
		if (take_block(check, err) < 0)
			return tell_where(check, err);
	}
	if (length == 0)
		return 0;
	check->position += length;
	return take_trailing(check, from, length, err);
}

int header_check_finish(struct header_check *check, bool *ended_early, struct oakum_error *err)
{
	bool is_open = !check->has_member && check->extensions.is_open;
	bool is_between = check->state == AT_HEADER && check->block_filled == 0 && !is_open;
	bool is_in_header = check->state != IN_BODY && check->has_member;

	*ended_early = false;
	if (check->state == AT_END)
		return 0;
	if (check->state == AFTER_ZERO_BLOCK && check->block_filled == 0)
		return 0;
	if (is_between && (!check->has_headers || !check->is_strict))
		return 0;
	*ended_early = true;
	if (is_between)
		return fail_because(err, EBADMSG, "read header", NULL,
			"the archive has no end after byte %" PRIu64
			": it was cut off, or --profile=compat accepts it",
			check->position);
	if (!check->has_headers)
		return fail_because(err, EBADMSG, "read header", NULL,
			"too short for a tar archive, plain or in " FORMATS
			": it ends after byte %" PRIu64,
			check->position);
	return fail_because(err, EBADMSG, "read header",
		is_in_header ? NULL : check->extensions.name,
		"the archive is cut off after byte %" PRIu64, check->position);
}

size_t header_check_missing_padding(const struct header_check *check)
{
	bool is_in_padding = check->state == IN_BODY && check->body_left < BLOCK_BYTES &&
			     check->member.stored_bytes % BLOCK_BYTES != 0;
	size_t padding = BLOCK_BYTES - (size_t)(check->member.stored_bytes % BLOCK_BYTES);

	if (!check->reads_as_go || !is_in_padding || check->body_left > padding)
		return 0;
	return (size_t)check->body_left;
}

bool header_check_at_end(const struct header_check *check)
{
	return check->state == AT_END;
}

uint64_t header_check_members_end(const struct header_check *check)
{
	return check->member_from;
}

uint64_t header_check_position(const struct header_check *check)
{
	return check->position;
}

void header_check_count(const struct header_check *check, struct oakum_stats *stats)
{
	stats->trailing_bytes = check->trailing_data_bytes;
	stats->volume_labels = check->volume_labels;
}
