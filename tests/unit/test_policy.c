/* SPDX-License-Identifier: Apache-2.0 */
/* The rules: an entry in, a verdict and an edited entry out. */
#include "layer/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define APPLY OAKUM_WHITEOUTS_APPLY
#define OVERLAY OAKUM_WHITEOUTS_OVERLAY
#define USERXATTR OAKUM_WHITEOUTS_OVERLAY_USERXATTR
#define VERBATIM OAKUM_WHITEOUTS_VERBATIM

static const struct limits default_limits = LIMITS_DEFAULT;

static struct policy *policy_of(struct policy_options options)
{
	struct policy *policy;
	struct oakum_error err;

	if (options.limits == NULL)
		options.limits = &default_limits;
	if (policy_new(&options, &policy, &err) < 0)
		fail_msg("%s", err.detail);
	return policy;
}

static struct entry entry_at(const char *path, enum entry_type type)
{
	return (struct entry){
		.type = type,
		.name = path,
		.path = path,
		.mode = 0644,
		.link = type == ENTRY_SYMLINK || type == ENTRY_HARD_LINK ? "target" : NULL,
	};
}

/* One entry by a new policy: errno, or 0 and its verdict. */
static int judge_with(struct policy_options options, struct entry *entry, enum verdict *verdict,
	struct oakum_error *err)
{
	struct policy *policy = policy_of(options);
	int r = policy_judge(policy, entry, verdict, err);

	policy_free(policy);
	return -r;
}

/* --- whiteouts --- */

static void a_whiteout_means_what_the_mode_says(void **state)
{
	static const struct {
		const char *path;
		uint32_t whiteouts;
		enum verdict verdict;
		const char *to;
	} rows[] = {
		{ "a/.wh.b", APPLY, VERDICT_REMOVE, "a/b" },
		{ ".wh.b", APPLY, VERDICT_REMOVE, "b" },
		{ "a/.wh..wh..opq", APPLY, VERDICT_EMPTY, "a" },
		{ ".wh..wh..opq", APPLY, VERDICT_EMPTY, "" },
		{ "a/.wh.b", OVERLAY, VERDICT_PLACE, "a/b" },
		{ "a/.wh.b", USERXATTR, VERDICT_PLACE, "a/b" },
		{ "a/.wh..wh..opq", OVERLAY, VERDICT_MARK_OPAQUE, "a" },
		{ "a/.wh..wh..opq", USERXATTR, VERDICT_MARK_OPAQUE, "a" },
		{ "a/.wh.b", VERBATIM, VERDICT_PLACE, "a/.wh.b" },
		{ "a/.wh..wh..opq", VERBATIM, VERDICT_PLACE, "a/.wh..wh..opq" },
		{ ".wh..wh.plnk", APPLY, VERDICT_SKIP, NULL },
		{ ".wh..wh.plnk/1.2", OVERLAY, VERDICT_SKIP, NULL },
		{ ".wh..wh.aufs", USERXATTR, VERDICT_SKIP, NULL },
		{ ".wh..wh.aufs", VERBATIM, VERDICT_PLACE, ".wh..wh.aufs" },
		{ ".wh.", VERBATIM, VERDICT_PLACE, ".wh." },
		{ ".wh.a/b", APPLY, VERDICT_PLACE, ".wh.a/b" },
		{ "a", APPLY, VERDICT_PLACE, "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct policy_options options = {
			.limits = &default_limits,
			.whiteouts = rows[i].whiteouts,
		};
		struct policy *policy = policy_of(options);
		struct entry entry = entry_at(rows[i].path, ENTRY_FILE);
		enum verdict verdict;
		struct oakum_error err;
		assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
		if (verdict != rows[i].verdict)
			fail_msg("%s in mode %u: verdict %d", rows[i].path, rows[i].whiteouts,
				(int)verdict);
		if (rows[i].to != NULL)
			assert_string_equal(entry.path, rows[i].to);
		assert_string_equal(entry.name, rows[i].path);
		policy_free(policy);
	}
}

