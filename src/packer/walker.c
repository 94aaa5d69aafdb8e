/* SPDX-License-Identifier: Apache-2.0 */
#include "packer/walker.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sys.h"
#include "layer/go_path.h"
#include "packer/bytes.h"
#include "packer/name.h"
#include "packer/sort.h"
#include "packer/unchanged.h"

#include <dirent.h>
#include <fcntl.h>

enum {
	OPEN_MAX_LEVELS = 64, /* the deepest keep their descriptors; others are opened again */
	BATCH_BYTES = 64 << 10,
	EAGAIN_TRIES = 1000,
	TYPE_BYTES = 1, /* before each name that a directory was asked for */
};

/* A directory that is being walked, or one above it. */
struct level {
	int fd; /* -1: closed meanwhile */
	dev_t device;
	ino_t number;
	bool is_expected; /* to be as expected when it is left */
	struct stat expected;
	struct bytes text;  /* d_type and terminated name of each */
	const char **names; /* into text, sorted */
	size_t count;
	size_t next;
	size_t path_length; /* of the directory, in walker.path; 0 for "/" */
};

enum next_step {
	STEP_START, /* the path that it was started with */
	STEP_ENTER, /* the directory that came last */
	STEP_READ,  /* the next name of the lowest level */
};

struct walker {
	int root_fd;
	int start_fd;	    /* of the directory that the first item is in */
	struct bytes start; /* as it was spelt */
	struct bytes path;  /* of the item, clean */
	enum next_step step;
	struct level *levels;
	size_t depth;
	size_t room;
	bool is_expected; /* the directory that came last */
	struct stat expected;
	char batch[BATCH_BYTES] __attribute__((aligned(8)));
};

/* --- the first --- */

