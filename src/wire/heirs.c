/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/heirs.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char here_they_are = '+';
static const char go = 'g';

/* Room for the control message, aligned as the kernel writes it. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(HEIRS_COUNT * sizeof(int))];
};

int heirs_send(int fd, const int pidfds[HEIRS_COUNT])
{
	char byte = here_they_are;
	union control control = { 0 };
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(HEIRS_COUNT * sizeof(int));
	memcpy(CMSG_DATA(header), pidfds, HEIRS_COUNT * sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The kernel gives no more than there is room for: two. */
static void take_descriptors(struct msghdr *message, int pidfds[HEIRS_COUNT])
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count > HEIRS_COUNT)
		count = HEIRS_COUNT;
	for (size_t i = 0; i < count; i++) {
		if (pidfds[i] >= 0)
			close(pidfds[i]);
	}
	memcpy(pidfds, CMSG_DATA(header), count * sizeof(int));
}

bool heirs_take(int fd, int pidfds[HEIRS_COUNT])
{
	char bytes[2];
	union control control = { 0 };
	struct iovec part = { .iov_base = bytes, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	/* A packet of one byte: a record is longer, and is left where it is. */
	if (recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT) != 1 ||
		bytes[0] != here_they_are)
		return false;
	if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return false;
	take_descriptors(&message, pidfds);
	return true;
}

void heirs_let_go(int fd)
{
	(void)send(fd, &go, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool heirs_wait(int fd)
{
	char byte;

	return fd_read(fd, &byte, 1) == 1;
}
