/* SPDX-License-Identifier: Apache-2.0 */
#include "support/manifest.h"

#include "base/cleanup.h"
#include "base/escape.h"
#include "support/sha256.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

struct line {
	char *path;
	struct stat status;
	char *link;   /* of a symlink */
	char *xattrs; /* as they are printed */
	char digest[SHA256_TEXT_BYTES];
	const char *group; /* path of the first line of the same inode */
};

struct manifest {
	struct line *lines;
	size_t count;
	size_t room;
	char *failed_at;
};

static int compare_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int compare_paths(const void *left, const void *right)
{
	const struct line *one = left;
	const struct line *two = right;

	return strcmp(one->path, two->path);
}

static int compare_inodes(const void *left, const void *right)
{
	const struct line *one = *(const struct line *const *)left;
	const struct line *two = *(const struct line *const *)right;

	if (one->status.st_dev != two->status.st_dev)
		return one->status.st_dev < two->status.st_dev ? -1 : 1;
	if (one->status.st_ino != two->status.st_ino)
		return one->status.st_ino < two->status.st_ino ? -1 : 1;
	return strcmp(one->path, two->path);
}

static struct line *add_line(struct manifest *manifest)
{
	if (manifest->count == manifest->room) {
		size_t room = manifest->room * 2 + 64;
		struct line *larger = reallocarray(manifest->lines, room, sizeof(*larger));
		if (larger == NULL)
			return NULL;
		manifest->lines = larger;
		manifest->room = room;
	}
	struct line *line = &manifest->lines[manifest->count++];
	*line = (struct line){ .digest = "-" };
	return line;
}

static void free_manifest(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++) {
		free(manifest->lines[i].path);
		free(manifest->lines[i].link);
		free(manifest->lines[i].xattrs);
	}
	free(manifest->lines);
}

/* --- what a name in the working directory is like --- */

static int digest_file(const char *name, char text[SHA256_TEXT_BYTES])
{
	static char bytes[64 << 10];
	struct sha256 sha;
	ssize_t got;
	cleanup_fd int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	sha256_init(&sha);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		sha256_add(&sha, bytes, (size_t)got);
	if (got < 0)
		return -errno;
	sha256_text(&sha, text);
	return 0;
}

static int print_xattr(FILE *out, const char *name, const char *attribute)
{
	static unsigned char value[64 << 10];
	ssize_t length = lgetxattr(name, attribute, value, sizeof(value));

	if (length < 0)
		return -errno;
	fprintf(out, "%s=", attribute);
	for (ssize_t i = 0; i < length; i++)
		fprintf(out, "%02x", value[i]);
	return 0;
}

