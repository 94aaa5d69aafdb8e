/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar streams as readable C literals: well-formed, malformed and hostile.
 *
 *	const struct member layer[] = {
 *		directory("etc", .mode = 0700),
 *		file("etc/passwd", "gotcha", .uid = 1000),
 *		symlink_to("etc/motd", "/run/motd"),
 *		pax("path=usr/share/a-long-name", "mtime=-1.5"),
 *		file("short", "its name is in the pax header"),
 *		END,
 *	};
 *	struct tarball tar = tarball_of(layer);
 *	... tar.bytes, tar.length ...
 *	tarball_free(&tar);
 *
 * One element is one thing in the stream, in order; nothing is added that is
 * not written there but checksum, padding and, at END, two blocks of zeros.
 * END_CUT ends the list without them. What follows the fixed arguments of a
 * constructor sets fields of struct member by name.
 *
 *	malformed fields   file("a", "", PATCHED({ FIELD_SIZE, RAW("12x") }))
 *	a false size       file("a", "abc", .stated_bytes = 1 << 20)
 *	any type           header('V', "label")
 *	other formats      file("a", "", .format = FORMAT_V7), or FORMAT_GNU
 *	bad checksum       file("a", "", .checksum = CHECKSUM_WRONG)
 *	mode 0             .mode = MODE_ZERO
 *	raw pax body       pax_body(RAW("6 a=b\n"))
 *	anything else      raw_bytes(RAW("\0\1\2")), zero_blocks(1)
 *	after the end      zero_blocks(2), raw_bytes(...), END_CUT
 *	sparse files       pax_sparse_10("a", 4096, "abcd", REGIONS({ 0, 4 }, { 4096, 0 }))
 *
 * Constructors are initialisers, so that they stand in tables too: in static
 * ones outside of functions, in ordinary ones inside. A literal that cannot be
 * (a name that does not fit) aborts the test program with a message.
 */
#ifndef OAKUM_TESTS_TARBALL_H
#define OAKUM_TESTS_TARBALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAR_BLOCK_BYTES = 512 };

enum member_kind {
	MEMBER_HEADER = 0, /* header, content, padding */
	MEMBER_PAX,	   /* x or g: records, each given its length */
	MEMBER_SPARSE_OLD, /* old GNU, with as many extension blocks as it takes */
	MEMBER_SPARSE_00,  /* pax 0.0, 0.1, 1.0: the x header, then the file */
	MEMBER_SPARSE_01,
	MEMBER_SPARSE_10,
	MEMBER_RAW,   /* content as it is, without padding */
	MEMBER_ZEROS, /* count blocks */
	MEMBER_END,   /* two blocks of zeros, and the list is over */
	MEMBER_END_CUT,
};

enum member_format {
	FORMAT_USTAR = 0,
	FORMAT_V7,
	FORMAT_GNU,
};

enum member_checksum {
	CHECKSUM_RIGHT = 0,
	CHECKSUM_SIGNED, /* bytes summed as signed, as some old tars did */
	CHECKSUM_WRONG,
};

/* Where the fields of a header begin. */
enum {
	FIELD_NAME = 0,
	FIELD_MODE = 100,
	FIELD_UID = 108,
	FIELD_GID = 116,
	FIELD_SIZE = 124,
	FIELD_MTIME = 136,
	FIELD_CHECKSUM = 148,
	FIELD_TYPE = 156,
	FIELD_LINK = 157,
	FIELD_MAGIC = 257,
	FIELD_DEVICE_MAJOR = 329,
	FIELD_DEVICE_MINOR = 337,
	FIELD_PREFIX = 345,
	FIELD_GNU_REGIONS = 386,
	FIELD_GNU_IS_EXTENDED = 482,
	FIELD_GNU_REAL_BYTES = 483,
};

#define MODE_ZERO 0x80000000U

struct raw {
	const char *bytes;
	size_t length;
};

/* A string literal with the NULs in it, without the one that C adds. */
#define RAW(literal)                         \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

struct patch {
	size_t offset; /* FIELD_... */
	struct raw raw;
};

struct region {
	uint64_t offset;
	uint64_t bytes;
};

struct member {
	enum member_kind kind;
	enum member_format format;
	enum member_checksum checksum; /* made after the patches */
	char type_flag;
	const char *name;   /* 100 bytes at most */
	const char *prefix; /* ustar: 155 bytes at most */
	const char *link;   /* 100 bytes at most */
	uint32_t mode;	    /* 0: 0755 of directories, 0644 of all others */
	uint64_t uid;	    /* base-256 where octal is too short, as GNU does */
	uint64_t gid;
	int64_t mtime;
	uint64_t device_major;
	uint64_t device_minor;
	const char *text; /* content, or */
	struct raw raw;
	uint64_t filled_bytes; /* ... so many bytes 'x' */
	uint64_t stated_bytes; /* in the size field, if it should lie */
	const struct patch *patches;
	size_t patch_count;
	const char *const *records; /* "key=value" */
	size_t count;		    /* of records, or of zero blocks */
	uint64_t real_bytes;	    /* of a sparse file */
	const struct region *regions;
	size_t region_count;
};

