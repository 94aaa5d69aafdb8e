/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no unpacker can be faster than: decompressing alone, and creating the same tree alone, from
 * memory, with the fewest calls and no wall at all.
 * Usage: floor decompress LAYER | floor create TAR ROOTFS
 * Prints "measured WALL CPU", seconds of the work alone.
 */
#include "base/error.h"
#include "decompressor/decompressor.h"

#include <archive.h>
#include <archive_entry.h>
#include <err.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

struct clocks {
	struct timespec wall;
	struct timespec cpu;
};

static struct clocks read_clocks(void)
{
	struct clocks now;

	clock_gettime(CLOCK_MONOTONIC, &now.wall);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now.cpu);
	return now;
}

static double seconds(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

static void print_since(const struct clocks *began)
{
	struct clocks now = read_clocks();

	printf("measured %.6f %.6f\n", seconds(&began->wall, &now.wall),
		seconds(&began->cpu, &now.cpu));
}

static int decompress(const char *layer)
{
	struct oakum_stats stats = { 0 };
	struct oakum_error error = { 0 };
	struct decompressor *decompressor = NULL;
	const struct decompressor_options options = {
		.layer_fd = open(layer, O_RDONLY | O_CLOEXEC),
		.stream_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.max_window_bytes = 128 << 20,
		.max_ratio = UINT64_MAX,
	};
	struct clocks began = read_clocks();

	if (decompressor_open(&options, &decompressor, &error) < 0 ||
		decompressor_run(decompressor, &stats, &error) < 0)
		errx(1, "%s: cannot be decompressed", layer);
	print_since(&began);
	return 0;
}

/* A member, and where its content lies in the tar that is mapped. */
struct member {
	struct archive_entry *entry;
	const void *bytes;
	size_t length;
};

struct members {
	struct member *list;
	size_t count;
	size_t room;
};

static void *map(const char *path, size_t *length)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0)
		err(1, "%s", path);
	*length = (size_t)status.st_size;
	void *bytes = mmap(NULL, *length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED)
		err(1, "%s: mmap", path);
	close(fd);
	return bytes;
}

static void add(struct members *members, struct archive *archive, struct archive_entry *entry)
{
	la_int64_t offset;
	struct member member = { .entry = archive_entry_clone(entry) };

	if (archive_entry_filetype(entry) == AE_IFREG && archive_entry_size(entry) > 0 &&
		archive_entry_hardlink(entry) == NULL &&
		(archive_read_data_block(archive, &member.bytes, &member.length, &offset) !=
				ARCHIVE_OK ||
			member.length != (size_t)archive_entry_size(entry)))
		errx(1, "%s: its content is not in one piece", archive_entry_pathname(entry));
	if (members->count == members->room) {
		members->room = members->room * 2 + 1024;
		members->list = realloc(members->list, members->room * sizeof(*members->list));
		if (members->list == NULL)
			err(1, "realloc");
	}
	members->list[members->count++] = member;
}

static void read_members(const char *path, struct members *members)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	size_t length;
	void *bytes = map(path, &length);
	int r;

	archive_read_support_format_tar(archive);
	if (archive_read_open_memory(archive, bytes, length) != ARCHIVE_OK)
		errx(1, "%s: %s", path, archive_error_string(archive));
	while ((r = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		add(members, archive, entry);
	if (r != ARCHIVE_EOF)
		errx(1, "%s: %s", path, archive_error_string(archive));
}

static void times_of(struct archive_entry *entry, struct timespec times[2])
{
	times[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	times[1] = (struct timespec){
		.tv_sec = archive_entry_mtime(entry),
		.tv_nsec = archive_entry_mtime_nsec(entry),
	};
}

static bool is_ours(struct archive_entry *entry)
{
	return archive_entry_uid(entry) == geteuid() && archive_entry_gid(entry) == getegid();
}

static void must(bool did, struct archive_entry *entry, const char *op)
{
	if (!did)
		err(1, "%s: %s", archive_entry_pathname(entry), op);
}

static void set_metadata(struct archive_entry *entry, int fd)
{
	struct timespec times[2];
	const char *name;
	const void *value;
	size_t length;

	if (!is_ours(entry))
		must(fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) ==
				0,
			entry, "fchown");
	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK)
		must(fsetxattr(fd, name, value, length, 0) == 0, entry, "fsetxattr");
	if ((archive_entry_perm(entry) & 07000) != 0)
		must(fchmod(fd, archive_entry_perm(entry)) == 0, entry, "fchmod");
	times_of(entry, times);
	must(futimens(fd, times) == 0, entry, "futimens");
}

static void create_file(const struct member *member)
{
	struct archive_entry *entry = member->entry;
	int fd = open(archive_entry_pathname(entry), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		archive_entry_perm(entry) & 0777);

	must(fd >= 0, entry, "open");
	for (size_t done = 0; done < member->length;) {
		ssize_t put = write(fd, (const char *)member->bytes + done, member->length - done);
		must(put > 0, entry, "write");
		done += (size_t)put;
	}
	set_metadata(entry, fd);
	close(fd);
}

static void create_symlink(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	struct timespec times[2];

	must(symlink(archive_entry_symlink(entry), path) == 0, entry, "symlink");
	if (!is_ours(entry))
		must(lchown(path, (uid_t)archive_entry_uid(entry),
			     (gid_t)archive_entry_gid(entry)) == 0,
			entry, "lchown");
	times_of(entry, times);
	must(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0, entry, "utimensat");
}

static void create(const struct member *member)
{
	struct archive_entry *entry = member->entry;
	const char *path = archive_entry_pathname(entry);

	if (archive_entry_hardlink(entry) != NULL)
		must(link(archive_entry_hardlink(entry), path) == 0, entry, "link");
	else if (archive_entry_filetype(entry) == AE_IFDIR)
		must(mkdir(path, 0700 | (archive_entry_perm(entry) & 0777)) == 0 || errno == EEXIST,
			entry, "mkdir");
	else if (archive_entry_filetype(entry) == AE_IFLNK)
		create_symlink(entry);
	else if (archive_entry_filetype(entry) == AE_IFREG)
		create_file(member);
	else
		must(mknod(path, archive_entry_mode(entry), archive_entry_rdev(entry)) == 0, entry,
			"mknod");
}

static void finish_directory(struct archive_entry *entry)
{
	if (archive_entry_filetype(entry) != AE_IFDIR)
		return;
	int fd = open(archive_entry_pathname(entry), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0, entry, "open");
	set_metadata(entry, fd);
	close(fd);
}

static int create_tree(const char *tar, const char *rootfs)
{
	struct members members = { 0 };

	read_members(tar, &members);
	umask(0);
	if (chdir(rootfs) < 0)
		err(1, "%s", rootfs);
	struct clocks began = read_clocks();
	for (size_t i = 0; i < members.count; i++)
		create(&members.list[i]);
	for (size_t i = members.count; i > 0; i--)
		finish_directory(members.list[i - 1].entry);
	print_since(&began);
	return 0;
}

int main(int argc, char **argv)
{
	setlocale(
		LC_CTYPE, "C.UTF-8"); /* libarchive has no other way to names that are not ASCII */
	if (argc == 3 && strcmp(argv[1], "decompress") == 0)
		return decompress(argv[2]);
	if (argc == 4 && strcmp(argv[1], "create") == 0)
		return create_tree(argv[2], argv[3]);
	errx(2, "usage: floor decompress LAYER | floor create TAR ROOTFS");
}
