/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/request.h"

#include "base/digest.h"
#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define IN_REQUEST(field) offsetof(struct request, field)
#define IN_OPTIONS(field) offsetof(struct oakum_unpack_options, field)
#define CHOICE(name, last)                                                   \
	{                                                                    \
#name, REQUEST_U32, IN_REQUEST(name), IN_OPTIONS(name), last \
	}
#define LIMIT(name)                                                                         \
	{                                                                                   \
		"max_" #name, REQUEST_U64, IN_REQUEST(limits.name), IN_OPTIONS(max_##name), \
			UINT64_MAX                                                          \
	}
#define MINIMUM(name)                                                                       \
	{                                                                                   \
		"min_" #name, REQUEST_U64, IN_REQUEST(limits.name), IN_OPTIONS(min_##name), \
			UINT64_MAX                                                          \
	}

const struct request_option request_options[] = {
	CHOICE(whiteouts, OAKUM_WHITEOUTS_VERBATIM),
	CHOICE(profile, OAKUM_PROFILE_COMPAT),
	CHOICE(trailing, OAKUM_TRAILING_REFUSE),
	CHOICE(threads, 64),
	CHOICE(min_level, OAKUM_LEVEL_DETACHED),
	CHOICE(owners, OAKUM_OWNERS_SQUASH | OAKUM_OWNERS_FORGIVE),
	CHOICE(squash_uid, UINT32_MAX - 1),
	CHOICE(squash_gid, UINT32_MAX - 1),
	CHOICE(labels, OAKUM_LABELS_KEEP),
	CHOICE(devices, OAKUM_DEVICES_SKIP),
	CHOICE(privileges, OAKUM_PRIVILEGES_DROP),
	CHOICE(whiteout_form, OAKUM_WHITEOUT_FORM_XATTR),
	CHOICE(user_namespace, OAKUM_USER_NAMESPACE_ALWAYS),
	CHOICE(sync, OAKUM_SYNC_FS),
	CHOICE(listing, OAKUM_LISTING_JSON | OAKUM_LISTING_CHECK),
	CHOICE(verifying, OAKUM_VERIFYING_EXTRA | OAKUM_VERIFYING_JSON),
	LIMIT(content_bytes),
	LIMIT(logical_bytes),
	LIMIT(entries),
	LIMIT(path_depth),
	LIMIT(name_bytes),
	LIMIT(link_bytes),
	LIMIT(pax_bytes),
	LIMIT(sparse_entries),
	LIMIT(xattr_bytes),
	LIMIT(entry_xattr_bytes),
	LIMIT(layer_xattr_bytes),
	LIMIT(ratio),
	LIMIT(window_bytes),
	LIMIT(trailing_bytes),
	LIMIT(entry_xattrs),
	{ "timeout_ms", REQUEST_U64, IN_REQUEST(limits.timeout_ms), IN_OPTIONS(timeout_ms),
		UINT64_MAX },
	MINIMUM(free_bytes),
	MINIMUM(free_inodes),
	{ "exclude", REQUEST_STRINGS, IN_REQUEST(exclude), IN_OPTIONS(exclude), 0 },
	{ "uid_map", REQUEST_RANGES, IN_REQUEST(uid_map), IN_OPTIONS(uid_map), 0 },
	{ "gid_map", REQUEST_RANGES, IN_REQUEST(gid_map), IN_OPTIONS(gid_map), 0 },
	CHOICE(drain, OAKUM_DRAIN_FULL),
	CHOICE(digests, OAKUM_DIGESTS_LAYER | OAKUM_DIGESTS_DIFF_ID),
	{ "expect_digest", REQUEST_DIGEST, IN_REQUEST(expect_digest), IN_OPTIONS(expect_digest),
		0 },
	{ "expect_diff_id", REQUEST_DIGEST, IN_REQUEST(expect_diff_id), IN_OPTIONS(expect_diff_id),
		0 },
	{ NULL, REQUEST_U32, 0, 0, 0 },
};

#define IN_PACK_OPTIONS(field) offsetof(struct oakum_pack_options, field)
#define SHARED(name, kind, last)                                           \
	{                                                                  \
#name, kind, IN_REQUEST(name), IN_PACK_OPTIONS(name), last \
	}
#define PACKING(name, kind, last)                                                  \
	{                                                                          \
#name, kind, IN_REQUEST(packing.name), IN_PACK_OPTIONS(name), last \
	}

#define PACK_LIMIT(name)                                                                         \
	{                                                                                        \
		"max_" #name, REQUEST_U64, IN_REQUEST(limits.name), IN_PACK_OPTIONS(max_##name), \
			UINT64_MAX                                                               \
	}

