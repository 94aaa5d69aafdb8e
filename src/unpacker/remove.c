/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/remove.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH_BYTES = 32 << 10 };

/* What to do with one name; 1: it is gone or moved, 0: it stays, or -errno. */
typedef int visit_fn(int directory_fd, const char *name, void *context);

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int visit_batch(
	int directory_fd, char *batch, ssize_t length, visit_fn *visit, void *context)
{
	int changed = 0;

	for (ssize_t at = 0; at < length;) {
		struct dirent64 *entry = (struct dirent64 *)(void *)(batch + at);
		at += entry->d_reclen;
		if (is_dots(entry->d_name))
			continue;
		int r = visit(directory_fd, entry->d_name, context);
		if (r < 0)
			return r;
		changed |= r;
	}
	return changed;
}

/* Again and again until a pass changes nothing: removing while reading may skip names. */
static int visit_all(int directory_fd, visit_fn *visit, void *context)
{
	cleanup_free char *batch = malloc(BATCH_BYTES);
	int changed = 1;

	if (batch == NULL)
		return -ENOMEM;
	while (changed > 0) {
		ssize_t length;
		if (lseek(directory_fd, 0, SEEK_SET) < 0)
			return -errno;
		changed = 0;
		while ((length = getdents64(directory_fd, batch, BATCH_BYTES)) > 0) {
			int r = visit_batch(directory_fd, batch, length, visit, context);
			if (r < 0)
				return r;
			changed |= r;
		}
		if (length < 0)
			return -errno;
	}
	return 0;
}

static int open_directory(int directory_fd, const char *name)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* 0: removed; -ENOTEMPTY: a directory with something in it; other -errno. */
static int remove_simple(int directory_fd, const char *name)
{
	if (unlinkat(directory_fd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	int why = errno;
	if (unlinkat(directory_fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTDIR) /* EPERM was meant: an immutable file, say */
		return -why;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

struct lift {
	int top_fd;
	uint64_t next_number;
};

/* A full directory two levels down is moved up under a name of its own: no depth, no recursion. */
static int remove_or_lift(int directory_fd, const char *name, void *context)
{
	struct lift *lift = context;
	int r = remove_simple(directory_fd, name);

	while (r == -ENOTEMPTY) {
		char lifted[32];
		snprintf(lifted, sizeof(lifted), ".oakum-%llu",
			(unsigned long long)lift->next_number++);
		r = renameat2(directory_fd, name, lift->top_fd, lifted, RENAME_NOREPLACE);
		if (r < 0)
			r = errno == EEXIST ? -ENOTEMPTY : -errno;
	}
	return r < 0 ? r : 1;
}

static int remove_child(int top_fd, const char *name, void *context)
{
	int r = remove_simple(top_fd, name);

	if (r != -ENOTEMPTY)
		return r < 0 ? r : 1;
	cleanup_fd int child_fd = open_directory(top_fd, name);
	if (child_fd < 0)
		return child_fd;
	r = visit_all(child_fd, remove_or_lift, context);
	if (r == 0)
		r = unlinkat(top_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
	return r < 0 ? r : 1;
}

int remove_name(int directory_fd, const char *name)
{
	int r = remove_simple(directory_fd, name);

	if (r != -ENOTEMPTY)
		return r;
	cleanup_fd int top_fd = open_directory(directory_fd, name);
	if (top_fd < 0)
		return top_fd;
	struct lift lift = { .top_fd = top_fd };
	r = visit_all(top_fd, remove_child, &lift);
	if (r < 0)
		return r;
	return unlinkat(directory_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Directories that are spared and still to be looked into, as paths below the first. */
struct worklist {
	const struct remove_spare *spare;
	const char *top_path;
	char *path; /* of the directory being looked at, below the first; "" is that one */
	char **waiting;
	size_t count;
	size_t room;
};

static void end_worklist(struct worklist *work)
{
	for (size_t i = 0; i < work->count; i++)
		free(work->waiting[i]);
	free(work->waiting);
	free(work->path);
}
#define cleanup_worklist __attribute__((cleanup(end_worklist)))

static char *join(const char *path, const char *name)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", path, *path == '\0' ? "" : "/", name) < 0)
		return NULL;
	return joined;
}

static int put_off(struct worklist *work, char *path)
{
	if (work->count == work->room) {
		size_t room = work->room * 2 + 16;
		char **larger = realloc(work->waiting, room * sizeof(*larger));
		if (larger == NULL)
			return -ENOMEM;
		work->waiting = larger;
		work->room = room;
	}
	work->waiting[work->count++] = path;
	return 0;
}

static int remove_unless_spared(int directory_fd, const char *name, void *context)
{
	struct worklist *work = context;
	cleanup_free char *below = join(work->path, name);
	cleanup_free char *whole = below == NULL ? NULL : join(work->top_path, below);

	if (whole == NULL)
		return -ENOMEM;
	if (work->spare->is_spared(work->spare->context, whole))
		return 0;
	int r = remove_name(directory_fd, name);
	return r < 0 ? r : 1;
}

static int note_directories(int directory_fd, const char *name, void *context)
{
	struct worklist *work = context;
	struct stat status;

	if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return 0;
	cleanup_free char *below = join(work->path, name);
	if (below == NULL)
		return -ENOMEM;
	int r = put_off(work, below);
	if (r == 0)
		below = NULL;
	return r;
}

/* By one component after the other, and no link among them: only spared directories were noted. */
static int open_below(int top_fd, const char *path)
{
	cleanup_fd int fd = open_directory(top_fd, ".");

	while (fd >= 0 && *path != '\0') {
		char name[NAME_MAX + 1];
		size_t length = strcspn(path, "/");
		memcpy(name, path, length);
		name[length] = '\0';
		int next_fd = open_directory(fd, name);
		close_fd(&fd);
		fd = next_fd;
		path += length;
		path += *path == '/';
	}
	return steal_fd(&fd);
}

int remove_content(int directory_fd, const char *path, const struct remove_spare *spare)
{
	cleanup_worklist struct worklist work = {
		.spare = spare,
		.top_path = path,
		.path = strdup(""),
	};
	int r = work.path == NULL ? -ENOMEM : 0;

	while (r == 0 && work.path != NULL) {
		cleanup_fd int here_fd = open_below(directory_fd, work.path);
		r = here_fd < 0 ? here_fd : visit_all(here_fd, remove_unless_spared, &work);
		if (r == 0)
			r = visit_all(here_fd, note_directories, &work);
		free(work.path);
		work.path = work.count > 0 ? work.waiting[--work.count] : NULL;
	}
	return r;
}
