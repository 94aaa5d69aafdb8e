/* SPDX-License-Identifier: Apache-2.0 */
#include "support/hostile.h"

#include "base/escape.h"
#include "support/scratch.h"
#include "unpacker/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	DEADLINE_MS = 30000,
	NAMES_MAX = 4096,
	CONTENT_SHOWN = 64,
	TREE_BYTES = 1 << 20,
	LINE_BYTES = 12 << 10,
};

/* --- what is in a tree --- */

struct listing {
	char *text;
	size_t length;
	bool shows_times;
};

static void add(struct listing *listing, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	listing->length += (size_t)vsnprintf(
		listing->text + listing->length, TREE_BYTES - listing->length, format, arguments);
	va_end(arguments);
	assert_true(listing->length < TREE_BYTES);
}

static void add_escaped(struct listing *listing, const char *bytes)
{
	escape_append(listing->text, TREE_BYTES, &listing->length, bytes);
}

static void add_content(
	struct listing *listing, int directory_fd, const char *name, const struct stat *status)
{
	char content[CONTENT_SHOWN + 1] = "";

	if (status->st_size > CONTENT_SHOWN) {
		add(listing, " (%jd bytes%s)", (intmax_t)status->st_size,
			status->st_blocks == 0 ? ", empty" : "");
		return;
	}
	if (status->st_size == 0)
		return;
	int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, content, CONTENT_SHOWN), status->st_size);
	close(fd);
	add(listing, " =");
	add_escaped(listing, content);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* By way of the working directory: paths may be longer than any path. */
static void add_xattrs(struct listing *listing, int directory_fd, const char *name)
{
	char names[65536];
	char *sorted[1024];
	size_t count = 0;

	assert_int_equal(fchdir(directory_fd), 0);
	ssize_t bytes = llistxattr(name, names, sizeof(names));
	for (char *at = names; at < names + bytes && count < 1024; at += strlen(at) + 1)
		sorted[count++] = at;
	qsort(sorted, count, sizeof(sorted[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		char value[256] = "";
		ssize_t length = lgetxattr(name, sorted[i], value, sizeof(value) - 1);
		add(listing, " %s=", sorted[i]);
		for (ssize_t at = 0; at < length; at++)
			add(listing, value[at] >= ' ' && value[at] < 0x7f ? "%c" : "\\x%02x",
				(unsigned char)value[at]);
	}
}

static void add_link(struct listing *listing, int directory_fd, const char *name)
{
	char target[4097] = "";

	assert_true(readlinkat(directory_fd, name, target, sizeof(target) - 1) >= 0);
	add(listing, " -> ");
	add_escaped(listing, target);
}

static char letter_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFREG:
		return 'f';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return '?';
	}
}

static void add_status(struct listing *listing, const struct stat *status)
{
	const mode_t usual = S_ISDIR(status->st_mode) ? 0755 : 0644;

	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
		add(listing, " %u:%u", major(status->st_rdev), minor(status->st_rdev));
	if (!S_ISLNK(status->st_mode) && (status->st_mode & 07777) != usual)
		add(listing, " %o", status->st_mode & 07777);
	if (status->st_uid != 0 || status->st_gid != 0)
		add(listing, " %u:%u", status->st_uid, status->st_gid);
	if (!S_ISDIR(status->st_mode) && status->st_nlink > 1)
		add(listing, " x%ju", (uintmax_t)status->st_nlink);
	if (listing->shows_times)
		add(listing, " @%jd.%09ld", (intmax_t)status->st_mtim.tv_sec,
			status->st_mtim.tv_nsec);
}

static size_t read_names(int directory_fd, char **names)
{
	DIR *directory = fdopendir(openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL && count < NAMES_MAX) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names[count++] = strdup(entry->d_name);
	}
	closedir(directory);
	qsort(names, count, sizeof(names[0]), compare_names);
	return count;
}

static void list(struct listing *listing, int directory_fd, const char *prefix);

static void list_one(
	struct listing *listing, int directory_fd, const char *prefix, const char *name)
{
	struct stat status;

	assert_int_equal(fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	add(listing, "%c ", letter_of(status.st_mode));
	add_escaped(listing, prefix);
	add_escaped(listing, name);
	add_status(listing, &status);
	if (S_ISLNK(status.st_mode))
		add_link(listing, directory_fd, name);
	add_xattrs(listing, directory_fd, name);
	if (S_ISREG(status.st_mode))
		add_content(listing, directory_fd, name, &status);
	add(listing, "\n");
	if (!S_ISDIR(status.st_mode))
		return;
	char *longer = NULL;
	assert_true(asprintf(&longer, "%s%s/", prefix, name) > 0);
	int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0);
	list(listing, fd, longer);
	close(fd);
	free(longer);
}

