/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that end the command: taken while it unpacks, so that what it does about them is done. */
#ifndef OAKUM_COMMAND_INTERRUPT_H
#define OAKUM_COMMAND_INTERRUPT_H

#include <signal.h>

/*
 * From here on SIGINT, SIGTERM and SIGHUP are read from the descriptor that is returned and
 * stays open, or -1 if that cannot be had: then they end the command as ever. Those that
 * our caller ignores (nohup(1)) stay ignored.
 */
int interrupt_open(void);

/* The signal that came; 0 if none did. */
int interrupt_take(int fd);

/* While there is no job that they could end, signals end the command as ever: until the second. */
void interrupt_let_through(sigset_t *before);
void interrupt_hold_back(const sigset_t *before);

/* Ends the process by that signal, as a shell expects it of one that was interrupted. */
void interrupt_die(int signal_number);

#endif
