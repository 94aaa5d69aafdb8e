/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tarball.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_REGIONS = 4,
	BLOCK_REGIONS = 21,
	REGION_BYTES = 24,
	BLOCK_IS_EXTENDED = BLOCK_REGIONS * REGION_BYTES,
};

static void bad_literal(const char *what, const char *name)
{
	fprintf(stderr, "tarball: %s: %s\n", what, name);
	abort();
}

void tarball_add_bytes(struct tarball *tarball, const void *bytes, size_t length)
{
	if (tarball->room - tarball->length < length) {
		size_t room = (tarball->length + length) * 2;
		char *larger = realloc(tarball->bytes, room);
		if (larger == NULL)
			bad_literal("out of memory", "");
		tarball->bytes = larger;
		tarball->room = room;
	}
	if (length > 0)
		memcpy(tarball->bytes + tarball->length, bytes, length);
	tarball->length += length;
}

void tarball_pad(struct tarball *tarball)
{
	static const char zeros[TAR_BLOCK_BYTES];

	tarball_add_bytes(tarball, zeros, -tarball->length % TAR_BLOCK_BYTES);
}

static void add_zero_blocks(struct tarball *tarball, size_t count)
{
	static const char zeros[TAR_BLOCK_BYTES];

	while (count-- > 0)
		tarball_add_bytes(tarball, zeros, sizeof(zeros));
}

void tarball_add_named(struct tarball *tarball, const char *name)
{
	char *record = NULL;

	if (asprintf(&record, "path=%s", name) < 0)
		abort();
	const char *const records[] = { record };
	const struct member pax = {
		.kind = MEMBER_PAX, .type_flag = 'x', .name = "pax", .records = records, .count = 1
	};
	tarball_add(tarball, &pax);
	tarball_add(tarball, &(const struct member)file("named", ""));
	free(record);
}

void tarball_free(struct tarball *tarball)
{
	free(tarball->bytes);
	*tarball = (struct tarball){ 0 };
}

/* --- headers --- */

static void put_text(char *block, size_t offset, size_t room, const char *text)
{
	if (text == NULL)
		return;
	if (strlen(text) > room)
		bad_literal("does not fit its field", text);
	memcpy(block + offset, text, strlen(text));
}

/* Octal with a NUL after it; where that is too short or negative, base-256 as GNU writes it. */
static void put_number(char *block, size_t offset, size_t room, int64_t number)
{
	char octal[32];

	snprintf(octal, sizeof(octal), "%0*" PRIo64, (int)room - 1, (uint64_t)number);
	if (number >= 0 && strlen(octal) < room) {
		memcpy(block + offset, octal, strlen(octal));
		return;
	}
	for (size_t i = 0; i < room; i++) {
		size_t shift = 8 * (room - 1 - i);
		block[offset + i] = (char)(number >> (shift > 56 ? 63 : shift));
	}
	block[offset] = (char)(number < 0 ? -1 : 0x80 | block[offset]);
}

static void put_magic(char *block, enum member_format format)
{
	switch (format) {
	case FORMAT_V7:
		return;
	case FORMAT_USTAR:
		memcpy(block + FIELD_MAGIC, "ustar\00000", 8);
		return;
	case FORMAT_GNU:
		memcpy(block + FIELD_MAGIC, "ustar  ", 8);
		return;
	}
}

