/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacker/walk.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum {
	SYMLINKS_MAX = 40,
	STEPS_MAX =
		200000,	  /* 40 links of 4095 bytes need fewer; directories moved meanwhile, more */
	LEVELS_OPEN = 64, /* of the last levels; a step up or down among them is one call */
	MARKS = 64,	  /* levels that stay open far above, to come back to */
};

/*
 * A level is a directory on the way, counted from the rootfs, which is level 0. The last ones are
 * open, and every so many above them, so that ".." costs little however deep it is
 * said: who goes up level by level opens each of them once or twice.
 */
struct walk {
	int root_fd;
	char *reached; /* the physical path of the level at hand: components that were no symlinks
			*/
	size_t reached_length;
	size_t reached_room;
	size_t level;
	size_t lowest_open;    /* levels from here on are open; more than level: none */
	int open[LEVELS_OPEN]; /* a level's place is its number, modulo */
	int marks[MARKS];      /* of level spacing, 2 * spacing...; -1 where there is none */
	size_t spacing;
	char *rest; /* still to be walked, from rest_at on */
	size_t rest_at;
	int symlinks;
	int steps;
};

static void close_level(struct walk *walk, size_t level)
{
	close_fd(&walk->open[level % LEVELS_OPEN]);
}

static void close_all(struct walk *walk)
{
	for (size_t i = 0; i < LEVELS_OPEN; i++)
		close_fd(&walk->open[i]);
	for (size_t i = 0; i < MARKS; i++)
		close_fd(&walk->marks[i]);
	walk->lowest_open = 1;
	walk->spacing = LEVELS_OPEN;
	walk->level = 0;
	walk->reached_length = 0;
}

static void end_walk(struct walk *walk)
{
	close_all(walk);
	free_pointer(&walk->reached);
	free_pointer(&walk->rest);
}
#define cleanup_walk __attribute__((cleanup(end_walk)))

static int here(const struct walk *walk)
{
	return walk->level == 0 ? walk->root_fd : walk->open[walk->level % LEVELS_OPEN];
}

/* --- levels far above --- */

/* The marks are full: every other one goes. */
static void thin_marks(struct walk *walk)
{
	for (size_t i = 0; i < MARKS; i += 2) {
		close_fd(&walk->marks[i]);
		walk->marks[i / 2] = steal_fd(&walk->marks[i + 1]);
	}
	walk->spacing *= 2;
}

