/* SPDX-License-Identifier: Apache-2.0 */
#include "host/drain.h"

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const uint64_t default_bytes = 256 << 20;
static const uint64_t default_ms = 1000;

enum {
	BUFFER_BYTES = 64 << 10,
	PIPE_DROP_BYTES = 1 << 20,
};

int drain_init(
	struct drain *drain, const struct oakum_unpack_options *options, struct oakum_error *err)
{
	*drain = (struct drain){ .deadline = -1, .cancel_fd = -1 };
	switch (options->drain) {
	case OAKUM_DRAIN_BOUNDED:
		drain->max_bytes =
			options->max_drain_bytes > 0 ? options->max_drain_bytes : default_bytes;
		drain->max_ms = options->drain_ms > 0 ? options->drain_ms : default_ms;
		return 0;
	case OAKUM_DRAIN_NONE:
		return 0;
	case OAKUM_DRAIN_FULL:
		drain->max_bytes = UINT64_MAX;
		return 0;
	default:
		return fail_because(err, EINVAL, "check options", NULL,
			"drain is %u, at most %u is known", options->drain, OAKUM_DRAIN_FULL);
	}
}

/* --- the cheapest way to drop bytes; with a /dev/null none of them waits --- */

static ssize_t drop_from_socket(int fd, int null_fd, uint64_t bytes)
{
	char dropped[BUFFER_BYTES];

	(void)null_fd;
	/* TCP copies nothing then; others do, and are no worse for it. */
	return recv(fd, dropped, bytes < sizeof(dropped) ? bytes : sizeof(dropped),
		MSG_TRUNC | MSG_DONTWAIT);
}

static ssize_t drop_from_pipe(int fd, int null_fd, uint64_t bytes)
{
	char dropped[BUFFER_BYTES];

	if (null_fd < 0) /* no /dev */
		return read(fd, dropped, bytes < sizeof(dropped) ? bytes : sizeof(dropped));
	return splice(fd, NULL, null_fd, NULL, bytes < PIPE_DROP_BYTES ? bytes : PIPE_DROP_BYTES,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

typedef ssize_t drop_fn(int fd, int null_fd, uint64_t bytes);

/* Who can be read without end, and has a writer that waits for us. */
static drop_fn *find_drop(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return NULL;
	if (S_ISFIFO(status.st_mode))
		return drop_from_pipe;
	return S_ISSOCK(status.st_mode) ? drop_from_socket : NULL;
}

/* Waits for bytes, or the end; false if it is not to be waited for any more. */
static bool wait_for_bytes(int fd, const struct drain *drain, int64_t end)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = drain->cancel_fd, .events = POLLIN },
	};
	int ready;

	do {
		ready = poll(fds, 2, deadline_left(end));
	} while (ready < 0 && errno == EINTR && deadline_left(end) != 0);
	return ready > 0 && fds[1].revents == 0 && (fds[0].revents & (POLLIN | POLLHUP)) != 0;
}

static int64_t end_of(const struct drain *drain)
{
	int64_t end = deadline_from_now(drain->max_ms);

	return drain->deadline >= 0 && (end < 0 || drain->deadline < end) ? drain->deadline : end;
}

void drain_input(int layer_fd, const struct drain *drain, struct oakum_error *err)
{
	const int64_t end = end_of(drain);
	drop_fn *drop = find_drop(layer_fd);
	uint64_t total = 0;

	if (drop == NULL)
		return;
	cleanup_fd int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	err->source_left = 1;
	while (total < drain->max_bytes && wait_for_bytes(layer_fd, drain, end)) {
		ssize_t got = drop(layer_fd, null_fd, drain->max_bytes - total);
		if (got == 0)
			err->source_left = 0;
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			break;
		if (got > 0)
			total += (uint64_t)got;
		if (end >= 0 && deadline_left(end) == 0)
			break;
	}
	err->drained_bytes = total;
}
