/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of storage-untar and storage-applyLayer: an entry in, a verdict and an edited one out.
 */
#include "layer/storage_policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct limits limits = LIMITS_DEFAULT;
static const struct storage_options defaults;
static struct oakum_error err;

static struct storage_policy *policy_of(
	const struct storage_options *storage, const char *destination, bool is_layer)
{
	const struct storage_policy_options options = {
		.storage = storage,
		.limits = &limits,
		.destination = destination,
		.is_layer = is_layer,
	};
	struct storage_policy *policy;

	assert_int_equal(storage_policy_new(&options, &policy, &err), 0);
	return policy;
}

static struct entry entry_named(const char *name, enum entry_type type, const char *link)
{
	return (struct entry){
		.type = type,
		.name = name,
		.link = link,
		.link_name = link,
		.mode = 0644,
		.mtime_s = 1000,
	};
}

static struct entry file_named(const char *name)
{
	return entry_named(name, ENTRY_FILE, NULL);
}

/* --- names --- */

static void a_name_leads_below_the_destination_or_is_refused(void **state)
{
	static const struct {
		const char *destination;
		const char *name;
		const char *path; /* NULL: refused */
	} rows[] = {
		{ "/", "a/b", "a/b" },
		{ "/", "/a", "a" },
		{ "/", "../../a", "a" },
		{ "/", "a/../b", "b" },
		{ "/sub", "a", "sub/a" },
		{ "/sub", "/../a", "sub/a" },
		{ "/sub", "../a", NULL },
		{ "/sub", "..", NULL },
		{ "/sub", "../subother", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct storage_policy *policy = policy_of(&defaults, rows[i].destination, false);
		struct entry entry = file_named(rows[i].name);
		enum verdict verdict;
		int r = storage_policy_judge(policy, &entry, &verdict, &err);
		assert_int_equal(r, rows[i].path == NULL ? -EBADMSG : 0);
		if (rows[i].path != NULL)
			assert_string_equal(entry.path, rows[i].path);
		storage_policy_free(policy);
	}
	assert_string_equal(err.op, "");
	assert_string_equal(err.detail, "\"../subother\" is outside of \"/sub\"");
}

static void the_destination_itself_is_left_alone_but_by_its_other_name(void **state)
{
	struct storage_policy *policy = policy_of(&defaults, "/sub", false);
	struct entry entry = entry_named("./", ENTRY_DIRECTORY, NULL);
	enum verdict verdict;

	(void)state;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_SKIP);
	entry = entry_named("/", ENTRY_DIRECTORY, NULL);
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_PLACE);
	assert_string_equal(entry.path, "sub");
	storage_policy_free(policy);

	policy = policy_of(&defaults, "/", true);
	entry = entry_named("./", ENTRY_DIRECTORY, NULL);
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_PLACE);
	storage_policy_free(policy);
}

static void the_rootfs_never_gives_way_to_a_file(void **state)
{
	struct storage_policy *policy = policy_of(&defaults, "/", false);
	struct entry entry = file_named("/");
	enum verdict verdict;

	(void)state;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), -EBADMSG);
	storage_policy_free(policy);
}

static void excludes_are_starts_of_names_and_of_no_use_to_a_layer(void **state)
{
	static const char *const excludes[] = { "dev", NULL };
	const struct storage_options storage = { .exclude_patterns = excludes };
	struct storage_policy *policy = policy_of(&storage, "/", false);
	struct entry entry = file_named("device");
	enum verdict verdict;

	(void)state;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_SKIP);
	entry = file_named("/dev/null");
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_PLACE);
	storage_policy_free(policy);
	policy = policy_of(&storage, "/", true);
	entry = file_named("device");
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_PLACE);
	storage_policy_free(policy);
}

/* --- links --- */

static void a_link_that_leads_out_of_the_destination_is_refused(void **state)
{
	static const struct {
		enum entry_type type;
		const char *target;
		const char *text; /* NULL: taken */
	} rows[] = {
		{ ENTRY_SYMLINK, "../x", NULL },
		{ ENTRY_SYMLINK, "/etc", NULL },
		{ ENTRY_SYMLINK, "../../x", "invalid symlink \"/sub/d/l\" -> \"../../x\"" },
		{ ENTRY_HARD_LINK, "a", NULL },
		{ ENTRY_HARD_LINK, "/a", NULL },
		{ ENTRY_HARD_LINK, "../a", "invalid hardlink \"/a\" -> \"../a\"" },
		{ ENTRY_HARD_LINK, "../subother",
			"invalid hardlink \"/subother\" -> \"../subother\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct storage_policy *policy = policy_of(&defaults, "/sub", false);
		struct entry entry = entry_named("d/l", rows[i].type, rows[i].target);
		enum verdict verdict;
		int r = storage_policy_judge(policy, &entry, &verdict, &err);
		assert_int_equal(r, rows[i].text == NULL ? 0 : -EBADMSG);
		if (rows[i].text != NULL)
			assert_string_equal(err.detail, rows[i].text);
		storage_policy_free(policy);
	}
}

static void a_hard_link_to_itself_deletes_nothing(void **state)
{
	struct storage_policy *policy = policy_of(&defaults, "/", false);
	struct entry entry = entry_named("a", ENTRY_HARD_LINK, "./a");
	enum verdict verdict;

	(void)state;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), -ENOENT);
	storage_policy_free(policy);
}