/* Overlayfs merges the roots of layers, whatever marks they have. */
static void a_rootfs_that_overlayfs_cannot_take_for_opaque_is_refused(void **state)
{
	static const uint32_t modes[] = { OVERLAY, USERXATTR };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct policy_options options = { .whiteouts = modes[i / 2] };
		struct entry entry = entry_at(".wh..wh..opq", ENTRY_FILE);
		enum verdict verdict;
		struct oakum_error err;
		options.profile = i % 2 == 0 ? OAKUM_PROFILE_STRICT : OAKUM_PROFILE_COMPAT;
		struct policy *policy = policy_of(options);
		assert_int_equal(
			policy_judge(policy, &entry, &verdict, &err), i % 2 == 0 ? -EOPNOTSUPP : 0);
		if (i % 2 == 1)
			assert_int_equal(verdict, VERDICT_MARK_OPAQUE);
		policy_free(policy);
	}
}

static void overlayfs_gets_a_device_of_no_number(void **state)
{
	const struct xattr xattr = { "user.a", "b", 1 };
	struct entry entry = entry_at("a/.wh.b", ENTRY_FILE);
	struct policy *policy = policy_of((struct policy_options){ .whiteouts = OVERLAY });
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	entry.uid = 10;
	entry.gid = 20;
	entry.xattrs = &xattr;
	entry.xattr_count = 1;
	assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(entry.type, ENTRY_CHARACTER_DEVICE);
	assert_int_equal(entry.device_major, 0);
	assert_int_equal(entry.device_minor, 0);
	assert_int_equal(entry.mode, 0);
	assert_int_equal(entry.uid, 10);
	assert_int_equal(entry.gid, 20);
	assert_int_equal(entry.xattr_count, 0);
	policy_free(policy);
}

static void a_whiteout_is_an_empty_file_that_hides_a_name(void **state)
{
	static const struct {
		const char *path;
		enum entry_type type;
		uint64_t bytes;
		int strict;
		int compat;
	} rows[] = {
		{ ".wh.a", ENTRY_FILE, 0, 0, 0 },
		{ ".wh.a", ENTRY_FILE, 1, EBADMSG, 0 },
		{ ".wh.a", ENTRY_DIRECTORY, 0, EBADMSG, 0 },
		{ ".wh.a", ENTRY_SYMLINK, 0, EBADMSG, 0 },
		{ ".wh.a", ENTRY_HARD_LINK, 0, EBADMSG, 0 },
		{ "a/.wh..wh..opq", ENTRY_FILE, 1, EBADMSG, 0 },
		{ "a/.wh..wh..opq", ENTRY_FIFO, 0, EBADMSG, 0 },
		{ ".wh..wh.plnk", ENTRY_DIRECTORY, 0, 0, 0 },
		{ ".wh.", ENTRY_FILE, 0, EBADMSG, EBADMSG },
		{ ".wh..", ENTRY_FILE, 0, EBADMSG, EBADMSG },
		{ ".wh...", ENTRY_FILE, 0, EBADMSG, EBADMSG },
		{ "a/.wh.", ENTRY_FILE, 0, EBADMSG, EBADMSG },
		{ "a/.wh..", ENTRY_FILE, 0, EBADMSG, EBADMSG },
		{ "a/.wh...", ENTRY_FILE, 0, EBADMSG, EBADMSG },
	};
	static const uint32_t modes[] = { APPLY, OVERLAY, USERXATTR };

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_options options = { .whiteouts = modes[i % 3] };
		struct entry entry = entry_at(rows[i / 3].path, rows[i / 3].type);
		struct entry again;
		enum verdict verdict;
		struct oakum_error err;
		entry.logical_bytes = rows[i / 3].bytes;
		again = entry;
		if (judge_with(options, &entry, &verdict, &err) != rows[i / 3].strict)
			fail_msg("%s in strict", rows[i / 3].path);
		options.profile = OAKUM_PROFILE_COMPAT;
		if (judge_with(options, &again, &verdict, &err) != rows[i / 3].compat)
			fail_msg("%s in compat", rows[i / 3].path);
	}
}

