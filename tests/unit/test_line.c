/* SPDX-License-Identifier: Apache-2.0 */
/* One entry, one line: its mode, its time, its columns, its whiteout. */
#include "lister/line.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct sink sink;

/* One that is shown before ours has made the columns wider. */
static char *text_of(const struct listed *listed)
{
	char *text = calloc(1, 4096);
	struct columns columns;

	columns_init(&columns);
	sink_init(&sink, memory_file("", 0));
	line_add_text(&columns, listed, &sink);
	assert_int_equal(sink_flush(&sink), 0);
	assert_true(pread(sink.fd, text, 4095, 0) > 0);
	close(sink.fd);
	return text;
}

static void assert_text(const struct entry *entry, const char *expected)
{
	const struct listed listed = { .entry = entry };
	char *text = text_of(&listed);

	assert_string_equal(text, expected);
	free(text);
}

static void a_line_is_that_of_gnu_tar(void **state)
{
	(void)state;
	assert_text(&(struct entry){ .name = "a/b", .mode = 0644, .logical_bytes = 7 },
		"-rw-r--r-- 0/0               7 1970-01-01 00:00:00 a/b\n");
	assert_text(&(struct entry){ .type = ENTRY_SYMLINK,
			    .name = "l",
			    .link = "x\n",
			    .link_name = "x\n",
			    .mode = 0777 },
		"lrwxrwxrwx 0/0               0 1970-01-01 00:00:00 l -> x\\n\n");
	assert_text(&(struct entry){ .type = ENTRY_HARD_LINK,
			    .name = "h\x1b[2J",
			    .link = "x",
			    .link_name = "./x" },
		"h--------- 0/0               0 1970-01-01 00:00:00 h\\x1b[2J link to ./x\n");
	assert_text(&(struct entry){ .type = ENTRY_CHARACTER_DEVICE,
			    .name = "c",
			    .device_major = 4095,
			    .device_minor = 1048575,
			    .uid = 4294967294,
			    .gid = 4294967294 },
		"c--------- 4294967294/4294967294 4095,1048575 1970-01-01 00:00:00 c\n");
}

static void special_bits_take_the_place_of_an_x(void **state)
{
	static const struct {
		uint32_t mode;
		const char *shown;
	} rows[] = {
		{ 0, "d---------" },
		{ 0777, "drwxrwxrwx" },
		{ 01777, "drwxrwxrwt" },
		{ 01776, "drwxrwxrwT" },
		{ 06755, "drwsr-sr-x" },
		{ 06644, "drwSr-Sr--" },
		{ 07000, "d--S--S--T" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct entry entry = {
			.type = ENTRY_DIRECTORY, .name = "d", .mode = rows[i].mode
		};
		const struct listed listed = { .entry = &entry };
		char *text = text_of(&listed);
		text[10] = '\0';
		assert_string_equal(text, rows[i].shown);
		free(text);
	}
}

static void assert_time(int64_t seconds, uint32_t nanoseconds, const char *expected)
{
	const struct entry entry = { .name = "f", .mtime_s = seconds, .mtime_ns = nanoseconds };
	const struct listed listed = { .entry = &entry };
	char *text = text_of(&listed);
	char *time = text + strlen("---------- 0/0               0 ");

	time[strlen(time) - strlen(" f\n")] = '\0';
	assert_string_equal(time, expected);
	free(text);
}

static void times_are_exact_on_both_sides_of_1970_and_at_the_ends_of_time(void **state)
{
	(void)state;
	assert_time(0, 1, "1970-01-01 00:00:00.000000001");
	assert_time(0, 120000000, "1970-01-01 00:00:00.12");
	assert_time(-2, 500000000, "1969-12-31 23:59:58.5");
	assert_time(951782400, 0, "2000-02-29 00:00:00");
	assert_time(4107542399, 0, "2100-02-28 23:59:59");
	assert_time(4107542400, 0, "2100-03-01 00:00:00");
	assert_time(253402300800, 0, "10000-01-01 00:00:00");
	assert_time(-62167219201, 0, "-001-12-31 23:59:59");
	assert_time(INT64_MAX, 999999999, "292277026596-12-04 15:30:07.999999999");
	assert_time(INT64_MIN, 0, "-292277022657-01-27 08:29:52");
}

static void days_are_those_of_the_c_library(void **state)
{
	char expected[64];
	struct tm tm;

	(void)state;
	for (time_t at = -62135596800; at < 253402300800; at += 86399 * 97 + 1) {
		assert_non_null(gmtime_r(&at, &tm));
		snprintf(expected, sizeof(expected), "%04d-%02d-%02d %02d:%02d:%02d",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
		assert_time(at, 0, expected);
	}
}

static void columns_grow_with_what_has_come(void **state)
{
	const struct entry wide = {
		.name = "w", .uid = 1000000000, .gid = 1000000000, .logical_bytes = 1, .mtime_ns = 5
	};
	const struct entry narrow = { .name = "n" };
	struct columns columns;
	char text[4096] = "";

	(void)state;
	columns_init(&columns);
	sink_init(&sink, memory_file("", 0));
	line_add_text(&columns, &(struct listed){ .entry = &wide }, &sink);
	line_add_text(&columns, &(struct listed){ .entry = &narrow }, &sink);
	assert_int_equal(sink_flush(&sink), 0);
	assert_true(pread(sink.fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text,
		"---------- 1000000000/1000000000 1 1970-01-01 00:00:00.000000005 w\n"
		"---------- 0/0                   0 1970-01-01 00:00:00           n\n");
	close(sink.fd);
}

static void a_whiteout_says_what_it_hides(void **state)
{
	const struct entry entry = { .name = "./d/.wh.x" };
	char *text = text_of(&(struct listed){ &entry, WHITEOUT_FILE, "d/x\t" });

	(void)state;
	assert_non_null(strstr(text, " ./d/.wh.x whiteout of d/x\\t\n"));
	free(text);
	text = text_of(&(struct listed){ &entry, WHITEOUT_OPAQUE, "d" });
	assert_non_null(strstr(text, " ./d/.wh.x opaque\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_that_of_gnu_tar),
		cmocka_unit_test(special_bits_take_the_place_of_an_x),
		cmocka_unit_test(times_are_exact_on_both_sides_of_1970_and_at_the_ends_of_time),
		cmocka_unit_test(days_are_those_of_the_c_library),
		cmocka_unit_test(columns_grow_with_what_has_come),
		cmocka_unit_test(a_whiteout_says_what_it_hides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
