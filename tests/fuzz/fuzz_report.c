/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the receiving of reports: the one thing that a privileged process takes from a parser. */
#include "wire/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct report report;
	bool ended;
	int fds[2];

	if (length == 0 || length > 64 << 10)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	if (length == sizeof(report)) {
		/* A liar can compute the checksum as well. */
		memcpy(&report, bytes, sizeof(report));
		if (report_send(fds[0], &report) < 0)
			abort();
	} else if (write(fds[0], bytes, length) != (ssize_t)length) {
		abort();
	}
	if (report_receive(fds[1], REPORT_FROM_UNPACKER, &report, &ended) == 1 &&
		(report.error.code < 0 || strnlen(report.error.entry, sizeof(report.error.entry)) ==
						  sizeof(report.error.entry)))
		abort();
	close(fds[0]);
	close(fds[1]);
	return 0;
}
