/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/walk.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum {
	SYMLINKS_MAX = 40,
	STEPS_MAX = 200000, /* links full of ".." on a deep path would go on for hours */
};

struct walk {
	int root_fd;
	int here_fd;   /* the directory reached; -1: the rootfs */
	char *reached; /* its physical path: components that were no symlinks */
	size_t reached_length;
	char *rest; /* still to be walked */
	int symlinks;
	int steps;
};

static void end_walk(struct walk *walk)
{
	close_fd(&walk->here_fd);
	free_pointer(&walk->reached);
	free_pointer(&walk->rest);
}
#define cleanup_walk __attribute__((cleanup(end_walk)))

static int here(const struct walk *walk)
{
	return walk->here_fd < 0 ? walk->root_fd : walk->here_fd;
}

/* From the rootfs again, with reached and rest as they are: rest then starts with all of it. */
static int restart(struct walk *walk, size_t keep_length, const char *rest)
{
	size_t length = keep_length + 1 + strlen(rest) + 1;
	char *whole = malloc(length);

	if (whole == NULL)
		return -ENOMEM;
	if (keep_length > 0)
		memcpy(whole, walk->reached, keep_length);
	whole[keep_length] = '/';
	memcpy(whole + keep_length + 1, rest, strlen(rest) + 1);
	free(walk->rest);
	walk->rest = whole;
	close_fd(&walk->here_fd);
	walk->reached_length = 0;
	return 0;
}

static size_t parent_length(const struct walk *walk)
{
	size_t length = walk->reached_length;

	while (length > 0 && walk->reached[length - 1] != '/')
		length--;
	return length > 0 ? length - 1 : 0;
}

static int follow(struct walk *walk, const char *name, const char *rest)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(here(walk), name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	if (++walk->symlinks > SYMLINKS_MAX)
		return -ELOOP;
	size_t rest_length = strlen(rest);
	cleanup_free char *both = malloc((size_t)length + 1 + rest_length + 1);
	if (both == NULL)
		return -ENOMEM;
	memcpy(both, target, (size_t)length);
	both[length] = '/';
	memcpy(both + length + 1, rest, rest_length + 1);
	return restart(walk, target[0] == '/' ? 0 : walk->reached_length, both);
}

static int append_reached(struct walk *walk, const char *name)
{
	size_t length = strlen(name);
	char *larger = realloc(walk->reached, walk->reached_length + 1 + length);

	if (larger == NULL)
		return -ENOMEM;
	walk->reached = larger;
	if (walk->reached_length > 0)
		larger[walk->reached_length++] = '/';
	memcpy(larger + walk->reached_length, name, length);
	walk->reached_length += length;
	return 0;
}

static int step(struct walk *walk, const char *name, const char *rest)
{
	if (strcmp(name, ".") == 0 || *name == '\0') {
		memmove(walk->rest, rest, strlen(rest) + 1);
		return 0;
	}
	if (strcmp(name, "..") == 0) {
		cleanup_free char *copy = strdup(rest);
		return copy == NULL ? -ENOMEM : restart(walk, parent_length(walk), copy);
	}
	int next_fd = openat(here(walk), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next_fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		int r = follow(walk, name, rest);
		return r == -EINVAL ? -ENOTDIR : r; /* no symlink either */
	}
	if (next_fd < 0)
		return -errno;
	close_fd(&walk->here_fd);
	walk->here_fd = next_fd;
	int r = append_reached(walk, name);
	if (r == 0)
		memmove(walk->rest, rest, strlen(rest) + 1);
	return r;
}

int walk_open(int root_fd, const char *path, int flags)
{
	cleanup_walk struct walk walk = {
		.root_fd = root_fd,
		.here_fd = -1,
		.rest = strdup(path),
	};
	int r = walk.rest == NULL ? -ENOMEM : 0;

	while (r == 0 && *walk.rest != '\0') {
		if (++walk.steps > STEPS_MAX)
			return -ELOOP;
		char name[NAME_MAX + 1];
		size_t length = strcspn(walk.rest, "/");
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, walk.rest, length);
		name[length] = '\0';
		r = step(&walk, name, walk.rest + length + (walk.rest[length] == '/'));
	}
	if (r < 0)
		return r;
	int opened_fd = openat(here(&walk), ".", flags | O_DIRECTORY | O_CLOEXEC);
	return opened_fd < 0 ? -errno : opened_fd;
}
