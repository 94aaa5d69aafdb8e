/* SPDX-License-Identifier: Apache-2.0 */
#include "command/output_file.h"

#include "base/cleanup.h"
#include "command/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MODE = 0644,
	NAME_TRIES = 100,
	ENDING_BYTES = 32,
};

static bool open_standard_output(struct output_file *file)
{
	if (isatty(STDOUT_FILENO))
		return message_wrong("standard output is a terminal: name a file, or a pipe");
	file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (file->fd < 0)
		message_failed("open", "standard output", errno);
	return file->fd >= 0;
}

/* Devices, fifos, and what can be no file at all. */
static bool open_as_it_is(struct output_file *file)
{
	file->fd = open(file->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (file->fd < 0)
		message_failed("open", file->name, errno);
	return file->fd >= 0;
}

/* Without a name, so that nothing is left of it whatever happens to us; in the same directory. */
static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *directory =
		slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);

	return directory == NULL ? -1 : open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
}

static char *with_ending(const char *path, const char *ending)
{
	char *name;

	return asprintf(&name, "%s%s", path, ending) < 0 ? NULL : name;
}

/* Some file systems know no files without a name. */
static int open_beside(struct output_file *file)
{
	const mode_t mask = umask(0);

	umask(mask);
	file->temporary = with_ending(file->path, ".XXXXXX");
	cleanup_fd int fd = file->temporary == NULL ? -1 : mkostemp(file->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(file->temporary);
		file->temporary = NULL;
		return -1;
	}
	return fchmod(fd, MODE & ~mask) < 0 ? -1 : steal_fd(&fd);
}

static bool open_anew(struct output_file *file)
{
	file->path = realpath(file->name, NULL); /* a symlink stays one */
	if (file->path == NULL)
		file->path = strdup(file->name);
	if (file->path == NULL)
		return message_wrong("out of memory");
	file->fd = open_nameless(file->path);
	if (file->fd < 0)
		file->fd = open_beside(file);
	if (file->fd < 0)
		message_failed("open", file->name, errno);
	return file->fd >= 0;
}

bool output_file_open(const char *name, struct output_file *file)
{
	struct stat status;
	bool is_open;

	*file = (struct output_file){ .fd = -1, .name = name };
	if (strcmp(name, "-") == 0)
		is_open = open_standard_output(file);
	else if (stat(name, &status) == 0 && !S_ISREG(status.st_mode))
		is_open = open_as_it_is(file);
	else
		is_open = open_anew(file);
	if (!is_open)
		output_file_discard(file);
	return is_open;
}

/* link(2) puts nothing in the place of what is there: so under another name first. */
static int give_name(struct output_file *file)
{
	char ending[ENDING_BYTES];
	char by_fd[ENDING_BYTES];

	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", file->fd);
	for (int i = 0; i < NAME_TRIES; i++) {
		snprintf(ending, sizeof(ending), ".%d-%d", (int)getpid(), i);
		file->temporary = with_ending(file->path, ending);
		if (file->temporary == NULL ||
			linkat(AT_FDCWD, by_fd, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0)
			return file->temporary == NULL ? -1 : 0;
		free(file->temporary);
		file->temporary = NULL;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

bool output_file_commit(struct output_file *file)
{
	bool is_done = file->path == NULL;

	if (!is_done && file->temporary == NULL && give_name(file) < 0)
		message_failed("link", file->name, errno);
	else if (!is_done && rename(file->temporary, file->path) < 0)
		message_failed("rename", file->name, errno);
	else
		is_done = true;
	if (is_done) {
		free(file->temporary);
		file->temporary = NULL;
	}
	output_file_discard(file);
	return is_done;
}

void output_file_discard(struct output_file *file)
{
	if (file->temporary != NULL)
		(void)unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	file->temporary = NULL;
	file->path = NULL;
	close_fd(&file->fd);
}
