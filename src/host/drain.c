/* SPDX-License-Identifier: Apache-2.0 */
#include "host/drain.h"

#include "base/cleanup.h"
#include "host/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>

enum {
	DRAIN_MS = 1000,
	DRAIN_BYTES = 256 << 20,
};

static bool has_writer(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/* poll first: the caller's descriptor may block, and its mode is not ours to change. */
void drain_input(int layer_fd, int64_t deadline)
{
	int64_t end = deadline_from_now(DRAIN_MS);
	char dropped[64 << 10];
	size_t total = 0;

	if (!has_writer(layer_fd))
		return;
	if (deadline >= 0 && deadline < end)
		end = deadline;
	while (total < DRAIN_BYTES) {
		struct pollfd fd = { .fd = layer_fd, .events = POLLIN };
		int ready = poll(&fd, 1, deadline_left(end));
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || (fd.revents & (POLLIN | POLLHUP)) == 0)
			return;
		ssize_t got = read(layer_fd, dropped, sizeof(dropped));
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return;
		if (got > 0)
			total += (size_t)got;
		if (deadline_left(end) == 0)
			return;
	}
}