/* By the kernel, below the root. It says EAGAIN when ".." is walked while anything is renamed. */
static int open_below_root(int root_fd, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)(flags | O_DIRECTORY | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	for (int tries = 0; tries < EAGAIN_TRIES; tries++) {
		int fd = sys_openat2(root_fd, path, &how);
		if (fd >= 0)
			return fd;
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

/* The last component, where it is not to be followed; else NULL. */
static const char *plain_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;

	if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return NULL;
	return base;
}

/*
 * The directory that a path is in, as a descriptor, and its name there: "." for
 * the directory itself. -errno.
 */
static int find(int root_fd, const char *path, const char **name)
{
	const char *base = plain_base(path);

	*name = base == NULL ? "." : base;
	if (base == NULL)
		return open_below_root(root_fd, path, O_PATH);
	cleanup_free char *above = strndup(path, (size_t)(base - path));
	if (above == NULL)
		return -ENOMEM;
	return open_below_root(root_fd, *above == '\0' ? "." : above, O_PATH);
}

int walker_look(struct walker *walker, const char *path, struct stat *status)
{
	const char *name;
	cleanup_fd int directory_fd = find(walker->root_fd, path, &name);

	if (directory_fd < 0)
		return directory_fd;
	return fstatat(directory_fd, name, status, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* --- levels --- */

static struct level *lowest(struct walker *walker)
{
	return &walker->levels[walker->depth - 1];
}

static void free_level(struct level *level)
{
	close_fd(&level->fd);
	bytes_free(&level->text);
	free(level->names);
}

/* The names of a batch; those that every directory has are left out. */
static int take_names(struct level *level, const char *batch, ssize_t length)
{
	for (ssize_t at = 0; at < length;) {
		const struct dirent64 *entry = (const struct dirent64 *)(const void *)(batch + at);
		const char *name = entry->d_name;
		at += entry->d_reclen;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (bytes_append(&level->text, &entry->d_type, TYPE_BYTES) < 0 ||
			bytes_append(&level->text, name, strlen(name) + 1) < 0)
			return -ENOMEM;
		level->count++;
	}
	return 0;
}

/* All names, for they come in no order; as many as can be had. */
static int read_names(struct walker *walker, struct level *level)
{
	ssize_t length;

	while ((length = getdents64(level->fd, walker->batch, sizeof(walker->batch))) > 0) {
		if (take_names(level, walker->batch, length) < 0)
			return -ENOMEM;
	}
	int r = length < 0 ? -errno : 0;
	level->names = malloc((level->count + 1) * sizeof(*level->names));
	if (level->names == NULL)
		return -ENOMEM;
	const char *at = level->text.data;
	for (size_t i = 0; i < level->count; i++) {
		level->names[i] = at + TYPE_BYTES;
		at += TYPE_BYTES + strlen(at + TYPE_BYTES) + 1;
	}
	sort_names(level->names, level->count);
	return r;
}

static int add_level(struct walker *walker, const struct level *level)
{
	if (walker->depth == walker->room) {
		size_t room = walker->room * 2 + OPEN_MAX_LEVELS;
		struct level *larger = realloc(walker->levels, room * sizeof(*larger));
		if (larger == NULL)
			return -ENOMEM;
		walker->levels = larger;
		walker->room = room;
	}
	walker->levels[walker->depth++] = *level;
	if (walker->depth > OPEN_MAX_LEVELS)
		close_fd(&walker->levels[walker->depth - 1 - OPEN_MAX_LEVELS].fd);
	return 0;
}

static int open_level(int directory_fd, const char *name, struct level *level)
{
	struct stat status;
	int fd = openat(
		directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

	*level = (struct level){ .fd = fd };
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	level->device = status.st_dev;
	level->number = status.st_ino;
	return 0;
}

/* Nothing was added, removed or exchanged since the walker's caller looked at it; or -errno. */
static int check_expected(const struct level *level)
{
	struct stat now;

	if (!level->is_expected)
		return 0;
	if (fstat(level->fd, &now) < 0)
		return -errno;
	return is_unchanged(&level->expected, &now) ? 0 : -ESTALE;
}

static void describe(struct walker *walker, const char *name, struct walker_item *item)
{
	*item = (struct walker_item){
		.directory_fd = walker->depth > 0 ? lowest(walker)->fd : walker->start_fd,
		.name = name,
		.path = walker->path.data,
		.spelling = walker->depth > 0 ? walker->path.data : walker->start.data,
	};
}

/* 1: what could not be done is told as an item. */
static int tell(struct walker *walker, struct walker_item *item, const char *op, int code)
{
	describe(walker, ".", item);
	item->op = op;
	item->code = code;
	return 1;
}

static size_t clean_length(const struct walker *walker)
{
	size_t length = strlen(walker->path.data);

	return length == 1 && walker->path.data[0] == '/' ? 0 : length;
}

/* Goes down into the directory that came last: 0, or 1 with what went wrong, or -ENOMEM. */
static int enter(struct walker *walker, struct walker_item *item)
{
	bool is_first = walker->depth == 0;
	struct level level;
	const char *name = is_first ? plain_base(walker->start.data)
				    : lowest(walker)->names[lowest(walker)->next - 1];
	int r = open_level(is_first ? walker->start_fd : lowest(walker)->fd,
		name == NULL ? "." : name, &level);

	walker->step = STEP_READ;
	level.is_expected = walker->is_expected;
	level.expected = walker->expected;
	walker->is_expected = false;
	if (r == 0)
		r = check_expected(&level);
	if (r < 0) {
		free_level(&level);
		return tell(walker, item, "open", -r);
	}
	r = read_names(walker, &level);
	level.path_length = clean_length(walker);
	if (level.names == NULL || add_level(walker, &level) < 0) {
		free_level(&level);
		return -ENOMEM;
	}
	if (fchdir(level.fd) < 0) {
		walker->depth--;
		r = -errno;
		free_level(&level);
		return tell(walker, item, "chdir", -r);
	}
	return r < 0 ? tell(walker, item, "readdirent", -r) : 0;
}

/* The directory above, if its descriptor was closed: by "..", and only if it is still the same. */
static int open_again(struct level *level, int below_fd)
{
	struct stat status;

	if (level->fd >= 0)
		return 0;
	level->fd = openat(below_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (level->fd < 0 || fstat(level->fd, &status) < 0)
		return -errno;
	return status.st_dev == level->device && status.st_ino == level->number ? 0 : -ESTALE;
}

static int go_up(const struct level *left, struct level *above)
{
	int r = open_again(above, left->fd);

	return r == 0 && fchdir(above->fd) < 0 ? -errno : r;
}

/* 0, or 1 with what was found wrong, or -errno. */
static int leave(struct walker *walker, struct walker_item *item)
{
	struct level *left = lowest(walker);
	const int found = check_expected(left);
	int r = walker->depth > 1 ? go_up(left, left - 1) : 0;

	walker->path.length = left->path_length;
	if (bytes_append_text(&walker->path, left->path_length == 0 ? "/" : "") < 0)
		r = -ENOMEM;
	free_level(left);
	walker->depth--;
	return r == 0 && found < 0 ? tell(walker, item, "fstat", -found) : r;
}

/* --- items --- */

static int tell_first(struct walker *walker, struct walker_item *item)
{
	const char *name;
	struct stat status;
	int fd = find(walker->root_fd, walker->start.data, &name);

	walker->step = STEP_READ;
	if (fd < 0)
		return tell(walker, item, "lstat", -fd);
	walker->start_fd = fd;
	if (fchdir(fd) < 0 || fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return tell(walker, item, "lstat", errno);
	describe(walker, name, item);
	item->is_directory = S_ISDIR(status.st_mode);
	if (item->is_directory)
		walker->step = STEP_ENTER;
	return 1;
}

/* Some file systems do not tell in the list of names. */
static bool is_directory(int directory_fd, const char *name)
{
	struct stat status;
	unsigned char type = (unsigned char)name[-TYPE_BYTES];

	if (type != DT_UNKNOWN)
		return type == DT_DIR;
	return fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int tell_next_name(struct walker *walker, struct walker_item *item)
{
	struct level *level = lowest(walker);
	const char *name = level->names[level->next++];

	walker->path.length = level->path_length;
	if (bytes_append_text(&walker->path, "/") < 0 || bytes_append_text(&walker->path, name) < 0)
		return -ENOMEM;
	describe(walker, name, item);
	item->is_directory = is_directory(level->fd, name);
	if (item->is_directory)
		walker->step = STEP_ENTER;
	return 1;
}

static int step(struct walker *walker, struct walker_item *item)
{
	if (walker->step == STEP_START)
		return tell_first(walker, item);
	if (walker->step == STEP_ENTER)
		return enter(walker, item);
	if (lowest(walker)->next < lowest(walker)->count)
		return tell_next_name(walker, item);
	return leave(walker, item);
}

int walker_next(struct walker *walker, struct walker_item *item, struct oakum_error *err)
{
	int r = 0;

	while (r == 0 && (walker->step != STEP_READ || walker->depth > 0))
		r = step(walker, item);
	if (r == -ESTALE)
		return fail_because(err, -r, "walk", walker->path.data,
			"a directory above it was moved away meanwhile");
	return r < 0 ? fail(err, -r, "walk", walker->path.data) : r;
}

void walker_expect(struct walker *walker, const struct stat *status)
{
	walker->is_expected = true;
	walker->expected = *status;
}

void walker_prune(struct walker *walker)
{
	walker->step = STEP_READ;
	walker->is_expected = false;
}

static void stop(struct walker *walker)
{
	while (walker->depth > 0)
		free_level(&walker->levels[--walker->depth]);
	close_fd(&walker->start_fd);
	walker_prune(walker);
}

int walker_start(struct walker *walker, const char *path)
{
	stop(walker);
	if (bytes_set_text(&walker->start, path) < 0 || bytes_set_text(&walker->path, path) < 0)
		return -ENOMEM;
	go_path_clean(walker->path.data, walker->path.data);
	walker->step = STEP_START;
	return 0;
}

int walker_new(int root_fd, struct walker **walker)
{
	struct walker *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return -ENOMEM;
	new->root_fd = root_fd;
	new->start_fd = -1;
	new->step = STEP_READ;
	*walker = new;
	return 0;
}

void walker_free(struct walker *walker)
{
	if (walker == NULL)
		return;
	stop(walker);
	bytes_free(&walker->start);
	bytes_free(&walker->path);
	free(walker->levels);
	free(walker);
}