/* --- ids --- */

static const struct idmap_range from_1000[] = { { 0, 1000, 10 } };

static void ids_are_mapped_and_those_of_the_options_too(void **state)
{
	struct storage_options storage = {
		.uids = { true, from_1000, 1 },
		.gids = { true, from_1000, 1 },
	};
	struct storage_policy *policy = policy_of(&storage, "/", false);
	struct entry entry = file_named("a");
	enum verdict verdict;

	(void)state;
	entry.uid = 3;
	entry.gid = 4;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(entry.uid, 1003);
	assert_int_equal(entry.gid, 1004);
	entry = file_named("a");
	entry.uid = 10;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), -EINVAL);
	assert_string_equal(err.detail, "container ID 10 cannot be mapped to a host ID");
	storage.has_chown = true;
	storage.chown_uid = 5;
	storage.chown_gid = 6;
	entry = file_named("a");
	entry.uid = 10;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(entry.uid, 1005);
	assert_int_equal(entry.gid, 1006);
	storage_policy_free(policy);
}

static void an_owner_that_means_nobody_is_refused(void **state)
{
	struct storage_policy *policy = policy_of(&defaults, "/", false);
	struct entry entry = file_named("a");
	enum verdict verdict;

	(void)state;
	entry.gid = UINT32_MAX;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), -EBADMSG);
	storage_policy_free(policy);
}

static void the_root_of_one_id_is_it_whatever_it_is_for(void **state)
{
	static const struct idmap_range one[] = { { 77, 500, 1 } };
	static const struct idmap_range two[] = { { 1, 500, 1 }, { 2, 600, 1 } };

	(void)state;
	assert_int_equal(storage_root_id(&(struct idmap){ 0 }), 0);
	assert_int_equal(storage_root_id(&(struct idmap){ true, from_1000, 1 }), 1000);
	assert_int_equal(storage_root_id(&(struct idmap){ true, one, 1 }), 500);
	assert_int_equal(storage_root_id(&(struct idmap){ true, two, 2 }), UINT32_MAX);
}

/* --- times --- */

