/* SPDX-License-Identifier: Apache-2.0 */
/* The request: options -> text -> the same request, and nothing else is taken. */
#include "helper/request_read.h"
#include "wire/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void round_trip(const struct request *sent, struct request *received)
{
	struct oakum_error err;
	char *text;
	size_t length;

	assert_int_equal(request_write(sent, &text, &length, &err), 0);
	assert_int_equal(request_parse(text, length, received, &err), 0);
	free(text);
}

static void every_option_survives_the_way_to_the_helper(void **state)
{
	struct request sent;
	struct request received;

	(void)state;
	for (const struct request_option *option = request_options; option->key != NULL; option++) {
		uint64_t large = UINT64_C(0x123456789abcdef);
		request_init(&sent);
		if (option->kind != REQUEST_U32 && option->kind != REQUEST_U64)
			continue;
		/* It contradicts the other modes. */
		if (strcmp(option->key, "whiteout_form") == 0)
			sent.whiteouts = OAKUM_WHITEOUTS_OVERLAY;
		if (option->kind == REQUEST_U32)
			memcpy((char *)&sent + option->offset, &(uint32_t){ (uint32_t)option->max },
				sizeof(uint32_t));
		else
			memcpy((char *)&sent + option->offset, &large, sizeof(large));
		round_trip(&sent, &received);
		assert_memory_equal(&sent, &received, offsetof(struct request, exclude));
		request_free(&received);
	}
}

static void every_option_of_packing_survives_it_too(void **state)
{
	struct request sent;
	struct request received;

	(void)state;
	for (const struct request_option *option = request_pack_options; option->key != NULL;
		option++) {
		uint64_t large = UINT64_C(0x123456789abcdef);
		request_init(&sent);
		sent.operation = REQUEST_PACK;
		if (option->kind == REQUEST_STRINGS || option->kind == REQUEST_RANGES)
			continue;
		/* It is one of a compression. */
		if (strcmp(option->key, "compression_level") == 0)
			sent.packing.compression = OAKUM_COMPRESSION_ZSTD;
		if (option->kind == REQUEST_U32)
			memcpy((char *)&sent + option->offset, &(uint32_t){ (uint32_t)option->max },
				sizeof(uint32_t));
		else
			memcpy((char *)&sent + option->offset, &large, sizeof(large));
		round_trip(&sent, &received);
		assert_memory_equal(&sent, &received, offsetof(struct request, exclude));
		assert_memory_equal((char *)&sent + option->offset,
			(char *)&received + option->offset,
			option->kind == REQUEST_U32 ? sizeof(uint32_t) : sizeof(uint64_t));
		request_free(&received);
	}
}

/* What one operation asks for another does not take. */
static void a_request_has_the_keys_of_its_operation(void **state)
{
	struct request sent;
	struct request received;
	struct oakum_error err;
	char *text;
	size_t length;

	(void)state;
	request_init(&sent);
	sent.operation = REQUEST_PACK;
	assert_int_equal(request_write(&sent, &text, &length, &err), 0);
	char *operation = strstr(text, "\"operation\":2");
	assert_non_null(operation);
	operation[strlen("\"operation\":")] = '0';
	assert_int_equal(request_parse(text, length, &received, &err), -EPROTO);
	free(text);
}

static void no_limit_survives_too(void **state)
{
	struct request sent;
	struct request received;

	(void)state;
	request_init(&sent);
	sent.limits.entries = UINT64_MAX;
	round_trip(&sent, &received);
	assert_true(received.limits.entries == UINT64_MAX);
	request_free(&received);
}

static void excludes_are_bytes_and_not_text(void **state)
{
	char every_byte[256];
	const char *const excludes[] = { "usr/share/doc", every_byte, "\"\\\n\xff\xc3\xa4", NULL };
	struct request sent;
	struct request received;

	(void)state;
	for (int byte = 1; byte < 256; byte++)
		every_byte[byte - 1] = (char)byte;
	every_byte[255] = '\0';
	request_init(&sent);
	sent.exclude = excludes;
	round_trip(&sent, &received);
	for (size_t i = 0; i < 4; i++) {
		if (excludes[i] == NULL)
			assert_null(received.exclude[i]);
		else
			assert_string_equal(received.exclude[i], excludes[i]);
	}
	request_free(&received);
}

static void maps_are_ranges_in_their_order(void **state)
{
	const struct oakum_id_range uids[] = {
		{ 0, 100000, 65536 },
		{ 65536, 0, 1 },
		{ 4294967294, 4294967294, 1 },
		{ 0 },
	};
	struct request sent;
	struct request received;

	(void)state;
	request_init(&sent);
	sent.uid_map = uids;
	round_trip(&sent, &received);
	assert_memory_equal(received.uid_map, uids, sizeof(uids));
	assert_null(received.gid_map);
	request_free(&received);
}

