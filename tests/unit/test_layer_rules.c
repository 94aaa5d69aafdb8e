/* SPDX-License-Identifier: Apache-2.0 */
/* What a file becomes in a layer, or why it cannot be in one. */
#include "packer/layer_rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

static struct oakum_error err;
static struct layer_rules *rules;

static int teardown(void **state)
{
	(void)state;
	layer_rules_free(rules);
	rules = NULL;
	return 0;
}

/* The header of what the options say of a source, good until the next; 0 or -errno. */
static int describe(const struct layer_packer_options *options, struct layer_source *source,
	struct tar_header *header)
{
	layer_rules_free(rules);
	assert_int_equal(layer_rules_new(options, &rules, &err), 0);
	int r = layer_rules_look(rules, source, &err);
	if (r < 0)
		return r;
	return source->upper == UPPER_WHITEOUT ? layer_rules_hide(rules, source, header, &err)
					       : layer_rules_describe(rules, source, header, &err);
}

static void overlayfs_means_what_it_means_in_its_own_attributes_alone(void **state)
{
	static const struct {
		mode_t mode;
		off_t size;
		const char *name;
		const char *value;
		enum upper upper;
	} cases[] = {
		{ S_IFDIR, 0, "user.overlay.opaque", "y", UPPER_OPAQUE },
		{ S_IFDIR, 0, "user.overlay.opaque", "x", UPPER_ORDINARY },
		{ S_IFDIR, 0, "user.overlay.opaque", "yes", UPPER_ORDINARY },
		{ S_IFDIR, 0, "user.overlay.opaque", "", UPPER_ORDINARY },
		{ S_IFDIR, 0, "trusted.overlay.opaque", "y", UPPER_ORDINARY },
		{ S_IFDIR, 0, "user.opaque", "y", UPPER_ORDINARY },
		{ S_IFDIR, 0, "user.overlay.redirect", "/a", UPPER_PARTIAL },
		{ S_IFDIR, 0, "user.overlay.whiteout", "", UPPER_ORDINARY },
		{ S_IFREG, 0, "user.overlay.opaque", "y", UPPER_ORDINARY },
		{ S_IFREG, 0, "user.overlay.whiteout", "", UPPER_WHITEOUT },
		{ S_IFREG, 1, "user.overlay.whiteout", "", UPPER_ORDINARY },
		{ S_IFREG, 1, "user.overlay.redirect", "/a", UPPER_ORDINARY },
		{ S_IFREG, 1, "user.overlay.metacopy", "", UPPER_PARTIAL },
		{ S_IFCHR, 0, "user.x", "", UPPER_WHITEOUT },
		{ S_IFBLK, 0, "user.x", "", UPPER_ORDINARY },
		{ S_IFLNK, 0, "user.overlay.whiteout", "", UPPER_ORDINARY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct stat status = { .st_mode = cases[i].mode, .st_size = cases[i].size };
		const struct xattr xattr = { cases[i].name, cases[i].value,
			strlen(cases[i].value) };
		if (upper_kind(&status, &xattr, 1, "user.overlay.") != cases[i].upper)
			fail_msg("case %zu: %s", i, cases[i].name);
	}
}

static void a_name_is_refused_by_its_last_component_and_the_mode_asked_for(void **state)
{
	static const struct {
		const char *path;
		int in_verbatim;
		int in_others;
	} cases[] = {
		{ "etc/passwd", 0, 0 },
		{ "wh.x", 0, 0 },
		{ "etc.wh.x", 0, 0 },
		{ "etc/.wh", 0, 0 },
		{ "etc/.wh.", 0, -EINVAL },
		{ ".wh.etc", 0, -EINVAL },
		{ "etc/.wh..wh..opq", 0, -EINVAL },
		{ "etc/.wh..wh.plnk", 0, -EINVAL },
	};
	const struct stat status = { .st_mode = S_IFREG | 0644 };
	struct tar_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint32_t mode = 0; mode <= OAKUM_PACK_WHITEOUTS_VERBATIM; mode++) {
			const struct layer_packer_options options = { .whiteouts = mode };
			struct layer_source source = { .path = cases[i].path, .status = &status };
			assert_int_equal(describe(&options, &source, &header),
				mode == OAKUM_PACK_WHITEOUTS_VERBATIM ? cases[i].in_verbatim
								      : cases[i].in_others);
		}
	}
}

