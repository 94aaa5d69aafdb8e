/* SPDX-License-Identifier: Apache-2.0 */
/* A ring between two processes: what goes in comes out, and neither can be made to go astray. */
#include "base/deadline.h"
#include "base/fd.h"
#include "base/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned char *memory;
static struct pipe_pair tokens;
static struct pipe_pair credits;
static unsigned char buffer[RING_SLOT_BYTES];

static int open_ring(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	memory = ring_map();
	if (memory == NULL || fd_pipe(&tokens, 0) < 0 || fd_pipe(&credits, 0) < 0)
		return -1;
	return fcntl(credits.read_fd, F_SETFL, O_NONBLOCK);
}

static int close_ring(void **state)
{
	const int fds[] = { tokens.read_fd, tokens.write_fd, credits.read_fd, credits.write_fd };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		close(fds[i]); /* some are by now */
	return munmap(memory, (size_t)RING_SLOTS * RING_SLOT_BYTES);
}

/* The same on both sides: lengths from 1 to a whole slot, and what is in them. */
static size_t length_of(int chunk)
{
	return chunk % 7 == 0 ? RING_SLOT_BYTES : (size_t)(chunk * 7919 % RING_SLOT_BYTES) + 1;
}

static unsigned char byte_of(int chunk)
{
	return (unsigned char)(chunk * 31 + 7);
}

/* In a process of its own, which ends with 0 once all is sent. */
static pid_t start_writer(int chunks, void (*pause)(int chunk))
{
	pid_t pid = fork();
	struct ring_writer writer;

	if (pid != 0) {
		close(tokens.write_fd);
		close(credits.read_fd);
		return pid;
	}
	close(tokens.read_fd);
	close(credits.write_fd);
	ring_writer_init(&writer, memory, tokens.write_fd, credits.read_fd);
	for (int i = 0; i < chunks; i++) {
		unsigned char *slot;
		if (pause != NULL)
			pause(i);
		if (ring_writer_slot(&writer, &slot) < 0)
			_exit(2);
		memset(slot, byte_of(i), length_of(i));
		if (ring_writer_send(&writer, length_of(i)) < 0)
			_exit(3);
	}
	_exit(0);
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void take_all(int chunks, void (*pause)(int chunk))
{
	struct ring_reader reader;

	assert_int_equal(ring_reader_init(&reader, memory, tokens.read_fd, credits.write_fd), 0);
	for (int i = 0; i < chunks; i++) {
		if (pause != NULL)
			pause(i);
		ssize_t got = ring_reader_take(&reader, buffer, sizeof(buffer), -1);
		assert_int_equal(got, length_of(i));
		for (size_t at = 0; at < (size_t)got; at++) {
			if (buffer[at] != byte_of(i))
				fail_msg("chunk %d, byte %zu", i, at);
		}
	}
	assert_int_equal(ring_reader_take(&reader, buffer, sizeof(buffer), -1), 0);
}

static void a_slot_may_be_read_in_pieces(void **state)
{
	pid_t pid = start_writer(50, NULL);
	struct ring_reader reader;

	(void)state;
	assert_int_equal(ring_reader_init(&reader, memory, tokens.read_fd, credits.write_fd), 0);
	for (int i = 0; i < 50; i++) {
		for (size_t have = 0; have < length_of(i);) {
			ssize_t got = ring_reader_take(&reader, buffer, 70001, -1);
			assert_true(got > 0 && got <= 70001);
			for (ssize_t at = 0; at < got; at++)
				assert_int_equal(buffer[at], byte_of(i));
			have += (size_t)got;
			assert_true(have <= length_of(i));
		}
	}
	assert_int_equal(ring_reader_take(&reader, buffer, sizeof(buffer), -1), 0);
	assert_int_equal(status_of(pid), 0);
}

static void pause_now_and_then(int chunk)
{
	const struct timespec moment = { .tv_nsec = 3000000 };

	if (chunk % 20 == 0)
		(void)nanosleep(&moment, NULL);
}

static void what_is_sent_comes_out_in_its_order(void **state)
{
	pid_t pid = start_writer(200, NULL);

	(void)state;
	take_all(200, NULL);
	assert_int_equal(status_of(pid), 0);
}

static void whoever_is_slower_is_waited_for(void **state)
{
	pid_t pid = start_writer(100, pause_now_and_then);

	(void)state;
	take_all(100, NULL);
	assert_int_equal(status_of(pid), 0);
}

static void a_reader_that_is_slow_stops_the_writer_when_all_slots_are_full(void **state)
{
	pid_t pid = start_writer(100, NULL);

	(void)state;
	take_all(100, pause_now_and_then);
	assert_int_equal(status_of(pid), 0);
}

static void a_writer_whose_reader_is_gone_is_told(void **state)
{
	pid_t pid = start_writer(RING_SLOTS + 1, NULL);

	(void)state;
	close(credits.write_fd);
	/* The pipe takes all tokens that there can be: it is the next slot that does not come. */
	assert_int_equal(status_of(pid), W_EXITCODE(2, 0));
}

static void a_reader_whose_writer_is_killed_comes_to_the_end(void **state)
{
	pid_t pid = start_writer(1000, NULL);
	struct ring_reader reader;
	ssize_t got = 1;

	(void)state;
	assert_int_equal(ring_reader_init(&reader, memory, tokens.read_fd, credits.write_fd), 0);
	for (int i = 0; i < 5; i++)
		assert_true(ring_reader_take(&reader, buffer, sizeof(buffer), -1) > 0);
	kill(pid, SIGKILL);
	while (got > 0)
		got = ring_reader_take(&reader, buffer, sizeof(buffer), -1);
	assert_int_equal(got, 0);
	assert_int_equal(status_of(pid), SIGKILL);
}

static void a_token_that_lies_is_refused(void **state)
{
	static const uint32_t lies[][2] = {
		{ RING_SLOTS, 1 },
		{ UINT32_MAX, 1 },
		{ 0, 0 },
		{ 0, RING_SLOT_BYTES + 1 },
		{ RING_SLOTS - 1, UINT32_MAX },
	};
	struct ring_reader reader;

	(void)state;
	assert_int_equal(ring_reader_init(&reader, memory, tokens.read_fd, credits.write_fd), 0);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		assert_int_equal(fd_write_all(tokens.write_fd, lies[i], sizeof(lies[i])), 0);
		assert_int_equal(ring_reader_take(&reader, buffer, sizeof(buffer), -1), -EPROTO);
	}
	assert_int_equal(fd_write_all(tokens.write_fd, lies[2], 3), 0);
	assert_int_equal(ring_reader_take(&reader, buffer, sizeof(buffer), -1), -EPROTO);
}

