/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char secret[] = "nothing may ever touch this\n";

static void must(bool is_so, const char *what)
{
	if (!is_so) {
		perror(what);
		abort();
	}
}

static void path_in(const struct scratch *scratch, const char *name, char *path, size_t bytes)
{
	must((size_t)snprintf(path, bytes, "%s/%s", scratch->path, name) < bytes, "path too long");
}

static void make_outside(const struct scratch *scratch)
{
	const struct timespec long_ago[2] = { { .tv_sec = 86400 }, { .tv_sec = 86400 } };
	char path[512];

	path_in(scratch, "outside", path, sizeof(path));
	must(mkdir(path, 0750) == 0, path);
	path_in(scratch, "outside/secret", path, sizeof(path));
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	must(fd >= 0, path);
	must(write(fd, secret, strlen(secret)) == (ssize_t)strlen(secret), path);
	must(fchmod(fd, 0640) == 0 && futimens(fd, long_ago) == 0 && close(fd) == 0, path);
	path_in(scratch, "outside", path, sizeof(path));
	must(chmod(path, 0750) == 0 && utimensat(AT_FDCWD, path, long_ago, 0) == 0, path);
}

static void make_rootfs(struct scratch *scratch)
{
	char path[512];

	path_in(scratch, "rootfs", path, sizeof(path));
	must(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0, path);
	scratch->rootfs_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(scratch->rootfs_fd >= 0, path);
}

void scratch_make(struct scratch *scratch)
{
	const char *base = getenv("TMPDIR");

	snprintf(scratch->path, sizeof(scratch->path), "%s/oakum-test-XXXXXX",
		base == NULL ? "/tmp" : base);
	must(mkdtemp(scratch->path) != NULL, scratch->path);
	make_outside(scratch);
	make_rootfs(scratch);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void remove_tree(const char *path)
{
	must(nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS) == 0, path);
}

void scratch_remove(struct scratch *scratch)
{
	close(scratch->rootfs_fd);
	remove_tree(scratch->path);
}

void scratch_renew(struct scratch *scratch)
{
	char path[512];

	close(scratch->rootfs_fd);
	path_in(scratch, "rootfs", path, sizeof(path));
	remove_tree(path);
	make_rootfs(scratch);
}

static int count_names(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	must(directory != NULL, path);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count - 2;
}

bool scratch_outside_is_untouched(const struct scratch *scratch)
{
	char path[512];
	char content[64] = "";
	struct stat status;

	path_in(scratch, "outside", path, sizeof(path));
	if (stat(path, &status) < 0 || status.st_mode != (S_IFDIR | 0750) ||
		status.st_mtime != 86400 || status.st_uid != geteuid() || count_names(path) != 1 ||
		count_names(scratch->path) != 2)
		return false;
	path_in(scratch, "outside/secret", path, sizeof(path));
	if (lstat(path, &status) < 0 || status.st_mode != (S_IFREG | 0640) ||
		status.st_mtime != 86400 || status.st_uid != geteuid() || status.st_nlink != 1)
		return false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && read(fd, content, sizeof(content) - 1) >= 0, path);
	close(fd);
	return strcmp(content, secret) == 0;
}

bool scratch_has(const struct scratch *scratch, const char *path)
{
	struct stat status;

	return fstatat(scratch->rootfs_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool scratch_file_is(const struct scratch *scratch, const char *path, const char *content)
{
	char found[4096] = "";
	int fd = openat(scratch->rootfs_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t got = read(fd, found, sizeof(found) - 1);
	close(fd);
	return got >= 0 && strcmp(found, content) == 0;
}

int memory_file(const void *bytes, size_t length)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	must(fd >= 0, "memfd_create");
	must(write(fd, bytes, length) == (ssize_t)length, "write layer");
	must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	return fd;
}
