/* SPDX-License-Identifier: Apache-2.0 */
#include "command/output_file.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "command/message.h"
#include "command/patience.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	MODE = 0644,
	LINKS_MAX = 40, /* as the kernel */
	LINK_BYTES = 4096,
	NAME_TRIES = 100,
	ENDING_BYTES = 32,
};

/* What is at a name. */
struct place {
	struct stat status;
	bool is_magic;	 /* a link of /proc, whose text does not say where it leads */
	bool is_foreign; /* another user may have put it there for us */
};

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static bool open_standard_output(struct output_file *file)
{
	if (isatty(STDOUT_FILENO))
		return message_wrong("standard output is a terminal: name a file, or a pipe");
	file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (file->fd < 0)
		message_failed("open", "standard output", errno);
	return file->fd >= 0;
}

/* --- where it is --- */

/* To the directory that a path is in, from the one before: 0 or -errno. */
static int enter(struct output_file *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	const bool is_name = *base != '\0' && strcmp(base, ".") != 0 && strcmp(base, "..") != 0;

	if (*path == '\0')
		return -ENOENT;
	cleanup_free char *above = strndup(path, is_name ? (size_t)(base - path) : strlen(path));
	free(file->base);
	file->base = strdup(is_name ? base : ".");
	if (above == NULL || file->base == NULL)
		return -ENOMEM;
	int fd = openat(
		file->directory_fd, *above == '\0' ? "." : above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close_fd(&file->directory_fd);
	file->directory_fd = fd;
	return 0;
}

/*
 * As fs.protected_symlinks, _fifos and _regular of the kernel, whatever these are: where
 * everybody may put something, what others have put there is not for us to write to.
 */
static bool is_planted(const struct stat *directory, const struct stat *there)
{
	if ((directory->st_mode & S_ISVTX) == 0 || (directory->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return false;
	if (!S_ISLNK(there->st_mode) && !S_ISFIFO(there->st_mode) && !S_ISREG(there->st_mode))
		return false;
	return there->st_uid != geteuid() && there->st_uid != directory->st_uid;
}

static bool refuse_planted(const struct output_file *file)
{
	return message_wrong("setup: %s: open: %s (in a directory where everybody may put "
			     "something, it belongs to another user)",
		file->name, error_reason(EACCES));
}

static bool is_of_proc(int directory_fd)
{
	struct statfs status;

	return fstatfs(directory_fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* A link of /proc to a file that has a name says that name: it is replaced as any other. */
static int look_through_magic(const struct output_file *file, struct place *place)
{
	if (!S_ISLNK(place->status.st_mode) || !is_of_proc(file->directory_fd))
		return 0;
	struct stat behind;
	if (fstatat(file->directory_fd, file->base, &behind, 0) < 0)
		return -errno;
	place->is_magic = !S_ISREG(behind.st_mode) || behind.st_nlink == 0;
	if (place->is_magic)
		place->status = behind;
	return 0;
}

/* 1: there is something; 0: nothing; or -errno. Without following it. */
static int look(const struct output_file *file, struct place *place)
{
	*place = (struct place){ .is_magic = false };
	if (fstatat(file->directory_fd, file->base, &place->status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	int r = look_through_magic(file, place);
	return r < 0 ? r : 1;
}

/* Follows symlinks one by one, each looked at before: 1, 0 or -errno as look(). */
static int find(struct output_file *file, struct place *place)
{
	char link[LINK_BYTES];
	struct stat directory;
	int r = enter(file, file->name);

	for (int links = 0; r == 0 && links <= LINKS_MAX; links++) {
		r = look(file, place);
		if (r <= 0)
			return r;
		if (fstat(file->directory_fd, &directory) < 0)
			return -errno;
		place->is_foreign = !place->is_magic && is_planted(&directory, &place->status);
		if (place->is_foreign)
			return -EACCES;
		if (!S_ISLNK(place->status.st_mode))
			return 1;
		ssize_t length = readlinkat(file->directory_fd, file->base, link, sizeof(link) - 1);
		if (length < 0)
			return -errno;
		link[length] = '\0';
		r = enter(file, link);
	}
	return r < 0 ? r : -ELOOP;
}

/* --- what it is written to --- */

/* Devices, fifos, and what can be no file at all. */
static int open_as_it_is(struct output_file *file, const struct place *place, uint64_t *timeout_ms)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | (place->is_magic ? 0 : O_NOFOLLOW);
	struct stat status;

	file->fd = open_with_patience(file->directory_fd, file->base, flags, timeout_ms);
	if (file->fd < 0 || fstat(file->fd, &status) < 0)
		return -errno;
	return is_same(&status, &place->status) ? 0 : -EACCES;
}

static char *with_ending(const char *name, int number)
{
	char *ended;

	return asprintf(&ended, "%s.%d-%d", name, (int)getpid(), number) < 0 ? NULL : ended;
}

/* Without a name, so that nothing is left of it whatever happens to us. */
static int open_nameless(const struct output_file *file)
{
	return openat(file->directory_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
}

/* link(2) puts nothing in the place of what is there: so under another name first. */
static int make_temporary(struct output_file *file, int (*make)(struct output_file *file))
{
	for (int i = 0; i < NAME_TRIES; i++) {
		file->temporary = with_ending(file->base, i);
		if (file->temporary == NULL)
			return -ENOMEM;
		if (make(file) == 0)
			return 0;
		const int code = errno;
		free(file->temporary);
		file->temporary = NULL;
		if (code != EEXIST)
			return -code;
	}
	return -EEXIST;
}

static int open_named(struct output_file *file)
{
	file->fd = openat(file->directory_fd, file->temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	return file->fd < 0 ? -1 : 0;
}

static int link_nameless(struct output_file *file)
{
	char by_fd[ENDING_BYTES];

	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, by_fd, file->directory_fd, file->temporary, AT_SYMLINK_FOLLOW);
}

/* Some file systems know no files without a name, and without /proc one can be given to none. */
static int open_anew(struct output_file *file)
{
	file->is_made = true;
	if (access("/proc/self/fd", X_OK) == 0)
		file->fd = open_nameless(file);
	return file->fd >= 0 ? 0 : make_temporary(file, open_named);
}

static bool open_name(struct output_file *file, uint64_t *timeout_ms)
{
	struct place place = { .is_foreign = false };
	int r = find(file, &place);

	if (place.is_foreign)
		return refuse_planted(file);
	file->replaces = r > 0;
	if (r > 0 && !S_ISREG(place.status.st_mode))
		r = open_as_it_is(file, &place, timeout_ms);
	else if (r >= 0)
		r = open_anew(file);
	if (r == -ETIMEDOUT)
		return message_wrong("setup: %s: open: %s (nobody reads from it)", file->name,
			error_reason(ETIMEDOUT));
	if (r < 0)
		message_failed("open", file->name, -r);
	return r == 0;
}

bool output_file_open(const char *name, uint64_t *timeout_ms, struct output_file *file)
{
	*file = (struct output_file){ .fd = -1, .name = name, .directory_fd = AT_FDCWD };
	const bool is_open =
		strcmp(name, "-") == 0 ? open_standard_output(file) : open_name(file, timeout_ms);
	if (!is_open)
		output_file_discard(file);
	return is_open;
}

/* Up to the root, whose parent it is itself. What cannot be looked at is not below. */
bool output_file_replaces_below(const struct output_file *file, int directory_fd)
{
	cleanup_fd int fd = -1;
	struct stat directory;
	struct stat here;
	struct stat below = { 0 };

	if (!file->is_made || !file->replaces || fstat(directory_fd, &directory) < 0)
		return false;
	fd = openat(file->directory_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && fstat(fd, &here) == 0 && !is_same(&here, &below)) {
		if (is_same(&here, &directory))
			return true;
		below = here;
		int above_fd = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = above_fd;
	}
	return false;
}

/* --- its end --- */

/* Of a directory that cannot be read, and where the file system cannot, the name comes later. */
static void sync_directory(const struct output_file *file)
{
	cleanup_fd int fd = openat(file->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

/* What has a name after a power cut has its content too: nothing is a valid layer. */
static bool give_name(struct output_file *file)
{
	int r = fsync(file->fd) < 0 ? -errno : 0;
	const char *op = "fsync";

	if (r == 0 && file->temporary == NULL) {
		op = "link";
		r = make_temporary(file, link_nameless);
	}
	if (r == 0) {
		op = "rename";
		r = renameat(file->directory_fd, file->temporary, file->directory_fd, file->base);
		r = r < 0 ? -errno : 0;
	}
	if (r < 0) {
		message_failed(op, file->name, -r);
		return false;
	}
	sync_directory(file);
	free(file->temporary);
	file->temporary = NULL;
	return true;
}

bool output_file_commit(struct output_file *file)
{
	const bool is_done = !file->is_made || give_name(file);

	output_file_discard(file);
	return is_done;
}

void output_file_discard(struct output_file *file)
{
	if (file->temporary != NULL)
		(void)unlinkat(file->directory_fd, file->temporary, 0);
	free(file->temporary);
	free(file->base);
	file->temporary = NULL;
	file->base = NULL;
	close_fd(&file->directory_fd);
	close_fd(&file->fd);
}