static void a_map_is_one_that_the_kernel_would_take(void **state)
{
	static const struct {
		struct oakum_id_range map[4];
		const char *says;
	} rows[] = {
		{ { { 0, 1000, 1 } }, NULL },
		{ { { 0, 1000, 1 }, { 1, 100000, 65535 } }, NULL },
		{ { { 0, 0, 4294967295 } }, NULL },
		{ { { 1, 0, 4294967295 } }, "past the last" },
		{ { { 0, 1, 4294967295 } }, "past the last" },
		{ { { 4294967295, 0, 1 } }, "past the last" },
		{ { { 0, 1000, 10 }, { 9, 2000, 1 } }, "overlap" },
		{ { { 0, 1000, 10 }, { 10, 1009, 1 } }, "overlap" },
		{ { { 5, 5, 5 }, { 20, 20, 5 }, { 0, 0, 6 } }, "overlap" },
		{ { { 0 } }, "no range" },
	};
	struct oakum_id_range many[REQUEST_RANGES_MAX + 2] = { 0 };
	struct request request;
	struct oakum_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = request_from_options(
			OAKUM_UNPACK_OPTIONS(.gid_map = rows[i].map), &request, &err);
		assert_int_equal(r, rows[i].says == NULL ? 0 : -EINVAL);
		if (rows[i].says != NULL)
			assert_non_null(strstr(err.detail, rows[i].says));
		if (rows[i].says != NULL)
			assert_non_null(strstr(err.detail, "gid_map"));
	}
	for (uint32_t i = 0; i < REQUEST_RANGES_MAX; i++)
		many[i] = (struct oakum_id_range){ i, i, 1 };
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.uid_map = many), &request, &err), 0);
	many[REQUEST_RANGES_MAX] = (struct oakum_id_range){ 1000, 1000, 1 };
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.uid_map = many), &request, &err),
		-EINVAL);
	assert_non_null(strstr(err.detail, "340"));
}

#define DIGEST "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digests_go_down_as_they_are_or_not_at_all(void **state)
{
	struct request sent;
	struct request received;
	struct oakum_error err;

	(void)state;
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.expect_diff_id = DIGEST), &sent, &err),
		0);
	round_trip(&sent, &received);
	assert_null(received.expect_digest);
	assert_string_equal(received.expect_diff_id, DIGEST);
	request_free(&received);
	assert_int_equal(request_from_options(
				 OAKUM_UNPACK_OPTIONS(.expect_digest = "sha256:AB"), &sent, &err),
		-EINVAL);
	assert_non_null(strstr(err.detail, "expect_digest"));
	assert_non_null(strstr(err.detail, "64 digits"));
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.expect_diff_id = ""), &sent, &err),
		-EINVAL);
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.digests = 4), &sent, &err), -EINVAL);
}

static void what_a_writer_never_writes_is_refused(void **state)
{
	struct request request;
	struct oakum_error err;
	char *good;
	size_t length;
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "\"version\":1", "\"version\":2" },
		{ "\"version\":1", "\"version\":-1" },
		{ "\"version\":1", "\"vers\":1" },
		{ "\"whiteouts\":0", "\"whiteouts\":4" },
		{ "\"whiteouts\":0", "\"whiteouts\":\"none\"" },
		{ "\"whiteouts\":0", "\"whiteouts\":0.5" },
		{ "\"whiteouts\":0", "\"whiteouts\":true" },
		{ "\"whiteouts\":0", "\"whiteouts\":0,\"whiteouts\":0" },
		{ "\"whiteouts\":0", "\"whiteouts\":0,\"other\":0" },
		{ "\"whiteouts\":0,", "" },
		{ "\"max_entries\":20000000", "\"max_entries\":-1" },
		{ "\"max_entries\":20000000", "\"max_entries\":18446744073709551616" },
		{ "\"max_entries\":20000000", "\"max_entries\":\"nine\"" },
		{ "\"exclude\":[]", "\"exclude\":{}" },
		{ "\"exclude\":[]", "\"exclude\":[1]" },
		{ "\"exclude\":[]", "\"exclude\":[\"\\u0100\"]" },
		{ "\"exclude\":[]", "\"exclude\":[\"a\\u0000b\"]" },
		{ "\"uid_map\":[]", "\"uid_map\":null" },
		{ "\"uid_map\":[]", "\"uid_map\":[0,0,1]" },
		{ "\"uid_map\":[]", "\"uid_map\":[[0,0]]" },
		{ "\"uid_map\":[]", "\"uid_map\":[[0,0,1,1]]" },
		{ "\"uid_map\":[]", "\"uid_map\":[[0,0,0]]" },
		{ "\"uid_map\":[]", "\"uid_map\":[[0,0,-1]]" },
		{ "\"uid_map\":[]", "\"uid_map\":[[0,0,4294967296]]" },
		{ "\"expect_digest\":null", "\"expect_digest\":1" },
		{ "\"expect_digest\":null", "\"expect_digest\":[]" },
		{ "}\n", "}x" },
		{ "}\n", "" },
	};

	(void)state;
	request_init(&request);
	assert_int_equal(request_write(&request, &good, &length, &err), 0);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char bad[4096];
		const char *at = strstr(good, edits[i].from);
		assert_non_null(at);
		int bytes = snprintf(bad, sizeof(bad), "%.*s%s%s", (int)(at - good), good,
			edits[i].to, at + strlen(edits[i].from));
		assert_int_equal(request_parse(bad, (size_t)bytes, &request, &err), -EPROTO);
		assert_string_not_equal(err.detail, "");
		request_free(&request);
	}
	free(good);
}

