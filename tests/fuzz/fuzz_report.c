/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the receiving of reports: the one thing that a privileged process takes from a parser. */
#include "wire/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char digest[] =
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static bool is_open_ended(const struct report *report)
{
	return memchr(report->error.entry, '\0', sizeof(report->error.entry)) == NULL ||
	       memchr(report->stats.digest, '\0', sizeof(report->stats.digest)) == NULL ||
	       memchr(report->stats.diff_id, '\0', sizeof(report->stats.diff_id)) == NULL;
}

/* Three bytes each: where, and what then stands there. */
static void patch(
	struct report *report, enum report_role role, const uint8_t *patches, size_t length)
{
	report_init(report, role);
	if (role == REPORT_FROM_LAYER_HASHER)
		memcpy(report->stats.digest, digest, sizeof(digest));
	for (; length >= 3; length -= 3, patches += 3) {
		size_t at = (size_t)(patches[0] << 8 | patches[1]) % sizeof(*report);
		((uint8_t *)report)[at] = patches[2];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const enum report_role role =
		length % 4 == 0 ? REPORT_FROM_LAYER_HASHER : REPORT_FROM_UNPACKER;
	struct report report;
	bool ended;
	int fds[2];

	if (length == 0 || length > 64 << 10)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	if (length % 2 == 0) {
		/* A liar starts from a good one, and can compute the checksum as well. */
		patch(&report, role, bytes, length);
		if (report_send(fds[0], &report) < 0)
			abort();
	} else if (write(fds[0], bytes, length) != (ssize_t)length) {
		abort();
	}
	if (report_receive(fds[1], role, &report, &ended) == 1 &&
		(report.error.code < 0 || is_open_ended(&report)))
		abort();
	close(fds[0]);
	close(fds[1]);
	return 0;
}