static void times_are_those_of_the_go_child(void **state)
{
	static const struct {
		enum entry_type type;
		int64_t mtime_s;
		bool has_atime;
		int64_t atime_s;
		int64_t wanted_mtime_s;
		int64_t wanted_atime_s;
	} rows[] = {
		{ ENTRY_FILE, 1000, false, 0, 1000, 1000 },
		{ ENTRY_FILE, 1000, true, 500, 1000, 1000 },
		{ ENTRY_FILE, 1000, true, 2000, 1000, 2000 },
		{ ENTRY_FILE, -5, false, 0, 0, 0 },
		{ ENTRY_FILE, INT64_C(10000000000), false, 0, 0, 0 },
		{ ENTRY_FILE, INT64_C(9223372036), false, 0, INT64_C(9223372036),
			INT64_C(9223372036) },
		{ ENTRY_DIRECTORY, 1000, false, 0, 1000, 0 },
		{ ENTRY_DIRECTORY, 1000, true, 500, 1000, 500 },
		{ ENTRY_SYMLINK, -5, false, 0, -5, -5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct storage_policy *policy = policy_of(&defaults, "/", false);
		struct entry entry = entry_named("a", rows[i].type, "t");
		enum verdict verdict;
		entry.mtime_s = rows[i].mtime_s;
		entry.has_atime = rows[i].has_atime;
		entry.atime_s = rows[i].atime_s;
		assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
		assert_true(entry.has_atime);
		assert_int_equal(entry.mtime_s, rows[i].wanted_mtime_s);
		assert_int_equal(entry.atime_s, rows[i].wanted_atime_s);
		storage_policy_free(policy);
	}
}

/* --- attributes, and forced modes --- */

static void overlayfs_is_told_nothing_by_attributes_of_the_layer(void **state)
{
	static const struct xattr xattrs[] = {
		{ "security.selinux", "a", 1 },
		{ "user.a", "b", 1 },
		{ "trusted.overlay.opaque", "y", 1 },
		{ "user.overlay.redirect", "/", 1 },
		{ "trusted.a", "c", 1 },
	};
	struct storage_policy *policy = policy_of(&defaults, "/", false);
	struct entry entry = file_named("a");
	enum verdict verdict;

	(void)state;
	entry.xattrs = xattrs;
	entry.xattr_count = 5;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(entry.xattr_count, 2);
	assert_string_equal(entry.xattrs[0].name, "user.a");
	assert_string_equal(entry.xattrs[1].name, "trusted.a");
	storage_policy_free(policy);
}

static void a_forced_mode_leaves_the_rest_to_an_attribute(void **state)
{
	static const struct {
		enum entry_type type;
		enum entry_type made;
		const char *value; /* NULL: none */
	} rows[] = {
		{ ENTRY_FILE, ENTRY_FILE, "7:8:4755:file" },
		{ ENTRY_DIRECTORY, ENTRY_DIRECTORY, "7:8:4755:dir" },
		{ ENTRY_FIFO, ENTRY_FILE, "7:8:4755:pipe" },
		{ ENTRY_CHARACTER_DEVICE, ENTRY_FILE, "7:8:4755:char-5-6" },
		{ ENTRY_BLOCK_DEVICE, ENTRY_FILE, "7:8:4755:block-5-6" },
		{ ENTRY_SYMLINK, ENTRY_SYMLINK, NULL },
		{ ENTRY_HARD_LINK, ENTRY_HARD_LINK, NULL },
	};
	const struct storage_options storage = {
		.has_force_mask = true,
		.force_mask = 0700,
		.in_user_namespace = true,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct storage_policy *policy = policy_of(&storage, "/", false);
		struct entry entry = entry_named("a", rows[i].type, "t");
		enum verdict verdict;
		entry.mode = 04755;
		entry.uid = 7;
		entry.gid = 8;
		entry.device_major = 5;
		entry.device_minor = 6;
		assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
		assert_int_equal(verdict, VERDICT_PLACE);
		assert_int_equal(entry.type, rows[i].made);
		assert_int_equal(entry.mode, 0700);
		assert_int_equal(entry.xattr_count, rows[i].value != NULL);
		if (rows[i].value != NULL)
			assert_memory_equal(
				entry.xattrs[0].value, rows[i].value, strlen(rows[i].value) + 1);
		storage_policy_free(policy);
	}
}

static void the_root_gets_the_attribute_of_its_last_entry(void **state)
{
	const struct storage_options storage = { .has_force_mask = true, .force_mask = 0700 };
	struct storage_policy *policy = policy_of(&storage, "/", false);
	struct entry entry = entry_named("./", ENTRY_DIRECTORY, NULL);
	enum verdict verdict;
	struct xattr xattr;

	(void)state;
	assert_true(storage_policy_root_xattr(policy, &xattr));
	assert_string_equal(xattr.value, "0:0:0755:dir");
	entry.mode = 01777;
	entry.uid = 7;
	entry.gid = 8;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_true(storage_policy_root_xattr(policy, &xattr));
	assert_string_equal(xattr.name, "user.containers.override_stat");
	assert_string_equal(xattr.value, "7:8:0777:dir");
	storage_policy_free(policy);
	policy = policy_of(&defaults, "/", false);
	assert_false(storage_policy_root_xattr(policy, &xattr));
	storage_policy_free(policy);
}

/* --- whiteouts, devices, AUFS --- */

static void a_whiteout_means_what_the_helper_is_for(void **state)
{
	static const struct storage_options overlay = { .whiteouts = STORAGE_WHITEOUTS_OVERLAY };
	static const struct {
		const struct storage_options *storage;
		bool is_layer;
		const char *name;
		int code;
		enum verdict verdict;
		const char *path;
	} rows[] = {
		{ &defaults, false, "d/.wh.a", 0, VERDICT_PLACE, "d/.wh.a" },
		{ &defaults, false, "d/.wh.", 0, VERDICT_PLACE, "d/.wh." },
		{ &overlay, false, "d/.wh.a", 0, VERDICT_PLACE, "d/a" },
		{ &overlay, false, "d/.wh..wh..opq", 0, VERDICT_MARK_OPAQUE, "d" },
		{ &overlay, false, ".wh..wh..opq", 0, VERDICT_MARK_OPAQUE, "" },
		{ &overlay, false, "d/.wh.", EBADMSG, VERDICT_PLACE, NULL },
		{ &defaults, true, "d/.wh.a", 0, VERDICT_REMOVE, "d/a" },
		{ &defaults, true, "d/.wh..wh..opq", 0, VERDICT_EMPTY, "d" },
		{ &defaults, true, "d/.wh.", EBADMSG, VERDICT_PLACE, NULL },
		{ &defaults, true, "d/.wh..", EBADMSG, VERDICT_PLACE, NULL },
		{ &defaults, true, "d/.wh...", EBADMSG, VERDICT_PLACE, NULL },
		{ &defaults, true, ".wh..wh.aufs", 0, VERDICT_SKIP, NULL },
		{ &defaults, true, "d/.wh..wh.x", 0, VERDICT_REMOVE, "d/.wh.x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct storage_policy *policy = policy_of(rows[i].storage, "/", rows[i].is_layer);
		struct entry entry = file_named(rows[i].name);
		enum verdict verdict;
		assert_int_equal(
			storage_policy_judge(policy, &entry, &verdict, &err), -rows[i].code);
		if (rows[i].code == 0)
			assert_int_equal(verdict, rows[i].verdict);
		if (rows[i].path != NULL)
			assert_string_equal(entry.path, rows[i].path);
		storage_policy_free(policy);
	}
}

static void a_device_in_a_user_namespace_leaves_nothing_behind(void **state)
{
	const struct storage_options storage = { .in_user_namespace = true };
	struct storage_policy *policy = policy_of(&storage, "/", false);
	struct entry entry = entry_named("a", ENTRY_BLOCK_DEVICE, NULL);
	enum verdict verdict;

	(void)state;
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_CLEAR);
	entry = entry_named("f", ENTRY_FIFO, NULL);
	assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_PLACE);
	storage_policy_free(policy);
}

