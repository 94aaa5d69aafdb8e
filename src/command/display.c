/* SPDX-License-Identifier: Apache-2.0 */
#include "command/display.h"

#include "command/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	DRAW_MS = 100, /* ten a second: more is not seen, and costs */
	LINE_MS = 5000,
	COLUMNS_DEFAULT = 80,
	COLUMNS_MAX = 512,
	BAR_COLUMNS_MAX = 40,
	AMOUNT_BYTES = 16,
	TEXT_BYTES = COLUMNS_MAX + 1,
};

/* --- what there is to say --- */

/* "12.3 MiB"; numbers below 1000 stay short, so that columns do. */
static void format_bytes(uint64_t bytes, char text[AMOUNT_BYTES])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(text, AMOUNT_BYTES, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
		units[unit]);
}

static uint64_t bytes_a_second(const struct oakum_progress *progress)
{
	if (progress->elapsed_ms == 0)
		return 0;
	return (uint64_t)((double)progress->layer_bytes * 1000 / (double)progress->elapsed_ms);
}

static unsigned int percent(const struct oakum_progress *progress)
{
	if (progress->layer_bytes >= progress->layer_total_bytes)
		return 100;
	return (unsigned int)((double)progress->layer_bytes * 100 /
			      (double)progress->layer_total_bytes);
}

