/* SPDX-License-Identifier: Apache-2.0 */
#include "command/interrupt.h"

#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };

int interrupt_open(void)
{
	sigset_t taken;

	sigemptyset(&taken);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		struct sigaction action;
		/* A signal that is blocked is not ignored any more. */
		if (sigaction(deadly[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&taken, deadly[i]);
	}
	int fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd >= 0)
		sigprocmask(SIG_BLOCK, &taken, NULL);
	return fd;
}

int interrupt_take(int fd)
{
	struct signalfd_siginfo info;

	return fd >= 0 && read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)
		       ? (int)info.ssi_signo
		       : 0;
}

void interrupt_let_through(sigset_t *before)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, before);
}

void interrupt_hold_back(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

void interrupt_die(int signal_number)
{
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
}
