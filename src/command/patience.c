/* SPDX-License-Identifier: Apache-2.0 */
#include "command/patience.h"

#include "base/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

enum { WAKE_US = 20000 };

static void wake_up(int signal_number)
{
	(void)signal_number;
}

/* Again and again, for the first may come before there is anything to be interrupted. */
static void interrupt_me(uint64_t after_ms, struct sigaction *before)
{
	const struct sigaction action = { .sa_handler = wake_up };
	const struct itimerval timer = {
		.it_value = { (time_t)(after_ms / 1000), (suseconds_t)(after_ms % 1000) * 1000 },
		.it_interval = { 0, WAKE_US },
	};

	sigaction(SIGALRM, &action, before);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void interrupt_me_no_more(const struct sigaction *before)
{
	const struct itimerval never = { .it_value = { 0, 0 } };

	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, before, NULL);
}

static int open_until(int directory_fd, const char *name, int flags, int64_t deadline)
{
	int fd;

	do
		fd = openat(directory_fd, name, flags);
	while (fd < 0 && errno == EINTR && deadline_left(deadline) != 0);
	return fd;
}

int open_with_patience(int directory_fd, const char *name, int flags, uint64_t *timeout_ms)
{
	const int64_t deadline = deadline_from_now(*timeout_ms);
	struct sigaction alarm_before;
	sigset_t none;
	sigset_t before;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &before);
	if (*timeout_ms > 0)
		interrupt_me(*timeout_ms, &alarm_before);
	int fd = open_until(directory_fd, name, flags, deadline);
	const int code = errno == EINTR ? ETIMEDOUT : errno;
	if (*timeout_ms > 0) {
		interrupt_me_no_more(&alarm_before);
		const int left = deadline_left(deadline);
		*timeout_ms = left > 0 ? (uint64_t)left : 1;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = code;
	return fd;
}