const struct request_option request_pack_options[] = {
	PACKING(compression, REQUEST_U32, OAKUM_COMPRESSION_ZSTD),
	PACKING(compression_level, REQUEST_U32, 19),
	PACKING(whiteouts, REQUEST_U32, OAKUM_PACK_WHITEOUTS_VERBATIM),
	PACKING(submounts, REQUEST_U32, OAKUM_SUBMOUNTS_TAKE),
	PACKING(times, REQUEST_U32, OAKUM_TIMES_CLAMP),
	PACKING(latest_mtime_s, REQUEST_U64, UINT64_MAX),
	SHARED(labels, REQUEST_U32, OAKUM_LABELS_KEEP),
	SHARED(owners, REQUEST_U32, OAKUM_OWNERS_SQUASH),
	SHARED(squash_uid, REQUEST_U32, UINT32_MAX - 1),
	SHARED(squash_gid, REQUEST_U32, UINT32_MAX - 1),
	SHARED(min_level, REQUEST_U32, OAKUM_LEVEL_DETACHED),
	SHARED(user_namespace, REQUEST_U32, OAKUM_USER_NAMESPACE_ALWAYS),
	{ "timeout_ms", REQUEST_U64, IN_REQUEST(limits.timeout_ms), IN_PACK_OPTIONS(timeout_ms),
		UINT64_MAX },
	SHARED(exclude, REQUEST_STRINGS, 0),
	SHARED(uid_map, REQUEST_RANGES, 0),
	SHARED(gid_map, REQUEST_RANGES, 0),
	PACK_LIMIT(content_bytes),
	PACK_LIMIT(logical_bytes),
	PACK_LIMIT(entries),
	PACK_LIMIT(name_bytes),
	PACK_LIMIT(path_depth),
	PACK_LIMIT(entry_xattrs),
	PACK_LIMIT(xattr_bytes),
	PACK_LIMIT(entry_xattr_bytes),
	PACK_LIMIT(layer_xattr_bytes),
	PACK_LIMIT(ratio),
	{ NULL, REQUEST_U32, 0, 0, 0 },
};

const struct request_option *request_table(uint32_t operation)
{
	return operation == REQUEST_PACK ? request_pack_options : request_options;
}

/*
 * Sanitized builds have no seccomp: their level is 0, below every public one,
 * and only such a build takes it as its minimum.
 */
#ifdef OAKUM_SANITIZED
enum { DEFAULT_MIN_LEVEL = 0 };
#else
enum { DEFAULT_MIN_LEVEL = OAKUM_LEVEL_CHROOT };
#endif

void request_init(struct request *request)
{
	*request = (struct request){
		.version = REQUEST_VERSION,
		.min_level = DEFAULT_MIN_LEVEL,
		.limits = LIMITS_DEFAULT,
	};
}

static bool overlap(uint64_t one, uint64_t one_count, uint64_t other, uint64_t other_count)
{
	return one < other + other_count && other < one + one_count;
}

static const char *why_no_range(const struct oakum_id_range *map, size_t at)
{
	const struct oakum_id_range *range = &map[at];

	/* 4294967295 is no id: chown(2) takes it for "leave it". */
	if (range->count > UINT32_MAX - range->container || range->count > UINT32_MAX - range->host)
		return "a range ends past the last id";
	for (size_t i = 0; i < at; i++) {
		if (overlap(map[i].container, map[i].count, range->container, range->count) ||
			overlap(map[i].host, map[i].count, range->host, range->count))
			return "two ranges overlap";
	}
	return NULL;
}

static int check_map(const struct oakum_id_range *map, const char *key, struct oakum_error *err)
{
	const char *why = NULL;
	size_t count = 0;

	if (map == NULL)
		return 0;
	while (map[count].count > 0 && count < REQUEST_RANGES_MAX && why == NULL)
		why = why_no_range(map, count++);
	if (why == NULL && count == 0)
		why = "it has no range: NULL maps every id to itself";
	if (why == NULL && map[count].count > 0)
		why = "it has more than 340 ranges, which is all that the kernel takes";
	return why == NULL ? 0
			   : fail_because(err, EINVAL, "check options", NULL, "%s: %s", key, why);
}

static int check_numbers(const struct request *request, struct oakum_error *err)
{
	for (const struct request_option *option = request_table(request->operation);
		option->key != NULL; option++) {
		if (option->kind != REQUEST_U32)
			continue;
		uint32_t value = *(const uint32_t *)((const char *)request + option->offset);
		if (value > option->max)
			return fail_because(err, EINVAL, "check options", NULL,
				"%s is %u, at most %u is known", option->key, value,
				(unsigned int)option->max);
	}
	return 0;
}