static void put_checksum(char *block, enum member_checksum kind)
{
	int sum = kind == CHECKSUM_WRONG ? 1 : 0;

	memset(block + FIELD_CHECKSUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		sum += kind == CHECKSUM_SIGNED ? (signed char)block[i] : (unsigned char)block[i];
	snprintf(block + FIELD_CHECKSUM, 8, "%06o", (unsigned int)sum & 0777777);
}

static void put_patches(char *block, const struct member *member)
{
	for (size_t i = 0; i < member->patch_count; i++) {
		const struct patch *patch = &member->patches[i];
		if (patch->offset + patch->raw.length > TAR_BLOCK_BYTES)
			bad_literal("a patch lies outside of the header", member->name);
		memcpy(block + patch->offset, patch->raw.bytes, patch->raw.length);
	}
}

static uint32_t mode_of(const struct member *member)
{
	if (member->mode == MODE_ZERO)
		return 0;
	if (member->mode != 0)
		return member->mode;
	return member->type_flag == '5' ? 0755 : 0644;
}

static void fill_header(char *block, const struct member *member, uint64_t size)
{
	memset(block, 0, TAR_BLOCK_BYTES);
	put_text(block, FIELD_NAME, 100, member->name);
	put_text(block, FIELD_LINK, 100, member->link);
	put_number(block, FIELD_MODE, 8, mode_of(member));
	put_number(block, FIELD_UID, 8, (int64_t)member->uid);
	put_number(block, FIELD_GID, 8, (int64_t)member->gid);
	put_number(block, FIELD_SIZE, 12,
		(int64_t)(member->stated_bytes > 0 ? member->stated_bytes : size));
	put_number(block, FIELD_MTIME, 12, member->mtime);
	block[FIELD_TYPE] = member->type_flag;
	put_magic(block, member->format);
	if (member->format != FORMAT_V7) {
		put_number(block, FIELD_DEVICE_MAJOR, 8, (int64_t)member->device_major);
		put_number(block, FIELD_DEVICE_MINOR, 8, (int64_t)member->device_minor);
	}
	if (member->prefix != NULL)
		put_text(block, FIELD_PREFIX, 155, member->prefix);
}

void tarball_add_header(struct tarball *tarball, const struct member *member, uint64_t size)
{
	char block[TAR_BLOCK_BYTES];

	fill_header(block, member, size);
	put_patches(block, member);
	put_checksum(block, member->checksum);
	tarball_add_bytes(tarball, block, sizeof(block));
}

void tarball_mend_checksums(uint8_t *bytes, size_t length)
{
	for (size_t at = 0; at + TAR_BLOCK_BYTES <= length; at += TAR_BLOCK_BYTES) {
		char *block = (char *)bytes + at;
		if (memcmp(block + FIELD_CHECKSUM, "sum", 3) == 0)
			put_checksum(block, CHECKSUM_RIGHT);
	}
}

/* --- content --- */

static void add_filled(struct tarball *tarball, uint64_t count)
{
	char block[TAR_BLOCK_BYTES];

	memset(block, 'x', sizeof(block));
	for (; count > sizeof(block); count -= sizeof(block))
		tarball_add_bytes(tarball, block, sizeof(block));
	tarball_add_bytes(tarball, block, (size_t)count);
}

static void add_content(struct tarball *tarball, const struct member *member)
{
	if (member->text != NULL)
		tarball_add_bytes(tarball, member->text, strlen(member->text));
	tarball_add_bytes(tarball, member->raw.bytes, member->raw.length);
	add_filled(tarball, member->filled_bytes);
}

static uint64_t content_length(const struct member *member)
{
	return (member->text == NULL ? 0 : strlen(member->text)) + member->raw.length +
	       member->filled_bytes;
}

static void add_plain(struct tarball *tarball, const struct member *member)
{
	tarball_add_header(tarball, member, content_length(member));
	add_content(tarball, member);
	tarball_pad(tarball);
}

/* --- pax --- */

/* "LENGTH key=value\n", where LENGTH counts its own digits. */
static void add_record(struct tarball *records, const char *text)
{
	size_t rest = strlen(text) + 2;
	size_t length = rest + 1;
	char start[32];

	while (length != rest + (size_t)snprintf(start, sizeof(start), "%zu", length))
		length++;
	tarball_add_bytes(records, start, strlen(start));
	tarball_add_bytes(records, " ", 1);
	tarball_add_bytes(records, text, strlen(text));
	tarball_add_bytes(records, "\n", 1);
}

static void add_extension(
	struct tarball *tarball, const struct member *member, struct tarball *records)
{
	struct member extension = *member;

	extension.type_flag = member->type_flag == '\0' ? 'x' : member->type_flag;
	tarball_add_header(tarball, &extension, records->length);
	tarball_add_bytes(tarball, records->bytes, records->length);
	tarball_pad(tarball);
	tarball_free(records);
}

static void add_pax(struct tarball *tarball, const struct member *member)
{
	struct tarball records = { 0 };

	for (size_t i = 0; i < member->count; i++)
		add_record(&records, member->records[i]);
	add_extension(tarball, member, &records);
}

static void add_number_record(struct tarball *records, const char *key, uint64_t number)
{
	char text[96];

	snprintf(text, sizeof(text), "%s=%" PRIu64, key, number);
	add_record(records, text);
}

static void add_name_record(struct tarball *records, const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), "GNU.sparse.name=%s", name);
	add_record(records, text);
}

/* --- sparse files --- */

static void put_regions(char *at, const struct region *regions, size_t count)
{
	for (size_t i = 0; i < count; i++, at += REGION_BYTES) {
		put_number(at, 0, 12, (int64_t)regions[i].offset);
		put_number(at, 12, 12, (int64_t)regions[i].bytes);
	}
}

static void add_sparse_blocks(struct tarball *tarball, const struct region *regions, size_t count)
{
	while (count > 0) {
		char block[TAR_BLOCK_BYTES] = { 0 };
		size_t here = count < BLOCK_REGIONS ? count : BLOCK_REGIONS;
		put_regions(block, regions, here);
		regions += here;
		count -= here;
		block[BLOCK_IS_EXTENDED] = count > 0;
		tarball_add_bytes(tarball, block, sizeof(block));
	}
}

