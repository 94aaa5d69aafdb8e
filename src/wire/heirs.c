/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/heirs.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The packet is how many there are, as a digit. */
static const char none = '0';
static const char go = 'g';

/* Room for the control message, aligned as the kernel writes it. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(HEIRS_MAX * sizeof(int))];
};

int heirs_send(int fd, const int *pidfds, size_t count)
{
	char byte = (char)(none + (char)count);
	union control control = { 0 };
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *header = &control.header;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), pidfds, count * sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The kernel gives no more than there is room for. Returns how many came. */
static size_t take_descriptors(struct msghdr *message, int pidfds[HEIRS_MAX])
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count > HEIRS_MAX)
		count = HEIRS_MAX;
	for (size_t i = 0; i < count; i++) {
		if (pidfds[i] >= 0)
			close(pidfds[i]);
	}
	memcpy(pidfds, CMSG_DATA(header), count * sizeof(int));
	return count;
}

bool heirs_take(int fd, int pidfds[HEIRS_MAX], bool *are_all)
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
	if (recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT) != 1 || bytes[0] <= none ||
		bytes[0] > none + HEIRS_MAX)
		return false;
	if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return false;
	*are_all = take_descriptors(&message, pidfds) == (size_t)(bytes[0] - none);
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
