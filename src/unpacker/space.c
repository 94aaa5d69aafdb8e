/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/space.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdbool.h>
#include <sys/vfs.h>

/* Others use the file system too: what it said is believed for so much, and then asked again. */
enum {
	BYTES_AT_ONCE = 8 << 20,
	INODES_AT_ONCE = 256,
	ENTRY_BYTES = 4096, /* a block of content or of names */
};

static bool is_given(uint64_t limit)
{
	return limit > 0 && limit < UINT64_MAX;
}

static int too_little(
	const char *name, uint64_t limit, uint64_t there, const char *path, struct oakum_error *err)
{
	return fail_because(err, ENOSPC, "check limits", path,
		"%" PRIu64 " are free, and the limit %s=%" PRIu64 " must stay free; --limit %s=N "
		"lowers it",
		there, name, limit, name);
}

static uint64_t least(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

static int ask_bytes(struct space *space, const struct statfs *status, uint64_t wanted,
	const char *path, struct oakum_error *err)
{
	const uint64_t limit = space->limits->free_bytes;
	const uint64_t free_bytes = (uint64_t)status->f_bavail * (uint64_t)status->f_bsize;
	uint64_t kept;

	if (__builtin_add_overflow(limit, space->unwritten_bytes + wanted, &kept) ||
		free_bytes < kept)
		return too_little("free-bytes", limit, free_bytes, path, err);
	space->bytes = least(free_bytes - kept + wanted, wanted + BYTES_AT_ONCE);
	return 0;
}

/* Some file systems make inodes as they go, and say that there are none. */
static int ask_inodes(
	struct space *space, const struct statfs *status, const char *path, struct oakum_error *err)
{
	const uint64_t limit = space->limits->free_inodes;
	const uint64_t free_inodes = status->f_files == 0 ? UINT64_MAX : (uint64_t)status->f_ffree;

	if (free_inodes <= limit)
		return too_little("free-inodes", limit, free_inodes, path, err);
	space->inodes = least(free_inodes - limit, INODES_AT_ONCE);
	return 0;
}

static int take(struct space *space, uint64_t bytes, uint64_t inodes, const char *path,
	struct oakum_error *err)
{
	const bool has_bytes = is_given(space->limits->free_bytes);
	const bool has_inodes = is_given(space->limits->free_inodes);
	struct statfs status;
	int r = 0;

	if (!has_bytes && !has_inodes)
		return 0;
	if (bytes > space->bytes || inodes > space->inodes) {
		if (fstatfs(space->root_fd, &status) < 0)
			return fail(err, errno, "fstatfs", path);
		space->bytes = UINT64_MAX;
		space->inodes = UINT64_MAX;
		if (has_bytes)
			r = ask_bytes(space, &status, bytes, path, err);
		if (r == 0 && has_inodes)
			r = ask_inodes(space, &status, path, err);
	}
	if (r < 0)
		return r;
	space->bytes -= bytes;
	space->inodes -= inodes;
	return 0;
}

int space_take_entry(struct space *space, const char *path, struct oakum_error *err)
{
	return take(space, ENTRY_BYTES, 1, path, err);
}

int space_take_content(
	struct space *space, uint64_t bytes, const char *path, struct oakum_error *err)
{
	return take(space, bytes, 0, path, err);
}
