/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions: options -> request -> start -> wait; the errno funnel. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/escape.h"
#include "host/child.h"
#include "host/drain.h"
#include "host/helper_file.h"
#include "host/user_namespace.h"
#include "host/wait.h"
#include "wire/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What oakum.h promises; a caller can switch on these without fear. */
static const int promised_codes[] = {
	EINVAL,
	EBADMSG,
	EFBIG,
	ENOSPC,
	EDQUOT,
	EROFS,
	EPERM,
	EACCES,
	EOPNOTSUPP,
	ENOMEM,
	ECANCELED,
	ETIMEDOUT,
	EPIPE,
	E2BIG,
	EBUSY,
	EIO,
};

/* Everything else becomes EIO, with the original kept in the text. */
static int funnel(struct oakum_error *err)
{
	size_t used = strlen(err->detail);

	for (size_t i = 0; i < sizeof(promised_codes) / sizeof(promised_codes[0]); i++) {
		if (err->code == promised_codes[i])
			return -err->code;
	}
	snprintf(err->detail + used, sizeof(err->detail) - used, "%s%s", used == 0 ? "" : "; ",
		strerrordesc_np(err->code) == NULL ? "unknown error" : strerrordesc_np(err->code));
	err->code = EIO;
	return -EIO;
}

static int check_descriptors(int layer_fd, int rootfs_fd, struct oakum_error *err)
{
	struct stat status;
	int flags = fcntl(layer_fd, F_GETFL);

	if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
		return fail_because(
			err, EINVAL, "check layer", NULL, "descriptor %d cannot be read", layer_fd);
	if (fstat(layer_fd, &status) < 0 || S_ISDIR(status.st_mode))
		return fail_because(err, EINVAL, "check layer", NULL, "it is a directory");
	if (fstat(rootfs_fd, &status) < 0 || !S_ISDIR(status.st_mode))
		return fail_because(err, EINVAL, "check rootfs", NULL,
			"descriptor %d is not a directory", rootfs_fd);
	return 0;
}

static void give_stats(
	const struct report *record, const struct child *child, struct oakum_stats *stats)
{
	struct oakum_stats ours = record->stats;
	size_t bytes = stats->size < sizeof(ours) ? stats->size : sizeof(ours);

	ours.size = stats->size;
	if (child->has_pid_namespace)
		ours.walls |= OAKUM_WALL_PID_NAMESPACE;
	memcpy(stats, &ours, bytes);
}

static int run(const struct child_spec *spec, const struct request *mapped, int64_t deadline,
	struct oakum_stats *stats, struct oakum_error *err)
{
	struct child child;
	struct report record;
	struct oakum_error of_maps;
	int unmapped = 0;
	int r = staged(child_start(spec, &child, err), OAKUM_STAGE_SETUP, err);

	if (r < 0)
		return r;
	if (mapped != NULL)
		unmapped = staged(user_namespace_map(&child, mapped, deadline, &of_maps),
			OAKUM_STAGE_SETUP, &of_maps);
	r = wait_for_record(&child, deadline, &record, err);
	if (r == 0 && record.result < 0) {
		*err = record.error;
		r = record.result;
	}
	if (unmapped < 0) { /* why the child failed as well */
		*err = of_maps;
		r = unmapped;
	}
	if (r == 0 && stats != NULL)
		give_stats(&record, &child, stats);
	child_close(&child);
	return r;
}

int oakum_unpack(int layer_fd, int rootfs_fd, const struct oakum_unpack_options *options,
	struct oakum_stats *stats, struct oakum_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_user_namespace struct user_namespace space = { 0 };
	struct request request;
	struct child_spec spec = { .layer_fd = layer_fd, .rootfs_fd = rootfs_fd };
	int64_t deadline = -1;
	int r = check_descriptors(layer_fd, rootfs_fd, err);

	if (r == 0)
		r = request_from_options(options, &request, err);
	if (r == 0)
		r = user_namespace_resolve(&request, &space, err);
	if (r == 0)
		r = request_write(&request, &text, &spec.request_bytes, err);
	if (staged(r, OAKUM_STAGE_SETUP, err) < 0)
		return funnel(err);
	if (options != NULL && options->size > offsetof(struct oakum_unpack_options, timeout_ms))
		deadline = deadline_from_now(options->timeout_ms);
	spec.request = text;
	r = run(&spec, space.needs_mapping ? &request : NULL, deadline, stats, err);
	if (r == 0)
		return 0;
	drain_input(layer_fd, deadline);
	return funnel(err);
}

const char *oakum_version(void)
{
	return OAKUM_VERSION_STRING;
}

void oakum_trim(void)
{
	helper_file_trim();
}

const char *oakum_compression_name(uint32_t compression)
{
	static const char *const names[] = {
		[OAKUM_COMPRESSION_NONE] = "none",
		[OAKUM_COMPRESSION_GZIP] = "gzip",
		[OAKUM_COMPRESSION_ZSTD] = "zstd",
		[OAKUM_COMPRESSION_XZ] = "xz",
		[OAKUM_COMPRESSION_BZIP2] = "bzip2",
		[OAKUM_COMPRESSION_LZ4] = "lz4",
	};

	return compression < sizeof(names) / sizeof(names[0]) ? names[compression] : "unknown";
}

size_t oakum_error_format(const struct oakum_error *err, char *buffer, size_t buffer_bytes)
{
	const char *reason = strerrordesc_np(err->code);
	size_t length = 0;

	if (buffer_bytes > 0)
		buffer[0] = '\0';
	escape_append(buffer, buffer_bytes, &length, stage_name(err->stage));
	escape_append(buffer, buffer_bytes, &length, ": ");
	if (err->entry[0] != '\0') {
		escape_append(buffer, buffer_bytes, &length, err->entry);
		escape_append(buffer, buffer_bytes, &length, ": ");
	}
	escape_append(buffer, buffer_bytes, &length, err->op);
	escape_append(buffer, buffer_bytes, &length, ": ");
	escape_append(buffer, buffer_bytes, &length, reason == NULL ? "unknown error" : reason);
	if (err->detail[0] != '\0') {
		escape_append(buffer, buffer_bytes, &length, " (");
		escape_append(buffer, buffer_bytes, &length, err->detail);
		escape_append(buffer, buffer_bytes, &length, ")");
	}
	return length;
}
