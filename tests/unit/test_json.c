/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON: ASCII whatever the bytes, read back by a parser as what they were. */
#include "base/error.h"
#include "base/json.h"
#include "support/scratch.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct sink sink;

/* What was written to it so far. */
static char *written(void)
{
	char *text = calloc(1, 1 << 20);

	assert_non_null(text);
	assert_int_equal(sink_flush(&sink), 0);
	assert_true(pread(sink.fd, text, (1 << 20) - 1, 0) >= 0);
	close(sink.fd);
	return text;
}

static void assert_line_of(const char *text, const char *expected)
{
	struct json json;

	sink_init(&sink, memory_file("", 0));
	json_begin_line(&json, &sink);
	json_add_text(&json, "k", text);
	json_end_line(&json);
	char *line = written();
	assert_string_equal(line, expected);
	free(line);
}

static void text_is_ascii_and_bytes_that_are_no_text_are_kept_beside_it(void **state)
{
	(void)state;
	assert_line_of("", "{\"k\":\"\"}\n");
	assert_line_of("plain ~", "{\"k\":\"plain ~\"}\n");
	assert_line_of("\"\\/\n\x1b\x7f", "{\"k\":\"\\u0022\\u005c/\\u000a\\u001b\\u007f\"}\n");
	assert_line_of("\xc3\xbc\xe2\x80\xae\xf0\x9f\x98\x80",
		"{\"k\":\"\\u00fc\\u202e\\ud83d\\ude00\"}\n");
	assert_line_of("\xf4\x8f\xbf\xbf", "{\"k\":\"\\udbff\\udfff\"}\n");
	assert_line_of("a\xff", "{\"k\":\"a\\ufffd\",\"k_bytes\":\"Yf8=\"}\n");
	assert_line_of("\xc3", "{\"k\":\"\\ufffd\",\"k_bytes\":\"ww==\"}\n");
}

static void what_utf_8_forbids_is_no_text(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xe2\x82",
		"\xf0\x9f\x98", "\xc3\xc3" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char spelt[JSON_SPELT_BYTES];
		bool is_text = true;
		assert_int_equal(json_spell(bad[i], spelt, &is_text), 1);
		assert_string_equal(spelt, "\\ufffd");
		assert_false(is_text);
	}
}

static void numbers_and_bytes_are_exact(void **state)
{
	struct json json;

	(void)state;
	sink_init(&sink, memory_file("", 0));
	json_begin_line(&json, &sink);
	json_add_number(&json, "a", UINT64_MAX);
	json_add_signed(&json, "b", INT64_MIN);
	json_add_signed(&json, "c", INT64_MAX);
	json_add_bytes(&json, "d", "", 0);
	json_add_bytes(&json, "e", "\0\xff", 2);
	json_add_bytes(&json, "f", "foobar", 6);
	json_end_line(&json);
	char *line = written();
	assert_string_equal(line,
		"{\"a\":18446744073709551615,\"b\":-9223372036854775808,"
		"\"c\":9223372036854775807,\"d\":\"\",\"e\":\"AP8=\",\"f\":\"Zm9vYmFy\"}\n");
	free(line);
}

static void lists_and_lines_follow_one_another(void **state)
{
	struct json json;

	(void)state;
	sink_init(&sink, memory_file("", 0));
	for (int i = 0; i < 2; i++) {
		json_begin_line(&json, &sink);
		json_begin_list(&json, "l");
		for (int j = 0; j < i * 2; j++) {
			json_begin_object(&json);
			json_add_number(&json, "n", (uint64_t)j);
			json_end_object(&json);
		}
		json_end_list(&json);
		json_add_number(&json, "m", 1);
		json_end_line(&json);
	}
	char *lines = written();
	assert_string_equal(lines, "{\"l\":[],\"m\":1}\n{\"l\":[{\"n\":0},{\"n\":1}],\"m\":1}\n");
	free(lines);
}

/* Every byte, and names long enough for every border of a buffer to fall into an escape. */
static void whatever_it_was_a_parser_reads_it_back(void **state)
{
	char name[70000];
	struct json json;
	struct oakum_error err;
	json_error_t where;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(name); i++)
		name[i] = (char)(1 + i % 0x7f);
	name[sizeof(name) - 1] = '\0';
	fail_because(&err, EBADMSG, "check name", "a\xff\n", "why \"not\"");
	staged(-EBADMSG, OAKUM_STAGE_READ, &err);
	sink_init(&sink, memory_file("", 0));
	json_begin_line(&json, &sink);
	json_add_text(&json, "long", name);
	json_add_error(&json, &err);
	json_end_line(&json);
	char *line = written();
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &where);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "long")), name);
	assert_string_equal(json_string_value(json_object_get(root, "name")), "a\xef\xbf\xbd\n");
	assert_string_equal(json_string_value(json_object_get(root, "name_bytes")), "Yf8K");
	assert_string_equal(json_string_value(json_object_get(root, "stage")), "read");
	assert_string_equal(json_string_value(json_object_get(root, "errno")), "EBADMSG");
	assert_string_equal(json_string_value(json_object_get(root, "message")),
		"read: a\\xff\\n: check name: Bad message (why \"not\")");
	json_decref(root);
	free(line);
}

static void the_first_failure_of_a_sink_stays_and_the_rest_is_dropped(void **state)
{
	static char bytes[SINK_BYTES];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sink_init(&sink, fds[0]); /* which cannot be written to */
	sink_add(&sink, bytes, sizeof(bytes) - 1);
	assert_int_equal(sink.code, 0);
	sink_add(&sink, bytes, 2);
	assert_int_equal(sink.code, EBADF);
	sink_add(&sink, bytes, sizeof(bytes));
	assert_int_equal(sink_flush(&sink), -EBADF);
	assert_int_equal(sink.written_bytes, 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_ascii_and_bytes_that_are_no_text_are_kept_beside_it),
		cmocka_unit_test(what_utf_8_forbids_is_no_text),
		cmocka_unit_test(numbers_and_bytes_are_exact),
		cmocka_unit_test(lists_and_lines_follow_one_another),
		cmocka_unit_test(whatever_it_was_a_parser_reads_it_back),
		cmocka_unit_test(the_first_failure_of_a_sink_stays_and_the_rest_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