/* At the speed so far: "0:12", "1:02:03", or "" where nobody knows. */
static void format_time_left(const struct oakum_progress *progress, char text[AMOUNT_BYTES])
{
	const uint64_t rate = bytes_a_second(progress);
	uint64_t seconds;

	text[0] = '\0';
	if (progress->layer_total_bytes <= progress->layer_bytes || rate == 0)
		return;
	seconds = (progress->layer_total_bytes - progress->layer_bytes) / rate;
	if (seconds >= UINT64_C(360000)) /* a hundred hours */
		snprintf(text, AMOUNT_BYTES, "days");
	else if (seconds >= 3600)
		snprintf(text, AMOUNT_BYTES, "%u:%02u:%02u", (unsigned int)(seconds / 3600),
			(unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
	else
		snprintf(text, AMOUNT_BYTES, "%u:%02u", (unsigned int)(seconds / 60),
			(unsigned int)(seconds % 60));
}

/* --- a line, as wide as there is room --- */

struct line {
	char *text;
	size_t room; /* of columns, the terminating NUL not counted */
	size_t used;
};

/* All of a part or nothing of it: half a number is a wrong one. */
static void add(struct line *line, const char *separator, const char *part)
{
	const char *between = line->used == 0 ? "" : separator;
	size_t length = strlen(between) + strlen(part);

	if (*part == '\0' || line->used + length > line->room)
		return;
	memcpy(line->text + line->used, between, strlen(between));
	memcpy(line->text + line->used + strlen(between), part, strlen(part) + 1);
	line->used += length;
}

/* What goes in, and what comes out: of packing these are the other way round. */
static struct oakum_progress seen(enum display_work work, const struct oakum_progress *progress)
{
	struct oakum_progress turned = *progress;

	if (work == DISPLAY_PACK) {
		turned.layer_bytes = progress->content_bytes;
		turned.content_bytes = progress->layer_bytes;
	}
	if (work == DISPLAY_FILTER)
		turned.content_bytes = progress->stream_bytes;
	return turned;
}

static const char *done_with_content(enum display_work work)
{
	switch (work) {
	case DISPLAY_UNPACK:
	case DISPLAY_PACK:
	case DISPLAY_FILTER:
		return "written";
	case DISPLAY_VERIFY:
		return "compared";
	case DISPLAY_LIST:
		return "in files";
	}
	__builtin_unreachable();
}

static void format_line(enum display_work work, const struct oakum_progress *told, size_t columns,
	char *text, size_t text_bytes)
{
	const struct oakum_progress turned = seen(work, told);
	const struct oakum_progress *progress = &turned;
	struct line line = { text, columns < text_bytes ? columns : text_bytes - 1, 0 };
	char amount[AMOUNT_BYTES];
	char total[AMOUNT_BYTES];
	char part[3 * AMOUNT_BYTES];

	text[0] = '\0';
	if (progress->layer_total_bytes > 0) {
		snprintf(part, sizeof(part), "%3u%%", percent(progress));
		add(&line, "", part);
		format_bytes(progress->layer_bytes, amount);
		format_bytes(progress->layer_total_bytes, total);
		snprintf(part, sizeof(part), "%s of %s", amount, total);
		add(&line, " ", part);
		format_time_left(progress, amount);
		snprintf(part, sizeof(part), *amount == '\0' ? "" : "%s left", amount);
		add(&line, ", ", part);
	} else {
		format_bytes(progress->layer_bytes, amount);
		snprintf(part, sizeof(part), "%s read", amount);
		add(&line, "", part);
	}
	snprintf(part, sizeof(part), "%" PRIu64 " entries", progress->entries);
	if (work != DISPLAY_FILTER)
		add(&line, ", ", part);
	format_bytes(progress->content_bytes, amount);
	snprintf(part, sizeof(part), "%s %s", amount, done_with_content(work));
	add(&line, ", ", part);
	format_bytes(bytes_a_second(progress), amount);
	snprintf(part, sizeof(part), "%s/s", amount);
	add(&line, ", ", part);
}

/* --- where it goes --- */

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS_DEFAULT;
	return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

/* "[=====>    ]" where there is room for it beside the text. */
static void draw_bar(const struct oakum_progress *progress, size_t columns)
{
	char bar[BAR_COLUMNS_MAX + 1];
	size_t width = columns < BAR_COLUMNS_MAX ? columns : BAR_COLUMNS_MAX;

	if (progress->layer_total_bytes == 0 || width < 10)
		return;
	const size_t inner = width - 3;
	const size_t full = inner * percent(progress) / 100;
	memset(bar, ' ', width);
	bar[0] = '[';
	memset(bar + 1, '=', full);
	if (full < inner)
		bar[1 + full] = '>';
	bar[width - 2] = ']';
	bar[width] = '\0';
	fputs(bar, stderr);
}

/* One write for all of it, so that nothing flickers; the last column stays free, or it wraps. */
static void draw(const struct display *display, const struct oakum_progress *progress)
{
	const size_t columns = terminal_columns() - 1;
	char text[TEXT_BYTES];

	format_line(display->work, progress, columns, text, sizeof(text));
	fputs("\r", stderr);
	draw_bar(progress, columns - strlen(text));
	fprintf(stderr, "%s\x1b[K", text);
	fflush(stderr);
}

static void print_line(const struct display *display, const struct oakum_progress *progress)
{
	char text[TEXT_BYTES];

	format_line(display->work, progress, COLUMNS_MAX, text, sizeof(text));
	fprintf(stderr, "oakum: %s\n", text + strspn(text, " "));
}

/* --- when --- */

static bool is_good_terminal(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDERR_FILENO) && kind != NULL && strcmp(kind, "dumb") != 0;
}

void display_init(
	struct display *display, enum display_work work, enum display_form form, bool is_quiet)
{
	*display = (struct display){ .work = work, .form = form, .next_ms = DRAW_MS };
	if (form == DISPLAY_AUTO)
		display->form = !is_quiet && is_good_terminal() ? DISPLAY_BAR : DISPLAY_NONE;
	if (form == DISPLAY_LINES)
		display->next_ms = LINE_MS;
}

int display_pause_ms(const struct display *display)
{
	return display->form == DISPLAY_NONE ? -1 : DRAW_MS;
}

void display_show(struct display *display, const struct oakum_progress *progress)
{
	if ((int64_t)progress->elapsed_ms < display->next_ms)
		return;
	display->next_ms = (int64_t)progress->elapsed_ms;
	display->next_ms += display->form == DISPLAY_LINES ? LINE_MS : DRAW_MS;
	switch (display->form) {
	case DISPLAY_AUTO:
	case DISPLAY_NONE:
		return;
	case DISPLAY_BAR:
		draw(display, progress);
		display->is_drawn = true;
		return;
	case DISPLAY_LINES:
		print_line(display, progress);
		return;
	case DISPLAY_JSON:
		event_progress(progress);
		return;
	}
	__builtin_unreachable();
}

static void take_away(const struct display *display)
{
	if (display->is_drawn)
		fputs("\r\x1b[K", stderr);
}

void display_done(const struct display *display, const struct oakum_progress *progress,
	const struct oakum_stats *stats)
{
	take_away(display);
	if (display->form == DISPLAY_LINES)
		print_line(display, progress);
	if (display->form == DISPLAY_JSON)
		event_done(progress, stats);
}

void display_failed(const struct display *display, const struct oakum_progress *progress,
	const struct oakum_error *err)
{
	take_away(display);
	if (display->form == DISPLAY_LINES)
		print_line(display, progress);
	if (display->form == DISPLAY_JSON)
		event_failed(progress, err);
}