static void list(struct listing *listing, int directory_fd, const char *prefix)
{
	char **names = calloc(NAMES_MAX, sizeof(*names));
	size_t count = read_names(directory_fd, names);

	for (size_t i = 0; i < count; i++) {
		list_one(listing, directory_fd, prefix, names[i]);
		free(names[i]);
	}
	free(names);
}

static char *list_rootfs(const struct scratch *scratch, bool shows_times)
{
	struct listing listing = { .text = calloc(1, TREE_BYTES), .shows_times = shows_times };
	struct stat status;
	char path[512];

	snprintf(path, sizeof(path), "%s/rootfs", scratch->path);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &status) == 0);
	if ((status.st_mode & 07777) != 0755 || status.st_uid != 0 || status.st_gid != 0) {
		add(&listing, "d .");
		add_status(&listing, &status);
		add(&listing, "\n");
	}
	list(&listing, fd, "");
	close(fd);
	assert_int_equal(chdir("/"), 0);
	return listing.text;
}

/* --- one case --- */

/* All that is wrong is told, not just the first of it. */
static unsigned int complaints;

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprint_error(format, arguments);
	va_end(arguments);
	print_error("\n");
	complaints++;
}

static const char *name_of(uint32_t profile)
{
	return profile == OAKUM_PROFILE_STRICT ? "strict" : "compat";
}

static int unpack(const struct scratch *scratch, const void *bytes, size_t length,
	const struct oakum_unpack_options *options, struct oakum_stats *stats,
	struct oakum_error *err)
{
	int layer_fd = memory_file(bytes, length);

	memset(err, 0, sizeof(*err));
	int r = oakum_unpack(layer_fd, scratch->rootfs_fd, options, stats, err);
	close(layer_fd);
	return r;
}

static void make_before(const struct scratch *scratch, const struct member *before)
{
	struct tarball tar = tarball_of(before);
	struct oakum_error err;

	if (unpack(scratch, tar.bytes, tar.length, NULL, NULL, &err) < 0)
		fail_msg("the layer before: %s: %s", err.entry, err.detail);
	tarball_free(&tar);
}

static void assert_outside_untouched(const struct scratch *scratch, const char *id)
{
	struct stat status;

	assert_int_equal(stat(scratch->path, &status), 0);
	if (!scratch_outside_is_untouched(scratch) || status.st_mode != (S_IFDIR | 0700) ||
		status.st_uid != 0)
		complain("%s: something outside of the rootfs was touched", id);
}

static void assert_one_line(const struct oakum_error *err, const char *id)
{
	char line[8192];
	size_t length = oakum_error_format(err, line, sizeof(line));

	for (size_t i = 0; i < length && i < sizeof(line); i++) {
		if (line[i] < ' ' || line[i] > '~')
			complain("%s: the message has the byte 0x%02x", id, (unsigned char)line[i]);
	}
}

static void check_refusal(const struct hostile_case *hostile, int code, const char *profile,
	const struct oakum_error *err)
{
	if (err->code != code)
		complain("%s, %s: %s: %s: %s (%s), not error %d", hostile->id, profile, err->entry,
			err->op, strerror(err->code), err->detail, code);
	if (hostile->entry != NULL && strcmp(err->entry, hostile->entry) != 0)
		complain("%s, %s: it names \"%s\", not \"%s\" (%s)", hostile->id, profile,
			err->entry, hostile->entry, err->detail);
	if (hostile->says != NULL && strstr(err->detail, hostile->says) == NULL)
		complain("%s, %s: it says \"%s\"", hostile->id, profile, err->detail);
	assert_one_line(err, hostile->id);
}

static void check_counts(
	const struct hostile_case *hostile, const char *profile, const struct oakum_stats *stats)
{
	const struct {
		const char *what;
		uint64_t found;
		uint64_t expected;
	} rows[] = {
		{ "denied calls", stats->denied_calls, 0 },
		{ "dropped attributes", stats->dropped_xattrs, hostile->dropped_xattrs },
		{ "dropped entries", stats->dropped_entries, hostile->dropped_entries },
		{ "bytes after the end", stats->trailing_bytes, hostile->trailing_bytes },
		{ "volume labels", stats->volume_labels, hostile->volume_labels },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].found != rows[i].expected)
			complain("%s, %s: %" PRIu64 " %s, not %" PRIu64, hostile->id, profile,
				rows[i].found, rows[i].what, rows[i].expected);
	}
}