#define PATCHED(...)                                      \
	.patches = (const struct patch[]){ __VA_ARGS__ }, \
	.patch_count = sizeof((const struct patch[]){ __VA_ARGS__ }) / sizeof(struct patch)

#define REGIONS(...)                                       \
	.regions = (const struct region[]){ __VA_ARGS__ }, \
	.region_count = sizeof((const struct region[]){ __VA_ARGS__ }) / sizeof(struct region)

#define RECORDS(...)                                     \
	.records = (const char *const[]){ __VA_ARGS__ }, \
	.count = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

#define header(type, path, ...)                                  \
	{                                                        \
		.type_flag = (type), .name = (path), __VA_ARGS__ \
	}
#define file(path, content, ...) header('0', path, .text = (content), __VA_ARGS__)
#define big_file(path, size, ...) header('0', path, .filled_bytes = (size), __VA_ARGS__)
#define directory(path, ...) header('5', path, __VA_ARGS__)
#define symlink_to(path, target, ...) header('2', path, .link = (target), __VA_ARGS__)
#define hard_link_to(path, target, ...) header('1', path, .link = (target), __VA_ARGS__)
#define fifo(path, ...) header('6', path, __VA_ARGS__)
#define character_device(path, major_number, minor_number, ...)                           \
	header('3', path, .device_major = (major_number), .device_minor = (minor_number), \
		__VA_ARGS__)
#define block_device(path, major_number, minor_number, ...)                               \
	header('4', path, .device_major = (major_number), .device_minor = (minor_number), \
		__VA_ARGS__)

#define pax(...)                                                                          \
	{                                                                                 \
		.kind = MEMBER_PAX, .type_flag = 'x', .name = "pax", RECORDS(__VA_ARGS__) \
	}
#define global_pax(...)                                                                   \
	{                                                                                 \
		.kind = MEMBER_PAX, .type_flag = 'g', .name = "pax", RECORDS(__VA_ARGS__) \
	}
#define pax_body(...) header('x', "pax", .raw = __VA_ARGS__)
#define global_pax_body(...) header('g', "pax", .raw = __VA_ARGS__)

/* With their NUL, as GNU tar writes them. */
#define long_name(path) \
	header('L', "././@LongLink", .format = FORMAT_GNU, .raw = { path, sizeof(path) })
#define long_link(path) \
	header('K', "././@LongLink", .format = FORMAT_GNU, .raw = { path, sizeof(path) })

/* content is that of all regions, one after the other; which, say REGIONS({ 0, 4 }, ...). */
#define old_sparse(path, size, content, ...) \
	SPARSE_(MEMBER_SPARSE_OLD, path, size, content, __VA_ARGS__)
#define pax_sparse_00(path, size, content, ...) \
	SPARSE_(MEMBER_SPARSE_00, path, size, content, __VA_ARGS__)
#define pax_sparse_01(path, size, content, ...) \
	SPARSE_(MEMBER_SPARSE_01, path, size, content, __VA_ARGS__)
#define pax_sparse_10(path, size, content, ...) \
	SPARSE_(MEMBER_SPARSE_10, path, size, content, __VA_ARGS__)
#define SPARSE_(which, path, size, content, ...)                                          \
	{                                                                                 \
		.kind = (which), .name = (path), .real_bytes = (size), .text = (content), \
		__VA_ARGS__                                                               \
	}

#define raw_bytes(...)                                 \
	{                                              \
		.kind = MEMBER_RAW, .raw = __VA_ARGS__ \
	}
#define zero_blocks(number)                             \
	{                                               \
		.kind = MEMBER_ZEROS, .count = (number) \
	}
#define END                        \
	{                          \
		.kind = MEMBER_END \
	}
#define END_CUT                        \
	{                              \
		.kind = MEMBER_END_CUT \
	}

struct tarball {
	char *bytes;
	size_t length;
	size_t room;
};

/* The whole list, to its END or END_CUT. To be ended with tarball_free(). */
struct tarball tarball_of(const struct member *members);

/* Appends one member; tarball may be {0}. For what no list can say: loops. */
void tarball_add(struct tarball *tarball, const struct member *member);

/* Appends an empty file of any name, with a pax header that has it. */
void tarball_add_named(struct tarball *tarball, const char *name);

/* Appends one header block, without content. */
void tarball_add_header(struct tarball *tarball, const struct member *member, uint64_t size);

/* Appends bytes as they are. */
void tarball_add_bytes(struct tarball *tarball, const void *bytes, size_t length);

/* Zeros up to the next block border. */
void tarball_pad(struct tarball *tarball);

void tarball_free(struct tarball *tarball);

/*
 * For fuzzers, which hit no right checksum by chance: each block whose checksum
 * field begins with "sum" gets one.
 */
void tarball_mend_checksums(uint8_t *bytes, size_t length);

#endif