static void zero_means_the_default_and_the_default_is_safe(void **state)
{
	const struct limits defaults = LIMITS_DEFAULT;
	struct request request;
	struct oakum_error err;

	(void)state;
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.threads = 3), &request, &err), 0);
	assert_int_equal(request.threads, 3);
	assert_int_equal(request.whiteouts, OAKUM_WHITEOUTS_APPLY);
	assert_int_equal(request.profile, OAKUM_PROFILE_STRICT);
	assert_memory_equal(&request.limits, &defaults, sizeof(defaults));
#ifndef OAKUM_SANITIZED
	assert_int_equal(request.min_level, OAKUM_LEVEL_CHROOT);
#endif
}

static void an_older_caller_has_a_shorter_struct(void **state)
{
	struct oakum_unpack_options options = { .threads = 2, .max_entries = 5 };
	struct request request;
	struct oakum_error err;

	(void)state;
	options.size = offsetof(struct oakum_unpack_options, max_entries);
	assert_int_equal(request_from_options(&options, &request, &err), 0);
	assert_int_equal(request.threads, 2);
	assert_int_equal(request.limits.entries, 20000000);
}

static void a_newer_caller_may_not_ask_for_what_we_do_not_know(void **state)
{
	struct {
		struct oakum_unpack_options options;
		uint64_t unknown;
	} newer = { .options.size = sizeof(newer) };
	struct request request;
	struct oakum_error err;

	(void)state;
	assert_int_equal(request_from_options(&newer.options, &request, &err), 0);
	newer.unknown = 1;
	assert_int_equal(request_from_options(&newer.options, &request, &err), -E2BIG);
	newer.options.size = 0;
	assert_int_equal(request_from_options(&newer.options, &request, &err), -EINVAL);
	newer.options.size = 1 << 20;
	assert_int_equal(request_from_options(&newer.options, &request, &err), -EINVAL);
}

static void options_out_of_range_are_named(void **state)
{
	struct request request;
	struct oakum_error err;

	(void)state;
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.profile = 7), &request, &err), -EINVAL);
	assert_non_null(strstr(err.detail, "profile"));
	assert_int_equal(
		request_from_options(OAKUM_UNPACK_OPTIONS(.reserved = 1), &request, &err), -EINVAL);
}

static void options_past_the_ceiling_are_refused(void **state)
{
	char *large = malloc(REQUEST_MAX_BYTES + 1);
	const char *const excludes[] = { large, NULL };
	struct request request;
	struct oakum_error err;
	char *text;
	size_t length;

	(void)state;
	memset(large, 'a', REQUEST_MAX_BYTES);
	large[REQUEST_MAX_BYTES] = '\0';
	request_init(&request);
	request.exclude = excludes;
	assert_int_equal(request_write(&request, &text, &length, &err), -EFBIG);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_survives_the_way_to_the_helper),
		cmocka_unit_test(every_option_of_packing_survives_it_too),
		cmocka_unit_test(a_request_has_the_keys_of_its_operation),
		cmocka_unit_test(no_limit_survives_too),
		cmocka_unit_test(excludes_are_bytes_and_not_text),
		cmocka_unit_test(maps_are_ranges_in_their_order),
		cmocka_unit_test(a_map_is_one_that_the_kernel_would_take),
		cmocka_unit_test(digests_go_down_as_they_are_or_not_at_all),
		cmocka_unit_test(what_a_writer_never_writes_is_refused),
		cmocka_unit_test(zero_means_the_default_and_the_default_is_safe),
		cmocka_unit_test(an_older_caller_has_a_shorter_struct),
		cmocka_unit_test(a_newer_caller_may_not_ask_for_what_we_do_not_know),
		cmocka_unit_test(options_out_of_range_are_named),
		cmocka_unit_test(options_past_the_ceiling_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
