/* SPDX-License-Identifier: Apache-2.0 */
/* How far an unpack is, shown: a bar on a terminal, lines in a log, events for a program. */
#ifndef OAKUM_COMMAND_DISPLAY_H
#define OAKUM_COMMAND_DISPLAY_H

#include <oakum/oakum.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of --progress=...; auto is a bar where standard error is a terminal, else none. */
enum display_form {
	DISPLAY_AUTO = 0,
	DISPLAY_NONE,
	DISPLAY_BAR,   /* on standard error, one line drawn again and again */
	DISPLAY_LINES, /* on standard error, one every five seconds and one at the end */
	DISPLAY_JSON,  /* on standard output, an object a line, ten a second at most */
};

/* What is gone on with, which decides what is worth telling. */
enum display_work {
	DISPLAY_UNPACK,
	DISPLAY_PACK, /* content is read, and the layer written */
	DISPLAY_VERIFY,
	DISPLAY_LIST,
	DISPLAY_FILTER, /* no entry is looked at */
};

struct display {
	enum display_work work;
	enum display_form form;
	int64_t next_ms; /* of the job's time: not shown again before */
	bool is_drawn;	 /* a bar stands on the terminal's line */
};

/* form may be DISPLAY_AUTO; is_quiet has a say in that alone. */
void display_init(
	struct display *display, enum display_work work, enum display_form form, bool is_quiet);

/* For poll(2): how long the next look may wait; -1 for ever. */
int display_pause_ms(const struct display *display);

void display_show(struct display *display, const struct oakum_progress *progress);

/* The last word, one of these: takes the bar away. */
void display_done(const struct display *display, const struct oakum_progress *progress,
	const struct oakum_stats *stats);
void display_failed(const struct display *display, const struct oakum_progress *progress,
	const struct oakum_error *err);

#endif