static int check_compression(const struct request *request, struct oakum_error *err)
{
	static const uint32_t levels[] = {
		[OAKUM_COMPRESSION_NONE] = 0,
		[OAKUM_COMPRESSION_GZIP] = 9,
		[OAKUM_COMPRESSION_ZSTD] = 19,
	};
	const uint32_t most = levels[request->packing.compression];

	if (request->packing.compression_level > most)
		return fail_because(err, EINVAL, "check options", NULL,
			"compression_level is %u, and at most %u of this compression",
			request->packing.compression_level, most);
	return 0;
}

static int check_digest(const char *digest, const char *key, struct oakum_error *err)
{
	if (digest == NULL || digest_is_good(digest))
		return 0;
	return fail_because(err, EINVAL, "check options", NULL,
		"%s is not sha256: and 64 digits of 0-9 and a-f, which is all that is known", key);
}

int request_check(const struct request *request, struct oakum_error *err)
{
	if (request->version != REQUEST_VERSION)
		return fail_because(err, EPROTO, "read options", NULL,
			"version %u is not spoken here: library and helper are of different builds",
			request->version);
	if (request->operation > REQUEST_OPERATION_LAST)
		return fail_because(err, EPROTO, "read options", NULL,
			"operation %u is not known here", request->operation);
	int r = check_numbers(request, err);
	if (r == 0)
		r = check_compression(request, err);
	if (r < 0)
		return r;
	if (request->whiteout_form != OAKUM_WHITEOUT_FORM_DEVICE &&
		request->whiteouts != OAKUM_WHITEOUTS_OVERLAY &&
		request->whiteouts != OAKUM_WHITEOUTS_OVERLAY_USERXATTR)
		return fail_because(err, EINVAL, "check options", NULL,
			"whiteout_form is for the whiteouts of overlayfs alone");
	r = check_map(request->uid_map, "uid_map", err);
	if (r == 0)
		r = check_map(request->gid_map, "gid_map", err);
	if (r == 0)
		r = check_digest(request->expect_digest, "expect_digest", err);
	return r < 0 ? r : check_digest(request->expect_diff_id, "expect_diff_id", err);
}

/* Older callers bring a shorter struct, newer ones a longer: the kernel's rule for growing structs.
 */
static int copy_options(const void *theirs, void *ours, size_t our_size, struct oakum_error *err)
{
	const unsigned char *bytes = theirs;
	size_t size;

	memset(ours, 0, our_size);
	if (theirs == NULL)
		return 0;
	memcpy(&size, theirs, sizeof(size));
	if (size < sizeof(size) || size > 4096)
		return fail_because(err, EINVAL, "check options", NULL,
			"size is %zu: set it to sizeof() of the options", size);
	for (size_t i = our_size; i < size; i++) {
		if (bytes[i] != 0)
			return fail_because(err, E2BIG, "check options", NULL,
				"the caller is newer than this library and asks for what it cannot "
				"do");
	}
	memcpy(ours, theirs, size < our_size ? size : our_size);
	return 0;
}

int request_copy_options(const struct oakum_unpack_options *theirs,
	struct oakum_unpack_options *ours, struct oakum_error *err)
{
	return copy_options(theirs, ours, sizeof(*ours), err);
}

static void take_option(
	const struct request_option *option, const void *options, struct request *request)
{
	const char *from = (const char *)options + option->options_offset;
	char *to = (char *)request + option->offset;

	switch (option->kind) {
	case REQUEST_U32:
		if (*(const uint32_t *)from != 0)
			memcpy(to, from, sizeof(uint32_t));
		return;
	case REQUEST_U64:
		if (*(const uint64_t *)from != 0)
			memcpy(to, from, sizeof(uint64_t));
		return;
	case REQUEST_STRINGS:
	case REQUEST_RANGES:
	case REQUEST_DIGEST:
		memcpy(to, from, sizeof(const void *));
		return;
	}
	__builtin_unreachable();
}

int request_from_options(const struct oakum_unpack_options *options, struct request *request,
	struct oakum_error *err)
{
	struct oakum_unpack_options ours;
	int r = request_copy_options(options, &ours, err);

	if (r < 0)
		return r;
	if (ours.reserved != 0 || ours.reserved_too != 0)
		return fail_because(err, EINVAL, "check options", NULL, "reserved must be zero");
	request_init(request);
	for (const struct request_option *option = request_options; option->key != NULL; option++)
		take_option(option, &ours, request);
	return request_check(request, err);
}

int request_from_pack_options(
	const struct oakum_pack_options *options, struct request *request, struct oakum_error *err)
{
	struct oakum_pack_options ours;
	int r = copy_options(options, &ours, sizeof(ours), err);

	if (r < 0)
		return r;
	if (ours.reserved != 0)
		return fail_because(err, EINVAL, "check options", NULL, "reserved must be zero");
	request_init(request);
	request->operation = REQUEST_PACK;
	for (const struct request_option *option = request_pack_options; option->key != NULL;
		option++)
		take_option(option, &ours, request);
	return request_check(request, err);
}