static void add_sparse_old(struct tarball *tarball, const struct member *member)
{
	size_t in_header =
		member->region_count < HEADER_REGIONS ? member->region_count : HEADER_REGIONS;
	struct member sparse = *member;
	char block[TAR_BLOCK_BYTES];

	sparse.type_flag = 'S';
	sparse.format = FORMAT_GNU;
	fill_header(block, &sparse, content_length(member));
	put_regions(block + FIELD_GNU_REGIONS, member->regions, in_header);
	block[FIELD_GNU_IS_EXTENDED] = member->region_count > in_header;
	put_number(block, FIELD_GNU_REAL_BYTES, 12, (int64_t)member->real_bytes);
	put_patches(block, member);
	put_checksum(block, member->checksum);
	tarball_add_bytes(tarball, block, sizeof(block));
	add_sparse_blocks(tarball, member->regions + in_header, member->region_count - in_header);
	add_content(tarball, member);
	tarball_pad(tarball);
}

static void add_sparse_map_record(struct tarball *records, const struct member *member)
{
	struct tarball map = { 0 };
	char pair[64];

	tarball_add_bytes(&map, "GNU.sparse.map=", 15);
	for (size_t i = 0; i < member->region_count; i++) {
		const struct region *region = &member->regions[i];
		snprintf(pair, sizeof(pair), "%s%" PRIu64 ",%" PRIu64, i > 0 ? "," : "",
			region->offset, region->bytes);
		tarball_add_bytes(&map, pair, strlen(pair));
	}
	tarball_add_bytes(&map, "", 1);
	add_record(records, map.bytes);
	tarball_free(&map);
}

static void add_sparse_records_0(struct tarball *records, const struct member *member)
{
	add_number_record(records, "GNU.sparse.size", member->real_bytes);
	add_number_record(records, "GNU.sparse.numblocks", member->region_count);
	if (member->kind == MEMBER_SPARSE_01) {
		add_name_record(records, member->name);
		add_sparse_map_record(records, member);
		return;
	}
	for (size_t i = 0; i < member->region_count; i++) {
		add_number_record(records, "GNU.sparse.offset", member->regions[i].offset);
		add_number_record(records, "GNU.sparse.numbytes", member->regions[i].bytes);
	}
}

static void add_sparse_records_1(struct tarball *records, const struct member *member)
{
	add_number_record(records, "GNU.sparse.major", 1);
	add_number_record(records, "GNU.sparse.minor", 0);
	add_name_record(records, member->name);
	add_number_record(records, "GNU.sparse.realsize", member->real_bytes);
}

/* The map that stands before the content of 1.0: a count, then two numbers a region. */
static void add_sparse_map(struct tarball *map, const struct member *member)
{
	char text[64];

	snprintf(text, sizeof(text), "%zu\n", member->region_count);
	tarball_add_bytes(map, text, strlen(text));
	for (size_t i = 0; i < member->region_count; i++) {
		snprintf(text, sizeof(text), "%" PRIu64 "\n%" PRIu64 "\n",
			member->regions[i].offset, member->regions[i].bytes);
		tarball_add_bytes(map, text, strlen(text));
	}
	tarball_pad(map);
}

static void add_sparse_pax(struct tarball *tarball, const struct member *member)
{
	const struct member extension = { .type_flag = 'x', .name = "pax" };
	struct member content = *member;
	struct tarball records = { 0 };
	struct tarball map = { 0 };

	if (member->kind == MEMBER_SPARSE_10) {
		add_sparse_records_1(&records, member);
		add_sparse_map(&map, member);
	} else {
		add_sparse_records_0(&records, member);
	}
	add_extension(tarball, &extension, &records);
	content.type_flag = '0';
	tarball_add_header(tarball, &content, map.length + content_length(member));
	tarball_add_bytes(tarball, map.bytes, map.length);
	add_content(tarball, member);
	tarball_pad(tarball);
	tarball_free(&map);
}

/* --- lists --- */

void tarball_add(struct tarball *tarball, const struct member *member)
{
	switch (member->kind) {
	case MEMBER_HEADER:
		add_plain(tarball, member);
		return;
	case MEMBER_PAX:
		add_pax(tarball, member);
		return;
	case MEMBER_SPARSE_OLD:
		add_sparse_old(tarball, member);
		return;
	case MEMBER_SPARSE_00:
	case MEMBER_SPARSE_01:
	case MEMBER_SPARSE_10:
		add_sparse_pax(tarball, member);
		return;
	case MEMBER_RAW:
		add_content(tarball, member);
		return;
	case MEMBER_ZEROS:
		add_zero_blocks(tarball, member->count);
		return;
	case MEMBER_END:
		add_zero_blocks(tarball, 2);
		return;
	case MEMBER_END_CUT:
		return;
	}
}

static bool is_last(const struct member *member)
{
	return member->kind == MEMBER_END || member->kind == MEMBER_END_CUT;
}

struct tarball tarball_of(const struct member *members)
{
	struct tarball tarball = { 0 };

	for (; !is_last(members); members++)
		tarball_add(&tarball, members);
	tarball_add(&tarball, members);
	return tarball;
}
