/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacking.h"

#include "support/tarball.h"
#include "unpacker/remove.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

const struct limits unpacking_limits = {
	.content_bytes = 1 << 20,
	.logical_bytes = 1 << 24,
	.entries = 500,
	.path_depth = 200,
	.name_bytes = 4096,
	.link_bytes = 4095,
	.pax_bytes = 64 << 10,
	.sparse_entries = 1000,
	.xattr_bytes = 4096,
	.entry_xattr_bytes = 64 << 10,
	.layer_xattr_bytes = 1 << 20,
	.ratio = UINT64_MAX,
	.window_bytes = UINT64_MAX,
	.trailing_bytes = 1 << 20,
	.entry_xattrs = 100,
};

static const struct oakum_id_range map[] = { { 0, 0, 1 }, { 1, 100000, 65535 }, { 0 } };
static const char *const exclude[] = { "d/ex", NULL };

struct unpacker_options unpacking_choose(const uint8_t choices[UNPACKING_CHOICES])
{
	struct unpacker_options options = {
		.policy.whiteouts = choices[0] & 3,
		.policy.profile = choices[0] >> 2 & 1,
		.trailing = choices[0] >> 3 & 1,
		.threads = 1 + (choices[0] >> 4 & 1),
		.policy.owners = choices[1] & 3,
		.policy.squash_uid = choices[1] >> 2 & 1,
		.policy.labels = choices[1] >> 3 & 1,
		.policy.devices = choices[1] >> 4 & 1,
		.policy.privileges = choices[1] >> 5 & 1,
		.policy.uid_map = choices[1] >> 6 & 1 ? map : NULL,
		.policy.gid_map = choices[1] >> 7 & 1 ? map : NULL,
		.policy.exclude = choices[2] & 1 ? exclude : NULL,
		.policy.limits = &unpacking_limits,
	};

	if (options.policy.whiteouts == OAKUM_WHITEOUTS_OVERLAY ||
		options.policy.whiteouts == OAKUM_WHITEOUTS_OVERLAY_USERXATTR)
		options.whiteout_form = choices[2] >> 1 & 1;
	return options;
}

int unpacking_stream(const uint8_t *bytes, size_t length)
{
	uint8_t *stream = malloc(length + 1);

	if (stream == NULL)
		abort();
	memcpy(stream, bytes, length);
	tarball_mend_checksums(stream, length);
	int fd = memory_file(stream, length);
	free(stream);
	return fd;
}

bool unpacking_unpack(const struct unpacker_options *options)
{
	struct oakum_error err = { 0 };
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct unpacker *unpacker;

	if (unpacker_open(options, &unpacker, &err) < 0)
		abort();
	int r = unpacker_run(unpacker, &stats, &err);
	if (r < 0 && (err.code <= 0 || err.stage == 0))
		abort();
	unpacker_close(&unpacker);
	return r == 0;
}

struct scratch *unpacking_scratch(void)
{
	static struct scratch scratch;

	if (scratch.path[0] == '\0') {
		umask(0);
		scratch_make(&scratch);
	}
	return &scratch;
}

static void remove_attributes(int fd)
{
	char names[65536];
	ssize_t length = flistxattr(fd, names, sizeof(names));

	for (const char *name = names; name < names + length; name += strlen(name) + 1)
		fremovexattr(fd, name);
}

void unpacking_clear(int rootfs_fd)
{
	int fd = openat(rootfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || remove_content(rootfs_fd, NULL) < 0 || fchown(fd, 0, 0) < 0 ||
		fchmod(fd, 0755) < 0)
		abort();
	remove_attributes(fd);
	close(fd);
}
