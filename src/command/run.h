/* SPDX-License-Identifier: Apache-2.0 */
/* What every sub-command does with a job: its layer, its progress, its signals, its end. */
#ifndef OAKUM_COMMAND_RUN_H
#define OAKUM_COMMAND_RUN_H

#include "command/option.h"

#include <oakum/oakum.h>

struct run {
	struct oakum_job *job;	     /* to be started between run_init() and run_follow() */
	struct oakum_atomic *atomic; /* begun there too; NULL: what is written is in its place */
	struct display display;
	struct oakum_progress progress; /* when it ended */
	int signal_fd;
	int interrupted_by; /* a signal, or 0 */
	int output_code;    /* why events could not be written, or 0: then nothing is committed */
};

/*
 * "-" is standard input. A close-on-exec descriptor, or -1 after a message. A FIFO is waited for
 * until somebody writes to it, and the arguments' timeout is less by that.
 */
int run_open_layer(struct arguments *arguments, const char *name);

/* The same without the message: -errno, told as the library would. */
int run_open(const char *name, uint64_t *timeout_ms, struct oakum_error *err);

/* Of what fails before the library is called: errno as its error, with what to do; returns -errno.
 */
int run_fail_setup(const char *op, const char *name, struct oakum_error *err);

/* From here on signals that would end the command end the job. */
void run_init(struct run *run, const struct arguments *arguments, enum display_work work);

/* Names what an error of the library is about, which knows descriptors alone. */
void run_name(struct oakum_error *err, const char *layer, const char *rootfs);

/* The same where results could not be written: whatever was on its way then, it is about output. */
void run_name_output(const struct run *run, struct oakum_error *err, const char *output);

/* Can standard output be written to? Else a message was. */
bool run_has_output(void);

/* For who writes results to standard output: nothing else is to be drawn there. */
void run_leave_output(struct arguments *arguments);

/* After a failure: whoever read has seen enough? Then this does not return, nor say anything. */
void run_end_with_reader(const struct oakum_error *err);

/*
 * Until the job has ended, and with a signal it does at once; then has the rootfs take its place.
 * As oakum_job_wait().
 */
int run_follow(struct run *run, struct oakum_stats *stats, struct oakum_error *err);

/* The whole of a sub-command: argv without its name; the exit status. */
int run_command(const struct command_use *use, int argc, char **argv);

/* The digests there are, on standard error. */
void run_print_digests(const struct oakum_stats *stats);

/*
 * The last word about a failure, and the exit status for it; removes what was not to stay.
 * what_is_left, and where, is for an interrupted one. Does not return where a signal has ended it.
 */
int run_failed(struct run *run, const struct oakum_error *err, const char *what_is_left,
	const char *where);

#endif
