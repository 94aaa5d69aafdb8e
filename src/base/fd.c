/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Sleeps until fd is ready; a descriptor that is broken counts as ready: the next call says how. */
static int wait_ready(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	while (poll(&poll_fd, 1, -1) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

ssize_t fd_read(int fd, void *buffer, size_t length)
{
	for (;;) {
		ssize_t got = read(fd, buffer, length);
		if (got >= 0)
			return got;
		if (errno == EAGAIN) {
			int r = wait_ready(fd, POLLIN);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
}

ssize_t fd_read_by(int fd, void *buffer, size_t length, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int ready = deadline < 0;

	while (ready == 0) {
		int left = deadline_left(deadline);
		if (left == 0)
			return -ETIMEDOUT;
		ready = poll(&poll_fd, 1, left);
		if (ready < 0 && errno != EINTR)
			return -errno;
		ready = ready > 0;
	}
	return fd_read(fd, buffer, length);
}

bool fd_is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0;
}

ssize_t fd_read_full(int fd, void *buffer, size_t length)
{
	size_t have = 0;

	while (have < length) {
		ssize_t got = fd_read(fd, (char *)buffer + have, length - have);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

int fd_write_all(int fd, const void *buffer, size_t length)
{
	const char *from = buffer;

	while (length > 0) {
		ssize_t put = write(fd, from, length);
		if (put >= 0) {
			from += put;
			length -= (size_t)put;
		} else if (errno == EAGAIN) {
			int r = wait_ready(fd, POLLOUT);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int fd_write_memory(int fd, const void *buffer, size_t length)
{
	const struct timespec at_once = { 0 };
	sigset_t too_large;
	sigset_t before;
	sigset_t pending;

	sigemptyset(&too_large);
	sigaddset(&too_large, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &too_large, &before);
	/* Also where it was blocked already: one that was not pending is ours to take back. */
	sigpending(&pending);
	int r = fd_write_all(fd, buffer, length);
	if (r == -EFBIG && sigismember(&pending, SIGXFSZ) == 0)
		(void)sigtimedwait(&too_large, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int fd_read_all(int fd, size_t max_bytes, char **buffer, size_t *length)
{
	size_t room = 64 << 10;
	size_t have = 0;
	cleanup_free char *text = malloc(room + 1);

	if (text == NULL)
		return -ENOMEM;
	for (;;) {
		ssize_t got = fd_read(fd, text + have, room - have);
		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		have += (size_t)got;
		if (have > max_bytes)
			return -EFBIG;
		if (have == room) {
			char *larger = realloc(text, room * 2 + 1);
			if (larger == NULL)
				return -ENOMEM;
			text = larger;
			room *= 2;
		}
	}
	text[have] = '\0';
	*length = have;
	*buffer = steal_ptr(&text);
	return 0;
}

int fd_memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

int fd_duplicate_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_HIGH);

	/* EINVAL: the limit of descriptors (ulimit -n) is not above FD_HIGH. */
	if (high < 0)
		return errno == EINVAL ? -EMFILE : -errno;
	return high;
}

int fd_pipe(struct pipe_pair *pair, int pipe_bytes)
{
	int low[2];

	if (pipe2(low, O_CLOEXEC) < 0)
		return -errno;
	cleanup_fd int low_read_fd = low[0];
	cleanup_fd int low_write_fd = low[1];
	cleanup_fd int read_fd = fd_duplicate_high(low_read_fd);
	if (read_fd < 0)
		return read_fd;
	cleanup_fd int write_fd = fd_duplicate_high(low_write_fd);
	if (write_fd < 0)
		return write_fd;
	/* EPERM past pipe-user-pages-soft: be content with less. */
	while (pipe_bytes > 64 << 10 && fcntl(write_fd, F_SETPIPE_SZ, pipe_bytes) < 0)
		pipe_bytes /= 4;
	pair->read_fd = steal_fd(&read_fd);
	pair->write_fd = steal_fd(&write_fd);
	return 0;
}

int fd_keep_only(const int *keep, size_t count)
{
	unsigned int first = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned int kept = (unsigned int)keep[i];
		if (kept > first && sys_close_range(first, kept - 1, 0) < 0)
			return -errno;
		first = kept + 1;
	}
	if (sys_close_range(first, UINT_MAX, 0) < 0)
		return -errno;
	return 0;
}

int fd_fill_standard(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The wrong way round, so that using what was closed is still an error. */
		int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
		if (opened != fd)
			return opened < 0 ? -errno : -EBADF;
	}
	return 0;
}