/* The level at hand, if it is one to come back to. */
static int set_mark(struct walk *walk)
{
	if (walk->level % walk->spacing != 0)
		return 0;
	if (walk->level / walk->spacing > MARKS)
		thin_marks(walk);
	if (walk->level % walk->spacing != 0)
		return 0;
	int *mark = &walk->marks[walk->level / walk->spacing - 1];
	if (*mark < 0)
		*mark = openat(here(walk), ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *mark < 0 ? -errno : 0;
}

/* --- down and up --- */

/* Takes a descriptor of the level below the one at hand. */
static void take_level(struct walk *walk, int fd)
{
	walk->level++;
	close_level(walk, walk->level); /* of a level so many above */
	walk->open[walk->level % LEVELS_OPEN] = fd;
	if (walk->lowest_open + LEVELS_OPEN <= walk->level)
		walk->lowest_open = walk->level - LEVELS_OPEN + 1;
}

static int open_level(int fd, const char *name)
{
	int next_fd = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return next_fd < 0 ? -errno : next_fd;
}

/* The component at the start of text, terminated; its length, or -ENAMETOOLONG. */
static ssize_t copy_component(const char *text, char name[NAME_MAX + 1])
{
	const size_t bytes = strcspn(text, "/");

	if (bytes > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, text, bytes);
	name[bytes] = '\0';
	return (ssize_t)bytes;
}

/* Where the name of a level begins in the path that was reached. */
static size_t start_of_level(const struct walk *walk, size_t level)
{
	size_t at = 0;

	for (size_t i = 1; i < level; i++)
		at += strcspn(walk->reached + at, "/") + 1;
	return at;
}

/* The level at hand is open no more: down to it again, by names, from the nearest that is. */
static int reopen(struct walk *walk)
{
	const size_t wanted = walk->level;
	size_t mark = wanted / walk->spacing;
	char name[NAME_MAX + 1];

	walk->level = mark * walk->spacing;
	walk->lowest_open = walk->level + 1;
	int r = 0;
	if (mark > 0) {
		int fd = openat(walk->marks[mark - 1], ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		walk->level--;
		walk->lowest_open--;
		take_level(walk, fd);
	}
	size_t at = start_of_level(walk, walk->level + 1);
	while (r == 0 && walk->level < wanted) {
		ssize_t bytes = copy_component(walk->reached + at, name);
		int fd = open_level(here(walk), name);
		if (fd < 0)
			return fd;
		take_level(walk, fd);
		at += (size_t)bytes + 1;
		r = ++walk->steps > STEPS_MAX ? -ELOOP : 0;
	}
	return r;
}

static size_t parent_length(const struct walk *walk)
{
	size_t length = walk->reached_length;

	while (length > 0 && walk->reached[length - 1] != '/')
		length--;
	return length > 0 ? length - 1 : 0;
}

/* By what was walked, and never by "..": who moves a directory meanwhile moves nobody out. */
static int go_up(struct walk *walk)
{
	if (walk->level == 0)
		return 0;
	close_level(walk, walk->level);
	if (walk->level % walk->spacing == 0)
		close_fd(&walk->marks[walk->level / walk->spacing - 1]);
	walk->reached_length = parent_length(walk);
	walk->reached[walk->reached_length] = '\0';
	walk->level--;
	return walk->level > 0 && walk->level < walk->lowest_open ? reopen(walk) : 0;
}

static int append_reached(struct walk *walk, const char *name)
{
	size_t length = strlen(name);

	if (walk->reached_length + 1 + length + 1 > walk->reached_room) {
		size_t room = (walk->reached_length + 1 + length + 1) * 2;
		char *larger = realloc(walk->reached, room);
		if (larger == NULL)
			return -ENOMEM;
		walk->reached = larger;
		walk->reached_room = room;
	}
	if (walk->reached_length > 0)
		walk->reached[walk->reached_length++] = '/';
	memcpy(walk->reached + walk->reached_length, name, length + 1);
	walk->reached_length += length;
	return 0;
}

/* --- one component --- */

static int follow(struct walk *walk, const char *name)
{
	char target[PATH_MAX];
	const char *rest = walk->rest + walk->rest_at;
	size_t rest_length = strlen(rest);
	ssize_t length = readlinkat(here(walk), name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	if (++walk->symlinks > SYMLINKS_MAX)
		return -ELOOP;
	char *both = malloc((size_t)length + 1 + rest_length + 1);
	if (both == NULL)
		return -ENOMEM;
	memcpy(both, target, (size_t)length);
	both[length] = '/';
	memcpy(both + length + 1, rest, rest_length + 1);
	free(walk->rest);
	walk->rest = both;
	walk->rest_at = 0;
	if (target[0] == '/')
		close_all(walk);
	return 0;
}

static int step(struct walk *walk, const char *name)
{
	if (strcmp(name, ".") == 0 || *name == '\0')
		return 0;
	if (strcmp(name, "..") == 0)
		return go_up(walk);
	int fd = open_level(here(walk), name);
	if (fd == -ENOTDIR || fd == -ELOOP) {
		int r = follow(walk, name);
		return r == -EINVAL ? -ENOTDIR : r; /* no symlink either */
	}
	if (fd < 0)
		return fd;
	take_level(walk, fd);
	int r = append_reached(walk, name);
	return r < 0 ? r : set_mark(walk);
}

int walk_open(int root_fd, const char *path, int flags)
{
	cleanup_walk struct walk walk = { .root_fd = root_fd, .rest = strdup(path) };
	int r = walk.rest == NULL ? -ENOMEM : 0;

	memset(walk.open, -1, sizeof(walk.open));
	memset(walk.marks, -1, sizeof(walk.marks));
	close_all(&walk);
	while (r == 0 && walk.rest[walk.rest_at] != '\0') {
		char name[NAME_MAX + 1];
		const char *from = walk.rest + walk.rest_at;
		ssize_t length = copy_component(from, name);
		if (length < 0)
			return (int)length;
		walk.rest_at += (size_t)length + (from[length] == '/');
		r = ++walk.steps > STEPS_MAX ? -ELOOP : step(&walk, name);
	}
	if (r < 0)
		return r;
	int opened_fd = openat(here(&walk), ".", flags | O_DIRECTORY | O_CLOEXEC);
	return opened_fd < 0 ? -errno : opened_fd;
}
