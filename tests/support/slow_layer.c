/* SPDX-License-Identifier: Apache-2.0 */
#include "support/slow_layer.h"

#include "support/host_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *call(void *argument)
{
	struct slow_unpack *slow = argument;

	slow->result = oakum_unpack(
		slow->read_fd, slow->scratch->rootfs_fd, slow->options, NULL, &slow->err);
	return NULL;
}

void slow_unpack_start(struct slow_unpack *slow, struct scratch *scratch,
	const struct oakum_unpack_options *options)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	*slow = (struct slow_unpack){
		.scratch = scratch,
		.options = options,
		.read_fd = fds[0],
		.write_fd = fds[1],
	};
	if (pthread_create(&slow->thread, NULL, call, slow) != 0)
		abort();
}

size_t slow_unpack_write(const struct slow_unpack *slow, const void *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t put = write(slow->write_fd, (const char *)bytes + done, length - done);
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	return done;
}

/* Capabilities are given up before seccomp; where there is none (sanitizers), that must do. */
static bool is_behind_walls(pid_t pid)
{
	char path[64];
	char text[4096] = "";

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
#ifdef OAKUM_SANITIZED
	return got > 0 && strstr(text, "NoNewPrivs:\t1") != NULL;
#else
	return got > 0 && strstr(text, "Seccomp:\t2") != NULL;
#endif
}

void slow_wait_for_walls(pid_t *pids, int count)
{
	for (int tries = 0; tries < 2000; tries++) {
		int ready = 0;
		if (host_find_helpers(pids, count) == count) {
			while (ready < count && is_behind_walls(pids[ready]))
				ready++;
		}
		if (ready == count)
			return;
		usleep(5000);
	}
	fprintf(stderr, "the %d processes did not come to stand behind their walls\n", count);
	abort();
}

void slow_unpack_wait_for_walls(pid_t pids[3])
{
	slow_wait_for_walls(pids, 3);
}

int slow_unpack_end(struct slow_unpack *slow)
{
	if (slow->write_fd >= 0)
		close(slow->write_fd);
	pthread_join(slow->thread, NULL);
	close(slow->read_fd);
	return slow->result;
}
