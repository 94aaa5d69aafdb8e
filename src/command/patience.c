/* SPDX-License-Identifier: Apache-2.0 */
#include "command/patience.h"

#include "base/deadline.h"
#include "command/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

enum { WAKE_NS = 20000000 };

/* What is to be undone. */
struct alarm {
	timer_t timer;
	struct sigaction before;
};

static void wake_up(int signal_number)
{
	(void)signal_number;
}

/* Again and again, for the first may come before there is anything to be interrupted. By a signal
 * of its own: SIGALRM may be our caller's. */
static int set_alarm(struct alarm *alarm, uint64_t after_ms)
{
	const struct sigaction action = { .sa_handler = wake_up };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	const struct itimerspec times = {
		.it_value = { (time_t)(after_ms / 1000), (long)(after_ms % 1000) * 1000000 },
		.it_interval = { 0, WAKE_NS },
	};

	if (timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) < 0)
		return -1;
	sigaction(SIGRTMIN, &action, &alarm->before);
	return timer_settime(alarm->timer, 0, &times, NULL);
}

static void end_alarm(const struct alarm *alarm)
{
	timer_delete(alarm->timer);
	sigaction(SIGRTMIN, &alarm->before, NULL);
}

static int open_until(int directory_fd, const char *name, int flags, int64_t deadline)
{
	int fd;

	do
		fd = openat(directory_fd, name, flags);
	while (fd < 0 && errno == EINTR && deadline_left(deadline) != 0);
	return fd;
}

static int open_by_alarm(int directory_fd, const char *name, int flags, uint64_t *timeout_ms)
{
	const int64_t deadline = deadline_from_now(*timeout_ms);
	struct alarm alarm;

	if (set_alarm(&alarm, *timeout_ms) < 0)
		return -1;
	int fd = open_until(directory_fd, name, flags, deadline);
	const int code = errno == EINTR ? ETIMEDOUT : errno;
	end_alarm(&alarm);
	*timeout_ms = deadline_timeout(deadline);
	errno = code;
	return fd;
}

int open_with_patience(int directory_fd, const char *name, int flags, uint64_t *timeout_ms)
{
	sigset_t before;

	interrupt_let_through(&before);
	int fd = *timeout_ms > 0 ? open_by_alarm(directory_fd, name, flags, timeout_ms)
				 : open_until(directory_fd, name, flags, -1);
	const int code = errno;
	interrupt_hold_back(&before);
	errno = code;
	return fd;
}
