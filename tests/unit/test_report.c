/* SPDX-License-Identifier: Apache-2.0 */
/* The record: what was sent arrives, and a liar is not believed in any field. */
#include "base/error.h"
#include "wire/report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct ends {
	int write_fd;
	int read_fd;
};

static int open_ends(void **state)
{
	static struct ends ends;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	ends = (struct ends){ fds[0], fds[1] };
	*state = &ends;
	return 0;
}

static int close_ends(void **state)
{
	struct ends *ends = *state;

	close(ends->write_fd);
	close(ends->read_fd);
	return 0;
}

static void a_report_arrives_as_it_was_sent(void **state)
{
	struct ends *ends = *state;
	struct report sent;
	struct report received;
	bool ended;

	report_init(&sent, REPORT_FROM_UNPACKER);
	sent.result = fail_because(&sent.error, ENOSPC, "write", "etc/passwd", "full");
	sent.stats.entries = 77;
	assert_int_equal(report_send(ends->write_fd, &sent), 0);
	assert_int_equal(report_receive(ends->read_fd, REPORT_FROM_UNPACKER, &received, &ended), 1);
	assert_memory_equal(&sent, &received, sizeof(sent));
}

static void no_report_is_not_an_error_but_the_end_is_told(void **state)
{
	struct ends *ends = *state;
	struct report report;
	bool ended;

	assert_int_equal(report_receive(ends->read_fd, REPORT_FROM_UNPACKER, &report, &ended), 0);
	assert_false(ended);
	shutdown(ends->write_fd, SHUT_WR);
	assert_int_equal(report_receive(ends->read_fd, REPORT_FROM_UNPACKER, &report, &ended), 0);
	assert_true(ended);
}

static int receive_raw(struct ends *ends, const void *bytes, size_t length)
{
	struct report received;
	bool ended;

	assert_int_equal(write(ends->write_fd, bytes, length), (ssize_t)length);
	return report_receive(ends->read_fd, REPORT_FROM_UNPACKER, &received, &ended);
}

static void packets_of_another_length_are_refused(void **state)
{
	struct report report[2];

	report_init(&report[0], REPORT_FROM_UNPACKER);
	memset(&report[1], 0, sizeof(report[1]));
	assert_int_equal(receive_raw(*state, report, 1), -EPROTO);
	assert_int_equal(receive_raw(*state, report, sizeof(report[0]) - 1), -EPROTO);
	assert_int_equal(receive_raw(*state, report, sizeof(report[0]) + 1), -EPROTO);
	assert_int_equal(receive_raw(*state, report, sizeof(report)), -EPROTO);
}

static void a_flipped_bit_anywhere_is_noticed(void **state)
{
	struct ends *ends = *state;

	for (size_t at = 0; at < offsetof(struct report, checksum) + 4; at++) {
		struct report report;
		struct report received;
		bool ended;

		report_init(&report, REPORT_FROM_UNPACKER);
		assert_int_equal(report_send(ends->write_fd, &report), 0);
		assert_int_equal(read(ends->read_fd, &report, sizeof(report)), sizeof(report));
		((unsigned char *)&report)[at] ^= 1;
		assert_int_equal(write(ends->write_fd, &report, sizeof(report)), sizeof(report));
		assert_int_equal(
			report_receive(ends->read_fd, REPORT_FROM_UNPACKER, &received, &ended),
			-EPROTO);
	}
}

static void spoil_role(struct report *report)
{
	report->role = REPORT_FROM_MONITOR;
}

static void spoil_version(struct report *report)
{
	report->version++;
}

static void spoil_result(struct report *report)
{
	report->result = -1;
}

static void spoil_code(struct report *report)
{
	report->error.code = -5;
	report->result = 5;
}

static void spoil_stage(struct report *report)
{
	report->error.stage = 99;
}

static void spoil_op(struct report *report)
{
	memset(report->error.op, 'x', sizeof(report->error.op));
}

