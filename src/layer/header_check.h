/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw blocks, in front of libarchive: finds every header, sums and limits
 * what extensions may bring, and refuses what two parsers could read
 * differently. Pure: bytes in, verdicts out; no system call.
 *
 * The tar reader feeds every byte here before libarchive may see it, and then
 * compares each entry of libarchive with the member found here: two readers,
 * one archive.
 */
#ifndef OAKUM_LAYER_HEADER_CHECK_H
#define OAKUM_LAYER_HEADER_CHECK_H

#include "layer/limits.h"

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One member as the raw headers describe it. Agrees with libarchive in order,
 * in position with archive_read_header_position(), and in logical_bytes with
 * archive_entry_size() where there is content. In the type it agrees too, but
 * for a name that is not UTF-8 and ends in a slash: there type_flag is right.
 */
struct header_member {
	uint64_t position;	/* bytes of stream before its headers, the first extension
				   included */
	uint64_t stored_bytes;	/* of its body in the stream, sparse maps included,
				   padding not */
	uint64_t logical_bytes; /* of the file that it describes; the same but for
				   sparse files */
	uint64_t claimed_bytes; /* the size that its header has, also where there is no body:
				   that of the file where it is sparse */
	/*
	 * What it is: '0' a file, by whatever letter ('\0', '7'); 'S' an old GNU
	 * sparse file; '5' a directory, also one that is a file whose name ends in
	 * a slash; '1', '2', '3', '4', '6' as in POSIX.
	 */
	char type_flag;
	/*
	 * Of a link whose own header has none, but an extension: good until the next member is
	 * asked for; else NULL. libarchive 3.6 loses it.
	 */
	char *link_path;
	uint32_t mode;	 /* 07777 of the header, where libarchive mixes ACLs in */
	bool has_mtime;	 /* of a pax record, exact, where libarchive is not (before
			    1970) */
	int64_t mtime_s; /* rounded down */
	uint32_t mtime_ns;
	bool has_atime; /* in any form */
	int64_t atime_s;
	uint32_t atime_ns;
};

struct header_check;

struct header_check_options {
	const struct limits *limits; /* borrowed; kept */
	uint32_t profile;	     /* enum oakum_profile */
	uint32_t trailing;	     /* enum oakum_trailing */
	/*
	 * As Go's archive/tar, where that does no harm: global headers say nothing, a file
	 * whose name ends in a slash is one unless its type is NUL, a hard link has no body
	 * whatever its size, padding may be missing at the end.
	 */
	bool reads_as_go;
};

/* A new checker, to be ended with header_check_free(); NULL without memory. */
struct header_check *header_check_new(const struct header_check_options *options);
void header_check_free(struct header_check *check);

/*
 * Takes the next bytes of the stream, any number of them. -EBADMSG or -EFBIG on
 * the first thing that may not pass, named by its entry where one is known;
 * -ENOMEM. The bytes must not reach libarchive then, and nothing more be fed.
 */
int header_check_feed(
	struct header_check *check, const void *bytes, size_t length, struct oakum_error *err);

/* The stream is at its end: was that a good place? *ended_early tells
 * truncation from the rest. */
int header_check_finish(struct header_check *check, bool *ended_early, struct oakum_error *err);

/* The next member in stream order that was found and not yet asked for: 1, or 0
 * when none is. */
int header_check_next(struct header_check *check, struct header_member *member);

/*
 * At the end of the stream: how many zeros it lacks to be whole, to be fed before
 * header_check_finish(); 0 unless that is allowed.
 */
size_t header_check_missing_padding(const struct header_check *check);

/* True once both zero blocks of the end of the archive were seen. */
bool header_check_at_end(const struct header_check *check);

/* Where the last member ends that has passed, its padding included; it may not all be fed yet. */
uint64_t header_check_members_end(const struct header_check *check);

/* Counts what was passed over so far: trailing_bytes, volume_labels. */
void header_check_count(const struct header_check *check, struct oakum_stats *stats);

/* The name of the entry whose header was the last; "" before the first. As errors tell it. */
const char *header_check_name(const struct header_check *check);

/* Bytes of stream that were fed. */
uint64_t header_check_position(const struct header_check *check);

#endif