static void credits_that_lie_give_no_slot_that_is_not_there(void **state)
{
	static const unsigned char lies[] = { 0xff, RING_SLOTS, RING_SLOTS - 1, RING_SLOTS - 1 };
	struct ring_writer writer;
	unsigned char *slot;

	(void)state;
	ring_writer_init(&writer, memory, tokens.write_fd, credits.read_fd);
	/* More than were ever lent, of slots that there are not, and one of them twice. */
	for (int i = 0; i < 4 * RING_SLOTS; i++) {
		assert_int_equal(fd_write_all(credits.write_fd, lies, sizeof(lies)), 0);
		assert_int_equal(ring_writer_slot(&writer, &slot), 0);
		assert_true(slot >= memory &&
			    slot <= memory + (size_t)(RING_SLOTS - 1) * RING_SLOT_BYTES);
		assert_int_equal((slot - memory) % RING_SLOT_BYTES, 0);
		assert_true(writer.free_count < RING_SLOTS);
	}
}

static void a_reader_does_not_wait_past_its_deadline(void **state)
{
	struct ring_reader reader;

	(void)state;
	assert_int_equal(ring_reader_init(&reader, memory, tokens.read_fd, credits.write_fd), 0);
	assert_int_equal(ring_reader_take(&reader, buffer, sizeof(buffer), deadline_from_now(20)),
		-ETIMEDOUT);
}

static void a_reader_cannot_write_to_the_memory(void **state)
{
	struct ring_reader reader;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		if (ring_reader_init(&reader, memory, tokens.read_fd, credits.write_fd) < 0)
			_exit(1);
		*(volatile unsigned char *)memory = 1;
		_exit(2);
	}
	int status = status_of(pid);
	/* A sanitizer turns the signal into an exit of its own. */
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) > 2));
}

#define RING_TEST(function) cmocka_unit_test_setup_teardown(function, open_ring, close_ring)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(what_is_sent_comes_out_in_its_order),
		RING_TEST(a_slot_may_be_read_in_pieces),
		RING_TEST(whoever_is_slower_is_waited_for),
		RING_TEST(a_reader_that_is_slow_stops_the_writer_when_all_slots_are_full),
		RING_TEST(a_writer_whose_reader_is_gone_is_told),
		RING_TEST(a_reader_whose_writer_is_killed_comes_to_the_end),
		RING_TEST(a_token_that_lies_is_refused),
		RING_TEST(credits_that_lie_give_no_slot_that_is_not_there),
		RING_TEST(a_reader_does_not_wait_past_its_deadline),
		RING_TEST(a_reader_cannot_write_to_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
