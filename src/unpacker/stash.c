/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/stash.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"

#include <fcntl.h>
#include <string.h>

enum {
	KEPT_MAX = 64, /* a descriptor each */
	COPY_BYTES = 64 << 10,
};

struct kept {
	char *base;
	int fd;
};

struct stash {
	int directory_fd;
	size_t count;
	struct kept kept[KEPT_MAX];
};

struct stash *stash_new(int directory_fd)
{
	struct stash *stash = calloc(1, sizeof(*stash));

	if (stash != NULL)
		stash->directory_fd = directory_fd;
	return stash;
}

void stash_free(struct stash *stash)
{
	if (stash == NULL)
		return;
	for (size_t i = 0; i < stash->count; i++) {
		close_fd(&stash->kept[i].fd);
		free(stash->kept[i].base);
	}
	free(stash);
}

static const struct kept *find(const struct stash *stash, const char *base)
{
	for (size_t i = 0; i < stash->count; i++) {
		if (strcmp(stash->kept[i].base, base) == 0)
			return &stash->kept[i];
	}
	return NULL;
}

/* An empty file by the name: the one that is there, or a new one. */
static int open_kept(struct stash *stash, const char *base, int *fd, struct oakum_error *err)
{
	const struct kept *known = find(stash, base);

	if (known != NULL) {
		*fd = known->fd;
		if (ftruncate(*fd, 0) < 0 || lseek(*fd, 0, SEEK_SET) < 0)
			return fail(err, errno, "ftruncate", base);
		return 0;
	}
	if (stash->count == KEPT_MAX)
		return fail_because(err, EFBIG, "keep", base,
			"more than %d files for hard links of AUFS", KEPT_MAX);
	struct kept *kept = &stash->kept[stash->count];
	kept->base = strdup(base);
	if (kept->base == NULL)
		return fail(err, ENOMEM, "keep", base);
	kept->fd = openat(stash->directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (kept->fd < 0) {
		free(steal_ptr(&kept->base));
		return fail(err, errno, "keep", base);
	}
	stash->count++;
	*fd = kept->fd;
	return 0;
}

int stash_keep(struct stash *stash, const char *base, struct tar_reader *reader,
	struct tally *tally, struct oakum_error *err)
{
	const void *bytes;
	uint64_t offset;
	ssize_t length;
	int fd;
	int r = open_kept(stash, base, &fd, err);

	if (r < 0)
		return r;
	while ((length = tar_reader_content(reader, &bytes, &offset, err)) > 0) {
		r = tally_content(tally, (uint64_t)length, base, err);
		if (r < 0)
			return r;
		if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
			return fail(err, errno, "lseek", base);
		r = fd_write_all(fd, bytes, (size_t)length);
		if (r < 0)
			return fail(err, -r, "write", base);
	}
	return staged((int)length, OAKUM_STAGE_READ, err);
}

int stash_copy(const struct stash *stash, const char *base, int file_fd, const char *path,
	struct oakum_error *err)
{
	const struct kept *kept = find(stash, base);
	cleanup_free char *buffer = malloc(COPY_BYTES);
	ssize_t length;

	if (buffer == NULL)
		return fail(err, ENOMEM, "copy", path);
	if (kept == NULL || lseek(kept->fd, 0, SEEK_SET) < 0)
		return fail(err, kept == NULL ? ENOENT : errno, "copy", path);
	while ((length = fd_read(kept->fd, buffer, COPY_BYTES)) > 0) {
		int r = fd_write_all(file_fd, buffer, (size_t)length);
		if (r < 0)
			return fail(err, -r, "write", path);
	}
	return length < 0 ? fail(err, (int)-length, "read", path) : 0;
}