static void a_name_of_full_length_can_be_hidden(void **state)
{
	char path[300] = "a/.wh.";
	struct policy *apply = policy_of((struct policy_options){ .whiteouts = APPLY });
	struct entry entry;
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	memset(path + 6, 'x', 255);
	entry = entry_at(path, ENTRY_FILE);
	assert_int_equal(policy_judge(apply, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_REMOVE);
	assert_int_equal(strlen(entry.path), 2 + 255);
	policy_free(apply);

	entry = entry_at(path, ENTRY_FILE);
	assert_int_equal(judge_with((struct policy_options){ .whiteouts = VERBATIM }, &entry,
				 &verdict, &err),
		EFBIG);
	strcat(path, "/b");
	entry = entry_at(path, ENTRY_FILE);
	assert_int_equal(
		judge_with((struct policy_options){ .whiteouts = APPLY }, &entry, &verdict, &err),
		EFBIG);
}

/* --- excludes --- */

static void an_excluded_path_leaves_no_trace(void **state)
{
	static const char *const exclude[] = { "dev", "a/b", ".wh.literal", NULL };
	static const struct {
		const char *path;
		enum verdict verdict;
	} rows[] = {
		{ "dev", VERDICT_SKIP },
		{ "dev/null", VERDICT_SKIP },
		{ "device", VERDICT_PLACE },
		{ ".wh.dev", VERDICT_SKIP },
		{ "dev/.wh.null", VERDICT_SKIP },
		{ "dev/.wh..wh..opq", VERDICT_SKIP },
		{ "dev/.wh.", VERDICT_SKIP },
		{ "a/.wh.b", VERDICT_SKIP },
		{ "a/.wh.c", VERDICT_REMOVE },
		{ "a/.wh..wh..opq", VERDICT_EMPTY },
		{ ".wh.literal", VERDICT_SKIP },
		{ "", VERDICT_PLACE },
	};
	struct policy *policy = policy_of((struct policy_options){ .exclude = exclude });

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry entry =
			entry_at(rows[i].path, *rows[i].path ? ENTRY_FILE : ENTRY_DIRECTORY);
		enum verdict verdict;
		struct oakum_error err;
		assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %d", rows[i].path, (int)verdict);
	}
	policy_free(policy);
}

static void a_bad_exclude_makes_no_policy(void **state)
{
	static const char *const exclude[] = { "..", NULL };
	const struct policy_options options = { .limits = &default_limits, .exclude = exclude };
	struct policy *policy;
	struct oakum_error err;

	(void)state;
	assert_int_equal(policy_new(&options, &policy, &err), -EINVAL);
	assert_string_equal(err.entry, "..");
}

/* --- types, links, owners --- */

