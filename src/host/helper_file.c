/* SPDX-License-Identifier: Apache-2.0 */
#include "host/helper_file.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* guarded by oakum_reaper_lock() */
static int kept_fd = -1;
static dev_t kept_device;
static ino_t kept_inode;

#ifdef OAKUM_EMBED

extern const char oakum_helper_start[];
extern const char oakum_helper_end[];

/* Sealed, it can be neither written nor replaced, by whoever reaches /proc/PID/exe either. */
static int make_memfd(void)
{
	cleanup_fd int fd = memfd_create("oakum", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 every memfd is executable */
		fd = memfd_create("oakum", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int r = fd_write_memory(
		fd, oakum_helper_start, (size_t)(oakum_helper_end - oakum_helper_start));
	if (r < 0)
		return r;
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC); /* where the kernel has it */
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return fd_duplicate_high(fd);
}

#else

static int make_memfd(void)
{
	return -ENOSYS;
}

#endif

/* Compiled in, so that no environment and no working directory has a say in it. */
static int open_installed(int why_not_memfd, struct oakum_error *err)
{
	static const char path[] = OAKUM_LIBEXEC_DIR "/oakum-helper";
	struct stat status;
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && why_not_memfd == -EMFILE)
		return fail_because(err, EMFILE, "open helper", NULL,
			"ulimit -n must be at least %d", FD_HIGH + 32);
	if (fd < 0 && why_not_memfd == -EFBIG)
		return fail_because(err, EFBIG, "open helper", NULL,
			"ulimit -f is less than the helper takes, 2 MiB");
	if (fd < 0)
		return fail_because(err, errno, "open helper", NULL,
			"%s cannot be opened, and a memfd cannot be had (errno %d)", path,
			-why_not_memfd);
	if (fstat(fd, &status) < 0)
		return fail(err, errno, "fstat helper", NULL);
	if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
		(status.st_uid != 0 && status.st_uid != geteuid()))
		return fail_because(err, EACCES, "check helper", NULL,
			"%s can be written by others: its owner must be root and its mode 0755",
			path);
	int high = fd_duplicate_high(fd);
	if (high < 0)
		return fail(err, -high, "dup", NULL);
	return high;
}

/* The file that was put there, sealed as it was? */
static bool is_ours(int fd)
{
	struct stat status;
	int seals;

	if (fd < 0 || fstat(fd, &status) < 0)
		return false;
	seals = fcntl(fd, F_GET_SEALS);
	return status.st_dev == kept_device && status.st_ino == kept_inode && seals >= 0 &&
	       (seals & SEALS) == SEALS;
}

/* A duplicate is looked at, for the number may become another file's at any moment. */
static int duplicate_kept(void)
{
	cleanup_fd int fd = kept_fd < 0 ? -1 : fd_duplicate_high(kept_fd);

	return is_ours(fd) ? steal_fd(&fd) : -1;
}

static int open_locked(struct oakum_error *err)
{
	struct stat status;
	int fd = duplicate_kept();

	if (fd >= 0)
		return fd;
	/* Not closed: if it is not ours any more, it is somebody's. */
	kept_fd = -1;
	fd = make_memfd();
	if (fd < 0)
		return open_installed(fd, err);
	if (fstat(fd, &status) < 0) {
		close(fd);
		return fail(err, errno, "fstat helper", NULL);
	}
	kept_fd = fd;
	kept_device = status.st_dev;
	kept_inode = status.st_ino;
	fd = fd_duplicate_high(kept_fd);
	if (fd < 0)
		return fail(err, -fd, "dup", NULL);
	return fd;
}

int helper_file_open(struct oakum_error *err)
{
	oakum_reaper_lock();
	int fd = open_locked(err);
	oakum_reaper_unlock();
	return fd;
}

void helper_file_trim(void)
{
	oakum_reaper_lock();
	if (is_ours(kept_fd))
		close(kept_fd);
	kept_fd = -1;
	oakum_reaper_unlock();
}
