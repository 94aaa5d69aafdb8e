/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/request.h"

#include "base/error.h"

#include <errno.h>
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

const struct request_option request_options[] = {
	CHOICE(whiteouts, OAKUM_WHITEOUTS_VERBATIM),
	CHOICE(profile, OAKUM_PROFILE_COMPAT),
	CHOICE(trailing, OAKUM_TRAILING_REFUSE),
	CHOICE(threads, 64),
	CHOICE(min_level, OAKUM_LEVEL_DETACHED),
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
	{ "exclude", REQUEST_STRINGS, IN_REQUEST(exclude), IN_OPTIONS(exclude), 0 },
	{ NULL, REQUEST_U32, 0, 0, 0 },
};

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

int request_check(const struct request *request, struct oakum_error *err)
{
	if (request->version != REQUEST_VERSION)
		return fail_because(err, EPROTO, "read options", NULL,
			"version %u is not spoken here: library and helper are of different builds",
			request->version);
	for (const struct request_option *option = request_options; option->key != NULL; option++) {
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

/* Older callers bring a shorter struct, newer ones a longer: the kernel's rule for growing structs.
 */
static int copy_options(const struct oakum_unpack_options *theirs,
	struct oakum_unpack_options *ours, struct oakum_error *err)
{
	const unsigned char *bytes = (const unsigned char *)theirs;

	memset(ours, 0, sizeof(*ours));
	if (theirs == NULL)
		return 0;
	if (theirs->size < sizeof(theirs->size) || theirs->size > 4096)
		return fail_because(err, EINVAL, "check options", NULL,
			"size is %zu: set it to sizeof(struct oakum_unpack_options)", theirs->size);
	for (size_t i = sizeof(*ours); i < theirs->size; i++) {
		if (bytes[i] != 0)
			return fail_because(err, E2BIG, "check options", NULL,
				"the caller is newer than this library and asks for what it cannot "
				"do");
	}
	memcpy(ours, theirs, theirs->size < sizeof(*ours) ? theirs->size : sizeof(*ours));
	return 0;
}

static void take_option(const struct request_option *option,
	const struct oakum_unpack_options *options, struct request *request)
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
		memcpy(to, from, sizeof(const char *const *));
		return;
	}
	__builtin_unreachable();
}

int request_from_options(const struct oakum_unpack_options *options, struct request *request,
	struct oakum_error *err)
{
	struct oakum_unpack_options ours;
	int r = copy_options(options, &ours, err);

	if (r < 0)
		return r;
	if (ours.reserved != 0)
		return fail_because(err, EINVAL, "check options", NULL, "reserved must be zero");
	request_init(request);
	for (const struct request_option *option = request_options; option->key != NULL; option++)
		take_option(option, &ours, request);
	return request_check(request, err);
}