static void a_hard_link_of_aufs_is_a_copy_with_the_header_of_the_file(void **state)
{
	const struct storage_options storage = {
		.uids = { true, from_1000, 1 },
		.gids = { true, from_1000, 1 },
	};
	struct storage_policy *policy = policy_of(&storage, "/", true);
	struct entry kept = file_named(".wh..wh.plnk/12.34");
	enum verdict verdict;

	(void)state;
	kept.mode = 0711;
	kept.uid = 3;
	assert_int_equal(storage_policy_judge(policy, &kept, &verdict, &err), 0);
	assert_int_equal(verdict, VERDICT_KEEP);
	assert_string_equal(kept.link, "12.34");
	for (int i = 0; i < 2; i++) {
		struct entry entry = entry_named("a", ENTRY_HARD_LINK, ".wh..wh.plnk/12.34");
		assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
		assert_int_equal(verdict, VERDICT_COPY);
		assert_int_equal(entry.type, ENTRY_FILE);
		assert_string_equal(entry.path, "a");
		assert_string_equal(entry.link, "12.34");
		assert_int_equal(entry.mode, 0711);
		assert_int_equal(entry.uid, 1003); /* mapped once, however often it is linked */
	}
	struct entry unknown = entry_named("b", ENTRY_HARD_LINK, ".wh..wh.plnk/none");
	assert_int_equal(storage_policy_judge(policy, &unknown, &verdict, &err), -EBADMSG);
	assert_string_equal(err.detail, "invalid aufs hardlink");
	storage_policy_free(policy);
}

/* --- the size of a layer --- */

static void every_size_that_a_header_claims_counts(void **state)
{
	struct storage_policy *policy = policy_of(&defaults, "/", true);
	const char *const names[] = { "a", ".wh.b", ".wh..wh.aufs" };
	enum verdict verdict;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct entry entry = file_named(names[i]);
		entry.claimed_bytes = 100;
		assert_int_equal(storage_policy_judge(policy, &entry, &verdict, &err), 0);
	}
	assert_int_equal(storage_policy_layer_bytes(policy), 300);
	storage_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_leads_below_the_destination_or_is_refused),
		cmocka_unit_test(the_destination_itself_is_left_alone_but_by_its_other_name),
		cmocka_unit_test(the_rootfs_never_gives_way_to_a_file),
		cmocka_unit_test(excludes_are_starts_of_names_and_of_no_use_to_a_layer),
		cmocka_unit_test(a_link_that_leads_out_of_the_destination_is_refused),
		cmocka_unit_test(a_hard_link_to_itself_deletes_nothing),
		cmocka_unit_test(ids_are_mapped_and_those_of_the_options_too),
		cmocka_unit_test(an_owner_that_means_nobody_is_refused),
		cmocka_unit_test(the_root_of_one_id_is_it_whatever_it_is_for),
		cmocka_unit_test(times_are_those_of_the_go_child),
		cmocka_unit_test(overlayfs_is_told_nothing_by_attributes_of_the_layer),
		cmocka_unit_test(a_forced_mode_leaves_the_rest_to_an_attribute),
		cmocka_unit_test(the_root_gets_the_attribute_of_its_last_entry),
		cmocka_unit_test(a_whiteout_means_what_the_helper_is_for),
		cmocka_unit_test(a_device_in_a_user_namespace_leaves_nothing_behind),
		cmocka_unit_test(a_hard_link_of_aufs_is_a_copy_with_the_header_of_the_file),
		cmocka_unit_test(every_size_that_a_header_claims_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
