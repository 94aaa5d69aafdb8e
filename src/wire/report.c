/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/report.h"

#include "base/digest.h"
#include "base/fd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* CRC-32C (Castagnoli), bit by bit: a few kilobytes, twice an unpack. */
static uint32_t crc32c(const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;
	uint32_t crc = ~UINT32_C(0);

	for (size_t i = 0; i < length; i++) {
		crc ^= byte[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT32_C(0x82f63b78) : crc >> 1;
	}
	return ~crc;
}

void report_init(struct report *report, enum report_role role)
{
	memset(report, 0, sizeof(*report));
	report->magic = REPORT_MAGIC;
	report->version = REPORT_VERSION;
	report->role = role;
	report->stats.size = sizeof(report->stats);
}

int report_send(int fd, struct report *report)
{
	report->checksum = crc32c(report, offsetof(struct report, checksum));
	return fd_write_all(fd, report, sizeof(*report));
}

static bool is_terminated(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) != NULL;
}

static bool is_good_error(const struct oakum_error *error)
{
	static const char zeros[sizeof(error->reserved)];

	return error->code >= 0 && error->code < 4096 && error->stage <= OAKUM_STAGE_COMPARE &&
	       is_terminated(error->op, sizeof(error->op)) &&
	       is_terminated(error->entry, sizeof(error->entry)) &&
	       is_terminated(error->detail, sizeof(error->detail)) && error->drained_bytes == 0 &&
	       error->source_left == 0 && /* the caller's to say */
	       memcmp(error->reserved, zeros, sizeof(zeros)) == 0;
}

static bool is_empty(const char digest[DIGEST_TEXT_BYTES])
{
	static const char zeros[DIGEST_TEXT_BYTES];

	return memcmp(digest, zeros, sizeof(zeros)) == 0;
}

/* A hasher has one, and only it; without one it has not succeeded. */
static bool has_good_digests(const struct report *report)
{
	const char *digest = report->stats.digest;
	const char *diff_id = report->stats.diff_id;

	_Static_assert(sizeof(report->stats.digest) == DIGEST_TEXT_BYTES &&
			       sizeof(report->stats.diff_id) == DIGEST_TEXT_BYTES,
		"they are what digest_format() writes");
	switch ((enum report_role)report->role) {
	case REPORT_FROM_DECOMPRESSOR:
	case REPORT_FROM_UNPACKER:
	case REPORT_FROM_PACKER:
	case REPORT_FROM_LISTER:
	case REPORT_FROM_VERIFIER:
		return is_empty(digest) && is_empty(diff_id);
	case REPORT_FROM_LAYER_HASHER:
	case REPORT_FROM_STREAM_HASHER:
		return is_empty(diff_id) &&
		       (digest_is_good(digest) || (is_empty(digest) && report->result < 0));
	case REPORT_FROM_MONITOR:
		return (is_empty(digest) || digest_is_good(digest)) &&
		       (is_empty(diff_id) || digest_is_good(diff_id));
	}
	return false;
}

static bool is_good(const struct report *report, enum report_role role)
{
	return report->magic == REPORT_MAGIC && report->version == REPORT_VERSION &&
	       report->checksum == crc32c(report, offsetof(struct report, checksum)) &&
	       report->role == role && report->ended_early <= 1 && report->reserved == 0 &&
	       report->result == -report->error.code &&
	       report->stats.size == sizeof(report->stats) &&
	       report->stats.compression <= OAKUM_COMPRESSION_LZ4 &&
	       report->stats.engine <= OAKUM_ENGINE_LIBLZ4 &&
	       report->stats.level <= OAKUM_LEVEL_DETACHED && has_good_digests(report) &&
	       is_good_error(&report->error);
}

int report_receive(int fd, enum report_role role, struct report *report, bool *ended)
{
	struct report received;
	char too_much;
	struct iovec parts[] = {
		{ .iov_base = &received, .iov_len = sizeof(received) },
		{ .iov_base = &too_much, .iov_len = sizeof(too_much) },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t got;

	*ended = false;
	do {
		got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		*ended = got == 0 || errno != EAGAIN;
		return 0;
	}
	if (got != (ssize_t)sizeof(received) || !is_good(&received, role))
		return -EPROTO;
	*report = received;
	return 1;
}