static void an_entry_is_possible_or_refused(void **state)
{
	static const struct {
		struct entry entry;
		int code;
		const char *says;
	} rows[] = {
		{ { .type = ENTRY_DIRECTORY, .path = "" }, 0, NULL },
		{ { .type = ENTRY_FILE, .path = "" }, EBADMSG, "rootfs itself" },
		{ { .type = ENTRY_SYMLINK, .path = "", .link = "a" }, EBADMSG, "rootfs itself" },
		{ { .type = ENTRY_HARD_LINK, .path = "", .link = "a" }, EBADMSG, "rootfs itself" },
		{ { .type = ENTRY_FIFO, .path = "" }, EBADMSG, "rootfs itself" },
		{ { .type = ENTRY_SYMLINK, .path = "a", .link = "/etc/../x" }, 0, NULL },
		{ { .type = ENTRY_SYMLINK, .path = "a", .link = "a" }, 0, NULL },
		{ { .type = ENTRY_SYMLINK, .path = "a", .link = "" }, EBADMSG, "nothing" },
		{ { .type = ENTRY_HARD_LINK, .path = "a", .link = "b" }, 0, NULL },
		{ { .type = ENTRY_HARD_LINK, .path = "a", .link = "a" }, EBADMSG, "itself" },
		{ { .type = ENTRY_HARD_LINK, .path = "a", .link = "" }, EBADMSG, "rootfs" },
		{ { .type = ENTRY_BLOCK_DEVICE,
			  .path = "a",
			  .device_major = 4095,
			  .device_minor = 1048575 },
			0, NULL },
		{ { .type = ENTRY_BLOCK_DEVICE, .path = "a", .device_major = 4096 }, EBADMSG,
			"device" },
		{ { .type = ENTRY_CHARACTER_DEVICE, .path = "a", .device_minor = 1048576 }, EBADMSG,
			"device" },
		{ { .type = ENTRY_FILE, .path = "a", .device_major = 4096 }, 0, NULL },
		{ { .type = ENTRY_FILE, .path = "a", .uid = UINT32_MAX - 1 }, 0, NULL },
		{ { .type = ENTRY_FILE, .path = "a", .uid = UINT32_MAX }, EBADMSG, "owner" },
		{ { .type = ENTRY_FILE, .path = "a", .gid = UINT32_MAX }, EBADMSG, "owner" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry entry = rows[i].entry;
		enum verdict verdict;
		struct oakum_error err = { 0 };
		entry.name = "its name";
		if (judge_with((struct policy_options){ 0 }, &entry, &verdict, &err) !=
			rows[i].code)
			fail_msg("row %zu: %s", i, err.detail);
		if (rows[i].code == 0)
			continue;
		assert_string_equal(err.entry, "its name");
		if (strstr(err.detail, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, err.detail);
	}
}

static void a_mode_keeps_twelve_bits(void **state)
{
	struct entry entry = entry_at("a", ENTRY_FILE);
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	entry.mode = 0107755;
	assert_int_equal(judge_with((struct policy_options){ 0 }, &entry, &verdict, &err), 0);
	assert_int_equal(entry.mode, 07755);
}

/* --- owners, devices, privileges --- */

static const struct oakum_id_range container_ids[] = { { 0, 100000, 1000 }, { 2000, 5, 1 }, { 0 } };

static void an_owner_is_what_map_and_squash_make_of_it(void **state)
{
	static const struct {
		struct policy_options options;
		uint32_t uid;
		uint32_t gid;
		int code;
		uint32_t host_uid;
		uint32_t host_gid;
		bool is_left;
	} rows[] = {
		{ { .owners = 0 }, 7, 8, 0, 7, 8, false },
		{ { .uid_map = container_ids }, 7, 8, 0, 100007, 8, false },
		{ { .gid_map = container_ids }, 7, 2000, 0, 7, 5, false },
		{ { .uid_map = container_ids, .gid_map = container_ids }, 999, 0, 0, 100999, 100000,
			false },
		{ { .uid_map = container_ids }, 1000, 0, EINVAL, 0, 0, false },
		{ { .gid_map = container_ids }, 0, 1999, EINVAL, 0, 0, false },
		{ { .owners = OAKUM_OWNERS_SQUASH }, 7, 8, 0, 0, 0, false },
		{ { .owners = OAKUM_OWNERS_SQUASH, .squash_uid = 1, .squash_gid = 2 }, 7, 8, 0, 1,
			2, false },
		{ { .owners = OAKUM_OWNERS_SQUASH, .squash_uid = 1, .uid_map = container_ids },
			5000, 8, 0, 100001, 0, false },
		{ { .owners = OAKUM_OWNERS_SQUASH, .squash_uid = 3000, .uid_map = container_ids },
			0, 0, EINVAL, 0, 0, false },
		{ { .owners = OAKUM_OWNERS_FORGIVE, .uid_map = container_ids }, 5, 8, 0, 100005, 8,
			false },
		{ { .owners = OAKUM_OWNERS_FORGIVE, .uid_map = container_ids }, 5000, 8, 0, 5000, 8,
			true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry entry = entry_at("a", ENTRY_FILE);
		enum verdict verdict;
		struct oakum_error err = { 0 };
		entry.uid = rows[i].uid;
		entry.gid = rows[i].gid;
		entry.mode = 06755;
		if (judge_with(rows[i].options, &entry, &verdict, &err) != rows[i].code)
			fail_msg("row %zu: %s", i, err.detail);
		if (rows[i].code != 0) {
			assert_string_equal(err.entry, "a");
			continue;
		}
		assert_int_equal(entry.sets_no_owner, rows[i].is_left);
		/* A file that stays its maker's lends nobody his powers. */
		assert_int_equal(entry.mode, rows[i].is_left ? 0755 : 06755);
		if (!rows[i].is_left) {
			assert_int_equal(entry.uid, rows[i].host_uid);
			assert_int_equal(entry.gid, rows[i].host_gid);
		}
	}
}

static void the_owner_of_a_link_entry_is_nobodys_business(void **state)
{
	struct entry entry = entry_at("a", ENTRY_HARD_LINK);
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	entry.uid = 5000;
	assert_int_equal(judge_with((struct policy_options){ .uid_map = container_ids }, &entry,
				 &verdict, &err),
		0);
}

static void devices_are_left_out_on_request(void **state)
{
	static const enum entry_type types[] = { ENTRY_CHARACTER_DEVICE, ENTRY_BLOCK_DEVICE,
		ENTRY_FIFO, ENTRY_FILE };
	struct policy *policy = policy_of((struct policy_options){ .devices = OAKUM_DEVICES_SKIP });
	struct oakum_stats stats = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct entry entry = entry_at("a", types[i]);
		enum verdict verdict;
		struct oakum_error err;
		entry.device_minor = 1;
		assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
		assert_int_equal(verdict, i < 2 ? VERDICT_SKIP : VERDICT_PLACE);
	}
	policy_count(policy, &stats);
	assert_int_equal(stats.dropped_entries, 2);
	policy_free(policy);
}

static void privileges_are_left_out_on_request(void **state)
{
	const struct xattr capability = { "security.capability", "", 0 };
	struct entry entry = entry_at("a", ENTRY_FILE);
	struct policy *policy =
		policy_of((struct policy_options){ .privileges = OAKUM_PRIVILEGES_DROP });
	struct oakum_stats stats = { 0 };
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	entry.mode = 07755;
	entry.xattrs = &capability;
	entry.xattr_count = 1;
	assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(entry.mode, 01755);
	assert_int_equal(entry.xattr_count, 0);
	policy_count(policy, &stats);
	assert_int_equal(stats.dropped_xattrs, 1);
	policy_free(policy);
}

/* --- limits --- */

/* Every limit error names the limit, its value, and what raises it. */
static void assert_names_limit(const struct oakum_error *err, const char *name, const char *entry)
{
	char text[128];

	snprintf(text, sizeof(text), "--limit %s=N raises it", name);
	if (strstr(err->detail, text) == NULL)
		fail_msg("%s: %s", name, err->detail);
	assert_int_equal(err->code, EFBIG);
	assert_string_equal(err->entry, entry);
}

static void entries_are_counted(void **state)
{
	struct limits limits = LIMITS_DEFAULT;
	static const char *const exclude[] = { "skipped", NULL };
	struct policy *policy;
	struct entry entry = entry_at("skipped", ENTRY_FILE);
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	limits.entries = 2;
	policy = policy_of((struct policy_options){ .limits = &limits, .exclude = exclude });
	assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
	entry = entry_at("a", ENTRY_FILE);
	assert_int_equal(policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(policy_judge(policy, &entry, &verdict, &err), -EFBIG);
	assert_names_limit(&err, "entries", "a");
	assert_non_null(strstr(err.detail, "entries=2"));
	policy_free(policy);
}

static void content_is_counted(void **state)
{
	struct limits limits = LIMITS_DEFAULT;
	struct policy *policy;
	struct oakum_error err;

	(void)state;
	limits.content_bytes = 100;
	policy = policy_of((struct policy_options){ .limits = &limits });
	assert_int_equal(tally_content(policy_tally(policy), 60, "a", &err), 0);
	assert_int_equal(tally_content(policy_tally(policy), 40, "b", &err), 0);
	assert_int_equal(tally_content(policy_tally(policy), 0, "c", &err), 0);
	assert_int_equal(tally_content(policy_tally(policy), 1, "d", &err), -EFBIG);
	assert_names_limit(&err, "content-bytes", "d");
	assert_int_equal(tally_content(policy_tally(policy), UINT64_MAX, "e", &err), -EFBIG);
	policy_free(policy);

	limits.content_bytes = UINT64_MAX;
	policy = policy_of((struct policy_options){ .limits = &limits });
	assert_int_equal(tally_content(policy_tally(policy), UINT64_MAX, "a", &err), 0);
	assert_int_equal(tally_content(policy_tally(policy), 1, "b", &err), -EFBIG);
	policy_free(policy);
}

static void a_link_has_a_longest_target(void **state)
{
	char target[5001];
	struct entry entry = entry_at("a", ENTRY_SYMLINK);
	enum verdict verdict;
	struct oakum_error err;

	(void)state;
	memset(target, 'x', sizeof(target) - 1);
	target[4095] = '\0';
	entry.link = target;
	assert_int_equal(judge_with((struct policy_options){ 0 }, &entry, &verdict, &err), 0);
	target[4095] = 'x';
	target[5000] = '\0';
	assert_int_equal(judge_with((struct policy_options){ 0 }, &entry, &verdict, &err), EFBIG);
	assert_names_limit(&err, "link-bytes", "a");
}

static int judge_xattrs(struct policy *policy, size_t count, size_t bytes, struct oakum_error *err)
{
	struct xattr *xattrs = calloc(count, sizeof(*xattrs));
	struct entry entry = entry_at("a", ENTRY_FILE);
	enum verdict verdict;
	int r;

	assert_non_null(xattrs);
	for (size_t i = 0; i < count; i++)
		xattrs[i] = (struct xattr){ "user.a", NULL, bytes };
	entry.xattrs = xattrs;
	entry.xattr_count = count;
	r = policy_judge(policy, &entry, &verdict, err);
	free(xattrs);
	return r;
}

static void attributes_are_measured_one_by_one_and_together(void **state)
{
	struct policy *policy = policy_of((struct policy_options){ 0 });
	struct oakum_error err;

	(void)state;
	assert_int_equal(judge_xattrs(policy, 1, 65536, &err), 0);
	assert_int_equal(judge_xattrs(policy, 1, 65537, &err), -EFBIG);
	assert_names_limit(&err, "xattr-bytes", "a");
	assert_int_equal(judge_xattrs(policy, 15, 65536, &err), 0);
	assert_int_equal(judge_xattrs(policy, 16, 65536, &err), -EFBIG);
	assert_names_limit(&err, "entry-xattr-bytes", "a");
	/* Thousands of small ones are a flood as well. */
	assert_int_equal(judge_xattrs(policy, 1024, 1, &err), 0);
	assert_int_equal(judge_xattrs(policy, 1025, 1, &err), -EFBIG);
	assert_names_limit(&err, "entry-xattrs", "a");
	policy_free(policy);

	policy = policy_of((struct policy_options){ 0 });
	for (size_t i = 0; i < 68; i++)
		assert_int_equal(judge_xattrs(policy, 15, 65536, &err), 0);
	assert_int_equal(judge_xattrs(policy, 15, 65536, &err), -EFBIG);
	assert_names_limit(&err, "layer-xattr-bytes", "a");
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whiteout_means_what_the_mode_says),
		cmocka_unit_test(a_rootfs_that_overlayfs_cannot_take_for_opaque_is_refused),
		cmocka_unit_test(overlayfs_gets_a_device_of_no_number),
		cmocka_unit_test(a_whiteout_is_an_empty_file_that_hides_a_name),
		cmocka_unit_test(a_name_of_full_length_can_be_hidden),
		cmocka_unit_test(an_excluded_path_leaves_no_trace),
		cmocka_unit_test(a_bad_exclude_makes_no_policy),
		cmocka_unit_test(an_entry_is_possible_or_refused),
		cmocka_unit_test(a_mode_keeps_twelve_bits),
		cmocka_unit_test(an_owner_is_what_map_and_squash_make_of_it),
		cmocka_unit_test(the_owner_of_a_link_entry_is_nobodys_business),
		cmocka_unit_test(devices_are_left_out_on_request),
		cmocka_unit_test(privileges_are_left_out_on_request),
		cmocka_unit_test(entries_are_counted),
		cmocka_unit_test(content_is_counted),
		cmocka_unit_test(a_link_has_a_longest_target),
		cmocka_unit_test(attributes_are_measured_one_by_one_and_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
