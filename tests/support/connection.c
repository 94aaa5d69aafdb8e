/* SPDX-License-Identifier: Apache-2.0 */
#include "support/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void connection_open(int *read_fd, int *write_fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct sockaddr *generic = (struct sockaddr *)&address;
	socklen_t length = sizeof(address);
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*write_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listen_fd, generic, length) < 0 || listen(listen_fd, 1) < 0 ||
		getsockname(listen_fd, generic, &length) < 0 ||
		connect(*write_fd, generic, length) < 0)
		abort();
	*read_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (*read_fd < 0)
		abort();
	close(listen_fd);
}

void connection_will_reset(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		abort();
}