static void spoil_entry(struct report *report)
{
	memset(report->error.entry, 'x', sizeof(report->error.entry));
}

static void spoil_detail(struct report *report)
{
	memset(report->error.detail, 'x', sizeof(report->error.detail));
}

static void spoil_reserved(struct report *report)
{
	report->error.reserved[200] = 1;
}

static void spoil_ended_early(struct report *report)
{
	report->ended_early = 2;
}

static void spoil_compression(struct report *report)
{
	report->stats.compression = 77;
}

static void spoil_level(struct report *report)
{
	report->stats.level = 77;
}

static void spoil_stats_size(struct report *report)
{
	report->stats.size = 1 << 20;
}

static const char digest[] =
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/* It was not asked. */
static void spoil_digest(struct report *report)
{
	memcpy(report->stats.digest, digest, sizeof(digest));
}

static void spoil_diff_id(struct report *report)
{
	memcpy(report->stats.diff_id, digest, sizeof(digest));
}

/* The checksum is right: whoever writes a lie can compute it too. */
static void a_lie_in_any_field_is_refused(void **state)
{
	static void (*const lies[])(struct report *) = {
		spoil_role,
		spoil_version,
		spoil_result,
		spoil_code,
		spoil_stage,
		spoil_op,
		spoil_entry,
		spoil_detail,
		spoil_reserved,
		spoil_ended_early,
		spoil_compression,
		spoil_level,
		spoil_stats_size,
		spoil_digest,
		spoil_diff_id,
	};
	struct ends *ends = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct report report;
		struct report received;
		bool ended;

		report_init(&report, REPORT_FROM_UNPACKER);
		lies[i](&report);
		assert_int_equal(report_send(ends->write_fd, &report), 0);
		assert_int_equal(
			report_receive(ends->read_fd, REPORT_FROM_UNPACKER, &received, &ended),
			-EPROTO);
	}
}

static int receive_of_hasher(
	struct ends *ends, const char *with_digest, size_t digest_bytes, int code)
{
	struct report report;
	struct report received;
	bool ended;

	report_init(&report, REPORT_FROM_LAYER_HASHER);
	memcpy(report.stats.digest, with_digest, digest_bytes);
	if (code != 0)
		report.result = fail_because(&report.error, code, "write", NULL, "nobody reads");
	assert_int_equal(report_send(ends->write_fd, &report), 0);
	return report_receive(ends->read_fd, REPORT_FROM_LAYER_HASHER, &received, &ended);
}

static void a_hasher_has_no_success_without_a_digest(void **state)
{
	struct ends *ends = *state;
	char bad[sizeof(digest)];

	assert_int_equal(receive_of_hasher(ends, digest, sizeof(digest), 0), 1);
	assert_int_equal(receive_of_hasher(ends, digest, sizeof(digest), EPIPE), 1);
	assert_int_equal(receive_of_hasher(ends, "", 1, EPIPE), 1);
	assert_int_equal(receive_of_hasher(ends, "", 1, 0), -EPROTO);
	for (size_t at = 0; at < sizeof(digest); at++) {
		memcpy(bad, digest, sizeof(bad));
		bad[at] ^= 0x20;
		assert_int_equal(receive_of_hasher(ends, bad, sizeof(bad), 0), -EPROTO);
	}
	assert_int_equal(receive_of_hasher(ends, "\0x", 3, EPIPE), -EPROTO);
}

int main(void)
{
#define with_ends(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)
	const struct CMUnitTest tests[] = {
		with_ends(a_report_arrives_as_it_was_sent),
		with_ends(no_report_is_not_an_error_but_the_end_is_told),
		with_ends(packets_of_another_length_are_refused),
		with_ends(a_flipped_bit_anywhere_is_noticed),
		with_ends(a_lie_in_any_field_is_refused),
		with_ends(a_hasher_has_no_success_without_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