static void a_whiteout_has_nothing_of_what_it_hides(void **state)
{
	const struct stat status = {
		.st_mode = S_IFCHR | 0666,
		.st_uid = 7,
		.st_nlink = 3,
		.st_mtim = { .tv_sec = 100, .tv_nsec = 5 },
	};
	const struct layer_packer_options options = { .whiteouts = OAKUM_PACK_WHITEOUTS_OVERLAY };
	struct layer_source source = { .path = "a/b", .status = &status, .first_name = "a/first" };
	struct tar_header header;

	(void)state;
	assert_int_equal(describe(&options, &source, &header), 0);
	assert_int_equal(header.type, TAR_FILE);
	assert_string_equal(header.name, "a/.wh.b");
	assert_string_equal(header.link, "");
	assert_int_equal(header.mode, 0600);
	assert_int_equal(header.uid, 0);
	assert_int_equal(header.mtime_s, 100);
	assert_int_equal(header.mtime_ns, 0);
	source.path = "b";
	assert_int_equal(describe(&options, &source, &header), 0);
	assert_string_equal(header.name, ".wh.b");
}

static void a_name_that_is_no_utf8_says_so(void **state)
{
	static const struct {
		const char *path;
		const char *link;
		bool has_bytes;
	} cases[] = {
		{ "plain", "plain", false },
		{ "gr\xc3\xbc\xc3\x9f"
		  "e",
			"\xe2\x82\xac", false },
		{ "latin-\xe4", "plain", true }, { "plain", "\xff", true },
		{ "cut-\xc3", "plain", true },
		{ "\xef\xbf\xbd", "plain", false }, /* U+FFFD itself */
	};
	const struct stat status = { .st_mode = S_IFLNK | 0777 };
	const struct layer_packer_options options = { .whiteouts = 0 };
	struct tar_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct layer_source source = {
			.path = cases[i].path,
			.status = &status,
			.link = cases[i].link,
		};
		assert_int_equal(describe(&options, &source, &header), 0);
		assert_int_equal(header.has_bytes, cases[i].has_bytes);
	}
}

static void a_time_before_1970_is_never_too_late(void **state)
{
	static const struct {
		int64_t mtime_s;
		uint64_t latest;
		int64_t expected;
	} cases[] = {
		{ -1, 0, -1 },
		{ 0, 0, 0 },
		{ 1, 0, 0 },
		{ 5, 5, 5 },
		{ 6, 5, 5 },
		{ INT64_MAX, UINT64_MAX, INT64_MAX },
	};
	struct tar_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct stat status = {
			.st_mode = S_IFDIR | 0755,
			.st_mtim = { .tv_sec = cases[i].mtime_s, .tv_nsec = 999999999 },
		};
		const struct layer_packer_options options = {
			.times = OAKUM_TIMES_CLAMP,
			.latest_mtime_s = cases[i].latest,
		};
		struct layer_source source = { .path = "d", .status = &status };
		assert_int_equal(describe(&options, &source, &header), 0);
		assert_int_equal(header.mtime_s, cases[i].expected);
		assert_int_equal(header.mtime_ns, 0);
		assert_string_equal(header.name, "d/");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			overlayfs_means_what_it_means_in_its_own_attributes_alone, teardown),
		cmocka_unit_test_teardown(
			a_name_is_refused_by_its_last_component_and_the_mode_asked_for, teardown),
		cmocka_unit_test_teardown(a_whiteout_has_nothing_of_what_it_hides, teardown),
		cmocka_unit_test_teardown(a_name_that_is_no_utf8_says_so, teardown),
		cmocka_unit_test_teardown(a_time_before_1970_is_never_too_late, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
