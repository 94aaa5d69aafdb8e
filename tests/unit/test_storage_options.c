/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the storage-* helpers, read as Go reads them. */
#include "helper/storage_options_read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct storage_options options;
static struct oakum_error err;

static int parse(const char *text)
{
	return storage_options_parse(text, strlen(text), STORAGE_TAIL_IGNORED, &options, &err);
}

static int tear_down(void **state)
{
	(void)state;
	storage_options_free(&options);
	return 0;
}

/* As a parent of the newest version encodes its zero value. */
static void the_default_document_is_all_zeros(void **state)
{
	static const struct storage_options zero;

	(void)state;
	assert_int_equal(
		parse("{\"IncludeFiles\":null,\"ExcludePatterns\":null,\"Compression\":0,"
		      "\"NoLchown\":false,\"UIDMaps\":null,\"GIDMaps\":null,"
		      "\"IgnoreChownErrors\":false,\"ChownOpts\":null,\"IncludeSourceDir\":false,"
		      "\"WhiteoutFormat\":0,\"WhiteoutData\":null,\"NoOverwriteDirNonDir\":false,"
		      "\"RebaseNames\":null,\"InUserNS\":false,\"CopyPass\":false,"
		      "\"ForceMask\":null,\"Timestamp\":null}\n"),
		0);
	assert_memory_equal(&options, &zero, sizeof(zero));
}

static void every_field_is_read(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{\"IncludeFiles\":[\"a\\u003cb\\u003e\\u0026c\",\"u\\u2028x\","
		      "\"t\\tq\\\"\\\\\"],"
		      "\"ExcludePatterns\":[\"x\",null,\"\"],\"Compression\":4,\"NoLchown\":true,"
		      "\"UIDMaps\":[{\"container_id\":0,\"host_id\":100000,\"size\":65536}],"
		      "\"GIDMaps\":[],\"IgnoreChownErrors\":true,"
		      "\"ChownOpts\":{\"UID\":1,\"GID\":2},\"IncludeSourceDir\":true,"
		      "\"WhiteoutFormat\":1,\"WhiteoutData\":[\"/l1\"],"
		      "\"NoOverwriteDirNonDir\":true,\"RebaseNames\":{\"a\":\"2\",\"z\":\"1\"},"
		      "\"InUserNS\":true,\"CopyPass\":true,\"ForceMask\":9437632,"
		      "\"Timestamp\":\"2023-11-14T23:13:20.5+01:00\"}"),
		0);
	assert_string_equal(options.include_files[0], "a<b>&c");
	assert_string_equal(options.include_files[1], "u\xe2\x80\xa8x");
	assert_string_equal(options.include_files[2], "t\tq\"\\");
	assert_null(options.include_files[3]);
	assert_string_equal(options.exclude_patterns[0], "x");
	assert_string_equal(options.exclude_patterns[1], "");
	assert_string_equal(options.exclude_patterns[2], "");
	assert_null(options.exclude_patterns[3]);
	assert_int_equal(options.compression, STORAGE_COMPRESSION_ZSTD);
	assert_true(options.no_lchown);
	assert_true(options.uids.is_given);
	assert_int_equal(options.uids.count, 1);
	assert_int_equal(options.uids.ranges[0].host_id, 100000);
	assert_int_equal(options.uids.ranges[0].size, 65536);
	assert_true(options.gids.is_given);
	assert_int_equal(options.gids.count, 0);
	assert_true(options.ignore_chown_errors);
	assert_true(options.has_chown);
	assert_int_equal(options.chown_uid, 1);
	assert_int_equal(options.chown_gid, 2);
	assert_true(options.includes_source_dir);
	assert_int_equal(options.whiteouts, STORAGE_WHITEOUTS_OVERLAY);
	assert_true(options.no_overwrite_dir_non_dir);
	assert_string_equal(options.renames[0].from, "a");
	assert_string_equal(options.renames[0].to, "2");
	assert_string_equal(options.renames[1].from, "z");
	assert_null(options.renames[2].from);
	assert_true(options.in_user_namespace);
	assert_true(options.copy_pass);
	assert_true(options.has_force_mask);
	assert_int_equal(options.force_mask, 05700); /* 0700, set-uid and sticky as Go has them */
	assert_true(options.has_timestamp);
	assert_int_equal(options.timestamp_s, 1700000000);
	assert_int_equal(options.timestamp_ns, 500000000);
}

static void what_go_takes_is_taken(void **state)
{
	static const char *const rows[] = { "null", " {} ", "{\"nolchown\":true}",
		"{\"NOLCHOWN\":true,\"Unknown\":{\"a\":[1,\"x\",null]}}", "{}{\"x\":1}", "{} junk",
		"{\"ChownOpts\":{\"uid\":-1,\"gid\":5}}", "{\"ForceMask\":0}",
		"{\"UIDMaps\":[null]}", "{\"Compression\":-1}",
		"{\"Timestamp\":\"0001-01-01T00:00:00Z\"}",
		"{\"Timestamp\":\"2024-02-29T00:00:00.1234567891Z\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i]) != 0)
			fail_msg("%s: %s", rows[i], err.detail);
		storage_options_free(&options);
	}
}