static void check_result(const struct hostile_case *hostile, uint32_t profile,
	const struct scratch *scratch, const struct oakum_stats *stats)
{
	const char *tree = hostile->tree;

	if (profile == OAKUM_PROFILE_COMPAT && hostile->compat_tree != NULL)
		tree = hostile->compat_tree;
	if (tree != NULL) {
		char *found = list_rootfs(scratch, hostile->shows_times);
		if (strcmp(found, tree) != 0)
			complain("%s, %s: the tree is\n%snot\n%s", hostile->id, name_of(profile),
				found, tree);
		free(found);
	}
	check_counts(hostile, name_of(profile), stats);
}

/* The first line that `oakum list --check` prints: of the list, or else of what ended it. */
static int check(const void *bytes, size_t length, const struct oakum_unpack_options *options,
	char line[LINE_BYTES])
{
	struct oakum_unpack_options with = *options;
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_job *job = NULL;
	struct oakum_error err;
	int layer_fd = memory_file(bytes, length);
	int text_fd = memory_file("", 0);

	with.listing = OAKUM_LISTING_CHECK;
	memset(line, 0, LINE_BYTES);
	int r = oakum_list_start(layer_fd, text_fd, &with, &job, &err);
	if (r == 0)
		r = oakum_job_wait(&job, &stats, &err);
	assert_true(pread(text_fd, line, LINE_BYTES - 1, 0) >= 0);
	line[strcspn(line, "\n")] = '\0';
	close(text_fd);
	close(layer_fd);
	assert_int_equal(stats.denied_calls, 0);
	if (r == 0 && (stats.refused > 0) != (*line != '\0'))
		complain("%d lines, but the first is \"%s\"", (int)stats.refused, line);
	if (r < 0 && *line == '\0')
		oakum_error_format(&err, line, LINE_BYTES);
	return r < 0 ? r : (int)stats.refused;
}

/* Whoever looks first is told what an unpack tells, but for what only a rootfs can say. */
static void check_looking(const char *id, const void *bytes, size_t length,
	const struct oakum_unpack_options *options, const struct oakum_error *of_unpack)
{
	char line[LINE_BYTES];
	char expected[LINE_BYTES] = "";

	if (of_unpack->code == ETIMEDOUT)
		return;
	if (of_unpack->stage == OAKUM_STAGE_DECOMPRESS || of_unpack->stage == OAKUM_STAGE_READ ||
		of_unpack->stage == OAKUM_STAGE_POLICY)
		oakum_error_format(of_unpack, expected, sizeof(expected));
	(void)check(bytes, length, options, line);
	if (strcmp(line, expected) != 0)
		complain("%s, %s: looking says\n%s\nand unpacking\n%s", id,
			name_of(options->profile), line, expected);
}

void hostile_run_bytes(
	const struct hostile_case *hostile, const void *bytes, size_t length, uint32_t profile)
{
	const int code = profile == OAKUM_PROFILE_STRICT ? hostile->strict : hostile->compat;
	struct oakum_unpack_options options = hostile->with;
	struct oakum_stats stats = OAKUM_STATS_INIT;
	struct oakum_error err;
	struct scratch scratch;

	options.size = sizeof(options);
	options.profile = profile;
	if (options.timeout_ms == 0)
		options.timeout_ms = DEADLINE_MS;
	scratch_make(&scratch);
	if (hostile->before != NULL)
		make_before(&scratch, hostile->before);
	int r = unpack(&scratch, bytes, length, &options, &stats, &err);
	assert_outside_untouched(&scratch, hostile->id);
	if (r == 0 && code != 0)
		complain("%s, %s: it is accepted", hostile->id, name_of(profile));
	else if (r < 0)
		check_refusal(hostile, code, name_of(profile), &err);
	else
		check_result(hostile, profile, &scratch, &stats);
	check_looking(hostile->id, bytes, length, &options, &err);
	assert_int_equal(remove_content(scratch.rootfs_fd, NULL), 0); /* of any depth */
	scratch_remove(&scratch);
}

void hostile_run(const struct hostile_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct tarball tar = tarball_of(cases[i].layer);
		hostile_run_bytes(&cases[i], tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
		hostile_run_bytes(&cases[i], tar.bytes, tar.length, OAKUM_PROFILE_COMPAT);
		tarball_free(&tar);
	}
	hostile_end();
}

void hostile_end(void)
{
	unsigned int count = complaints;

	complaints = 0;
	if (count > 0)
		fail_msg("%u complaints", count);
}

int hostile_main(int (*run)(void))
{
	if (geteuid() != 0) {
		fputs("skipped: needs root\n", stderr);
		return getenv("CI") == NULL ? 77 : 1;
	}
	umask(022);
	return run();
}