static int print_xattrs(FILE *out, const char *name, const char *list, size_t list_bytes)
{
	const char *attributes[1024];
	size_t count = 0;

	for (size_t at = 0; at < list_bytes && count < 1024; at += strlen(list + at) + 1)
		attributes[count++] = list + at;
	qsort(attributes, count, sizeof(attributes[0]), compare_text);
	for (size_t i = 0; i < count; i++) {
		fputs(i == 0 ? "" : ",", out);
		int r = print_xattr(out, name, attributes[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int describe_xattrs(const char *name, char **text)
{
	static char list[64 << 10];
	size_t length;
	ssize_t list_bytes = llistxattr(name, list, sizeof(list));

	if (list_bytes <= 0)
		return list_bytes < 0 && errno != EOPNOTSUPP ? -errno : 0;
	FILE *out = open_memstream(text, &length);
	if (out == NULL)
		return -errno;
	int r = print_xattrs(out, name, list, (size_t)list_bytes);
	return fclose(out) == 0 ? r : -EIO;
}

static int describe_link(const char *name, char **text)
{
	char target[PATH_MAX + 1];
	ssize_t length = readlink(name, target, PATH_MAX);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	*text = strdup(target);
	return *text == NULL ? -ENOMEM : 0;
}

static int describe(const char *name, struct line *line)
{
	int r = describe_xattrs(name, &line->xattrs);

	if (r == 0 && S_ISREG(line->status.st_mode))
		r = digest_file(name, line->digest);
	if (r == 0 && S_ISLNK(line->status.st_mode))
		r = describe_link(name, &line->link);
	return r;
}

/* --- the walk --- */

static int add_name(struct manifest *manifest, const char *name, char *path, bool *is_directory)
{
	struct line *line = add_line(manifest);

	snprintf(manifest->failed_at, 4096, "%s", path);
	if (line == NULL)
		return -ENOMEM;
	line->path = path;
	if (lstat(name, &line->status) < 0)
		return -errno;
	*is_directory = S_ISDIR(line->status.st_mode);
	return describe(name, line);
}

static int walk(struct manifest *manifest, int directory_fd, const char *path);

static int enter(struct manifest *manifest, int directory_fd, const char *name, const char *path)
{
	cleanup_fd int inner_fd =
		openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (inner_fd < 0)
		return -errno;
	int r = walk(manifest, inner_fd, path);
	if (r == 0 && fchdir(directory_fd) < 0)
		return -errno;
	return r;
}

static int take_name(
	struct manifest *manifest, int directory_fd, const char *name, const char *above)
{
	char *path;
	bool is_directory;
	int length = *above == '\0' ? asprintf(&path, "%s", name)
				    : asprintf(&path, "%s/%s", above, name);

	if (length < 0)
		return -ENOMEM;
	int r = add_name(manifest, name, path, &is_directory);
	if (r == 0 && is_directory)
		r = enter(manifest, directory_fd, name, path);
	return r;
}

static int walk(struct manifest *manifest, int directory_fd, const char *path)
{
	struct dirent **names;
	int r = 0;

	if (fchdir(directory_fd) < 0)
		return -errno;
	int count = scandirat(directory_fd, ".", &names, NULL, NULL);
	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		if (r == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			r = take_name(manifest, directory_fd, name, path);
		free(names[i]);
	}
	free(names);
	return r;
}

/* --- what is printed --- */

static int find_groups(struct manifest *manifest)
{
	cleanup_free struct line **by_inode = calloc(manifest->count, sizeof(struct line *));

	if (by_inode == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < manifest->count; i++)
		by_inode[i] = &manifest->lines[i];
	qsort(by_inode, manifest->count, sizeof(struct line *), compare_inodes);
	for (size_t first = 0, i = 0; i < manifest->count; i++) {
		const struct stat *status = &by_inode[i]->status;
		if (status->st_ino != by_inode[first]->status.st_ino ||
			status->st_dev != by_inode[first]->status.st_dev)
			first = i;
		if (status->st_nlink > 1 && !S_ISDIR(status->st_mode))
			by_inode[i]->group = by_inode[first]->path;
	}
	return 0;
}

static void print_escaped(FILE *out, const char *text)
{
	size_t length = 0;

	if (text == NULL)
		text = "-";
	size_t room = 4 * strlen(text) + 1;
	cleanup_free char *escaped = malloc(room);
	if (escaped == NULL)
		abort();
	*escaped = '\0';
	escape_append(escaped, room, &length, text);
	fputs(escaped, out);
}

static char type_letter(mode_t mode)
{
	static const struct {
		mode_t type;
		char letter;
	} letters[] = {
		{ S_IFREG, 'f' },
		{ S_IFDIR, 'd' },
		{ S_IFLNK, 'l' },
		{ S_IFCHR, 'c' },
		{ S_IFBLK, 'b' },
		{ S_IFIFO, 'p' },
		{ S_IFSOCK, 's' },
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if ((mode & S_IFMT) == letters[i].type)
			return letters[i].letter;
	}
	return '?';
}

/* The size of a directory is the file system's affair. */
static void print_line(FILE *out, const struct line *line)
{
	const struct stat *status = &line->status;
	bool is_device = S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode);

	print_escaped(out, line->path);
	fprintf(out, "\t%c\t%04o\t%u\t%u\t", type_letter(status->st_mode), status->st_mode & 07777,
		status->st_uid, status->st_gid);
	if (S_ISREG(status->st_mode))
		fprintf(out, "%jd", (intmax_t)status->st_size);
	else
		fputs("-", out);
	fprintf(out, "\t%jd.%09ld\t", (intmax_t)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
	if (is_device)
		fprintf(out, "%u:%u\t", major(status->st_rdev), minor(status->st_rdev));
	else
		fputs("-\t", out);
	print_escaped(out, line->link);
	fputs("\t", out);
	print_escaped(out, line->group);
	fputs("\t", out);
	print_escaped(out, line->xattrs);
	fprintf(out, "\t%s\n", line->digest);
}

static int collect(struct manifest *manifest, const char *directory)
{
	bool is_directory;
	cleanup_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fchdir(fd) < 0)
		return -errno;
	char *path = strdup(".");
	if (path == NULL)
		return -ENOMEM;
	int r = add_name(manifest, ".", path, &is_directory);
	return r == 0 ? walk(manifest, fd, "") : r;
}

int manifest_print(const char *directory, FILE *out, char failed_at[4096])
{
	struct manifest manifest = { .failed_at = failed_at };

	snprintf(failed_at, 4096, "%s", directory);
	int r = collect(&manifest, directory);
	if (r == 0) {
		qsort(manifest.lines, manifest.count, sizeof(struct line), compare_paths);
		r = find_groups(&manifest);
	}
	for (size_t i = 0; r == 0 && i < manifest.count; i++)
		print_line(out, &manifest.lines[i]);
	free_manifest(&manifest);
	return r;
}