static void what_go_refuses_is_refused(void **state)
{
	static const char *const rows[] = { "", " \n", "x", "{", "[]", "1", "{\"NoLchown\":1}",
		"{\"NoLchown\":\"true\"}", "{\"Compression\":448.0}", "{\"Compression\":1e3}",
		"{\"Compression\":\"5\"}", "{\"Compression\":9223372036854775808}",
		"{\"IncludeFiles\":\"a\"}", "{\"IncludeFiles\":[1]}", "{\"UIDMaps\":{}}",
		"{\"UIDMaps\":[{\"size\":\"1\"}]}", "{\"ChownOpts\":[]}", "{\"RebaseNames\":[]}",
		"{\"RebaseNames\":{\"a\":1}}", "{\"ForceMask\":-1}", "{\"ForceMask\":4294967296}",
		"{\"IncludeFiles\":[\"a\nb\"]}", "{\"Timestamp\":1}", "{\"Timestamp\":\"\"}",
		"{\"Timestamp\":\"2023-02-29T00:00:00Z\"}",
		"{\"Timestamp\":\"2023-11-14T24:00:00Z\"}",
		"{\"Timestamp\":\"2023-11-14T00:00:00\"}",
		"{\"Timestamp\":\"2023-11-14T00:00:00.Z\"}",
		"{\"Timestamp\":\"2023-11-14T00:00:00Zx\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i]) != -EPROTO)
			fail_msg("%s is taken", rows[i]);
		storage_options_free(&options);
	}
	assert_int_equal(parse(""), -EPROTO);
	assert_string_equal(err.detail, "EOF");
}

static void nothing_may_follow_in_the_environment(void **state)
{
	(void)state;
	assert_int_equal(
		storage_options_parse("{} x", 4, STORAGE_TAIL_REFUSED, &options, &err), -EPROTO);
	storage_options_free(&options);
	assert_int_equal(
		storage_options_parse("{} \n", 4, STORAGE_TAIL_REFUSED, &options, &err), 0);
}

static void two_empty_maps_are_none_and_one_maps_nothing(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"UIDMaps\":[],\"GIDMaps\":[]}"), 0);
	assert_false(options.uids.is_given);
	assert_false(options.gids.is_given);
	storage_options_free(&options);
	assert_int_equal(parse("{\"UIDMaps\":[],\"GIDMaps\":[{\"size\":1}]}"), 0);
	assert_true(options.uids.is_given);
	storage_options_free(&options);
	assert_int_equal(parse("{\"UIDMaps\":null,\"GIDMaps\":[{\"size\":1}]}"), 0);
	assert_false(options.uids.is_given);
}

static void of_a_key_that_stands_twice_the_last_counts(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"ExcludePatterns\":[\"a\",\"b\"],\"excludepatterns\":[\"c\"],"
			       "\"RebaseNames\":{\"a\":\"b\"},\"rebasenames\":{},"
			       "\"UIDMaps\":[{\"size\":1}],\"uidmaps\":[{\"size\":2}]}"),
		0);
	assert_string_equal(options.exclude_patterns[0], "c");
	assert_null(options.exclude_patterns[1]);
	assert_null(options.renames[0].from);
	assert_int_equal(options.uids.ranges[0].size, 2);
}

static void a_string_with_a_nul_is_no_name(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"ExcludePatterns\":[\"a\\u0000b\",\"c\"]}"), 0);
	assert_string_equal(options.exclude_patterns[0], "c");
	assert_null(options.exclude_patterns[1]);
	storage_options_free(&options);
	/* Left out they would ask for another thing: for all that is there, or a name cut short. */
	assert_int_equal(parse("{\"IncludeFiles\":[\"a\\u0000b\"]}"), -EPROTO);
	assert_string_equal(err.detail, "read options: IncludeFiles: a name with a NUL");
	storage_options_free(&options);
	assert_int_equal(parse("{\"RebaseNames\":{\"a\":\"b\\u0000c\"}}"), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_default_document_is_all_zeros, tear_down),
		cmocka_unit_test_teardown(every_field_is_read, tear_down),
		cmocka_unit_test_teardown(what_go_takes_is_taken, tear_down),
		cmocka_unit_test_teardown(what_go_refuses_is_refused, tear_down),
		cmocka_unit_test_teardown(nothing_may_follow_in_the_environment, tear_down),
		cmocka_unit_test_teardown(two_empty_maps_are_none_and_one_maps_nothing, tear_down),
		cmocka_unit_test_teardown(of_a_key_that_stands_twice_the_last_counts, tear_down),
		cmocka_unit_test_teardown(a_string_with_a_nul_is_no_name, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
