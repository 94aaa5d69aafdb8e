/* SPDX-License-Identifier: Apache-2.0 */
#include "lister/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	OWNER_AND_SIZE_COLUMNS = 19, /* GNU tar's, and the next one too */
	TIME_COLUMNS = sizeof("YYYY-MM-DD HH:MM") - 1,
	FIELD_BYTES = 64,
	SECONDS_A_DAY = 24 * 60 * 60,
};

void columns_init(struct columns *columns)
{
	*columns = (struct columns){ OWNER_AND_SIZE_COLUMNS, TIME_COLUMNS };
}

static const char type_letters[] = {
	[ENTRY_FILE] = '-',
	[ENTRY_DIRECTORY] = 'd',
	[ENTRY_SYMLINK] = 'l',
	[ENTRY_HARD_LINK] = 'h',
	[ENTRY_CHARACTER_DEVICE] = 'c',
	[ENTRY_BLOCK_DEVICE] = 'b',
	[ENTRY_FIFO] = 'p',
};

/* The set-id and sticky bits take the place of an x, and are capitals where there is none. */
static void format_mode(const struct entry *entry, char text[FIELD_BYTES])
{
	static const struct {
		size_t at;
		uint32_t bit;
		char letters[2]; /* without an x, and with one */
	} special[] = {
		{ 3, 04000, { 'S', 's' } },
		{ 6, 02000, { 'S', 's' } },
		{ 9, 01000, { 'T', 't' } },
	};

	text[0] = type_letters[entry->type];
	memcpy(text + 1, "rwxrwxrwx", sizeof("rwxrwxrwx"));
	for (size_t i = 0; i < 9; i++) {
		if ((entry->mode & (0400U >> i)) == 0)
			text[1 + i] = '-';
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		char *at = &text[special[i].at];
		if ((entry->mode & special[i].bit) != 0)
			*at = special[i].letters[*at == 'x'];
	}
}

static int64_t divide_down(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

/*
 * The day of that number, 0 being 1970-01-01, in the calendar of today carried on for ever. Years
 * begin in March here, so that the leap day is their last. gmtime_r(3) would look for a
 * file of time zones, and knows no year that is not an int.
 */
static void format_day(int64_t day, char text[FIELD_BYTES])
{
	const int64_t shifted = day + 719468; /* from 0000-03-01 */
	const int64_t era = divide_down(shifted, 146097);
	const int64_t of_era = shifted - era * 146097;
	const int64_t year_of_era =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const int64_t month = (5 * of_year + 2) / 153; /* 0 is March */
	const int64_t day_of_month = of_year - (153 * month + 2) / 5 + 1;
	const int64_t year = year_of_era + era * 400 + (month >= 10);

	snprintf(text, FIELD_BYTES, "%04" PRId64 "-%02" PRId64 "-%02" PRId64, year,
		month < 10 ? month + 3 : month - 9, day_of_month);
}

/* As GNU tar: of a fraction no digit more than it has. */
static void format_time(const struct entry *entry, char text[FIELD_BYTES])
{
	const int64_t day = divide_down(entry->mtime_s, SECONDS_A_DAY);
	const int64_t second = entry->mtime_s - day * SECONDS_A_DAY;
	size_t length;

	format_day(day, text);
	length = strlen(text);
	snprintf(text + length, FIELD_BYTES - length, " %02d:%02d:%02d", (int)(second / 3600),
		(int)(second / 60 % 60), (int)(second % 60));
	if (entry->mtime_ns == 0)
		return;
	length = strlen(text);
	snprintf(text + length, FIELD_BYTES - length, ".%09" PRIu32, entry->mtime_ns);
	for (length = strlen(text); text[length - 1] == '0'; length--)
		text[length - 1] = '\0';
}

static void format_size(const struct entry *entry, char text[FIELD_BYTES])
{
	if (entry->type == ENTRY_CHARACTER_DEVICE || entry->type == ENTRY_BLOCK_DEVICE)
		snprintf(text, FIELD_BYTES, "%" PRIu32 ",%" PRIu32, entry->device_major,
			entry->device_minor);
	else
		snprintf(text, FIELD_BYTES, "%" PRIu64, entry->logical_bytes);
}

static void add_spaces(struct sink *sink, size_t count)
{
	while (count-- > 0)
		sink_add_text(sink, " ");
}

static size_t widened(size_t *column, size_t by)
{
	if (by > *column)
		*column = by;
	return *column - by;
}

static void add_head(struct columns *columns, const struct entry *entry, struct sink *sink)
{
	char mode[FIELD_BYTES];
	char owner[FIELD_BYTES];
	char size[FIELD_BYTES];
	char time[FIELD_BYTES];

	format_mode(entry, mode);
	snprintf(owner, sizeof(owner), "%" PRIu32 "/%" PRIu32, entry->uid, entry->gid);
	format_size(entry, size);
	format_time(entry, time);
	sink_add_text(sink, mode);
	sink_add_text(sink, " ");
	sink_add_text(sink, owner);
	sink_add_text(sink, " ");
	add_spaces(sink, widened(&columns->owner_and_size, strlen(owner) + 1 + strlen(size)));
	sink_add_text(sink, size);
	sink_add_text(sink, " ");
	sink_add_text(sink, time);
	add_spaces(sink, widened(&columns->time, strlen(time)));
	sink_add_text(sink, " ");
}

void line_add_text(struct columns *columns, const struct listed *listed, struct sink *sink)
{
	const struct entry *entry = listed->entry;

	add_head(columns, entry, sink);
	sink_add_escaped(sink, entry->name);
	if (entry->link_name != NULL) {
		sink_add_text(sink, entry->type == ENTRY_HARD_LINK ? " link to " : " -> ");
		sink_add_escaped(sink, entry->link_name);
	}
	if (listed->whiteout == WHITEOUT_FILE) {
		sink_add_text(sink, " whiteout of ");
		sink_add_escaped(sink, listed->hides);
	}
	if (listed->whiteout == WHITEOUT_OPAQUE)
		sink_add_text(sink, " opaque");
	sink_add_text(sink, "\n");
}
