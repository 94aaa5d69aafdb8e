/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/cause.h"

#include "base/error.h"
#include "base/hint.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Less than that may be there and of no use: for metadata alone, or in pieces. */
enum { LITTLE_BYTES = 1 << 20 };

/* Nobody can make a name in a directory that was removed, whoever holds it open. */
static bool is_gone(int root_fd)
{
	struct stat status;

	return fstat(root_fd, &status) == 0 && status.st_nlink == 0;
}

/* Of a name that could not be made; whatever was written or set has its inode already. */
static bool is_making(const char *op)
{
	static const char *const making[] = { "openat", "mkdirat", "symlinkat", "mknodat",
		"setxattr" /* tmpfs takes room of inodes for it */ };

	for (size_t i = 0; i < sizeof(making) / sizeof(making[0]); i++) {
		if (strcmp(op, making[i]) == 0)
			return true;
	}
	return false;
}

/* Which of the two is used up; neither is, where a quota or a full directory is the cause. */
static void explain_space(const struct cause_facts *facts, struct oakum_error *err)
{
	char text[sizeof(err->detail)] = "";
	struct statfs status;

	if (fstatfs(facts->root_fd, &status) < 0)
		return;
	const uint64_t block = (uint64_t)status.f_bsize;
	const uint64_t free_bytes = (uint64_t)status.f_bavail * block;
	const uint64_t wanted = facts->file_bytes > LITTLE_BYTES ? facts->file_bytes : LITTLE_BYTES;

	/* Some file systems make inodes as they go, and say that there are none. */
	if (is_making(err->op) && status.f_files > 0 && status.f_ffree == 0)
		snprintf(text, sizeof(text),
			"no inode is free of %" PRIu64 ", and entry %" PRIu64
			" of the layer needs one",
			(uint64_t)status.f_files, facts->entries);
	else if (free_bytes < wanted && facts->file_bytes > 0)
		snprintf(text, sizeof(text),
			"%" PRIu64 " of %" PRIu64 " bytes are free, and the file has %" PRIu64,
			free_bytes, (uint64_t)status.f_blocks * block, facts->file_bytes);
	else if (free_bytes < wanted)
		snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " bytes are free",
			free_bytes, (uint64_t)status.f_blocks * block);
	if (*text != '\0')
		hint_add(err, text);
}

int cause_find(const struct cause_facts *facts, struct oakum_error *err)
{
	if (err->stage != OAKUM_STAGE_WRITE)
		return -err->code;
	/* As a missing target or parent, which the layer would be blamed for. */
	if ((err->code == ENOENT || err->code == EBADMSG) && is_gone(facts->root_fd)) {
		char op[sizeof(err->op)];
		char entry[sizeof(err->entry)];
		memcpy(op, err->op, sizeof(op));
		memcpy(entry, err->entry, sizeof(entry));
		fail_because(err, ENOENT, op, entry, "the rootfs is gone: somebody has removed it");
		err->stage = OAKUM_STAGE_WRITE;
	}
	if (err->code == ENOSPC)
		explain_space(facts, err);
	return -err->code;
}
