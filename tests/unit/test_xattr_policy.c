/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the attributes of a layer. */
#include "layer/xattr_policy.h"

#include "layer/acl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* CAP_NET_RAW of the host's root, and of root 100000. */
#define CAPABILITY_2 "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CAPABILITY_3 "\1\0\0\3\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\240\206\1\0"

static const struct idmap_range container_range = { 0, 100000, 1000 };
static const struct idmap container_ids = { true, &container_range, 1 };

static struct entry entry_with(enum entry_type type, const struct xattr *xattrs, size_t count)
{
	return (struct entry){
		.type = type,
		.name = "its name",
		.path = "a",
		.mode = 0664,
		.xattrs = xattrs,
		.xattr_count = count,
	};
}

/* One entry by new rules: errno, or 0 and what it then has, checked by the caller before it frees.
 */
static int judge(const struct xattr_rules *rules, struct entry *entry, uint64_t *dropped,
	struct xattr_policy **policy, struct oakum_error *err)
{
	*policy = xattr_policy_new(rules);
	assert_non_null(*policy);
	int r = xattr_policy_judge(*policy, entry, err);
	*dropped = xattr_policy_dropped(*policy);
	return -r;
}

static void what_another_host_means_by_a_name_is_dropped_and_counted(void **state)
{
	static const struct {
		const char *name;
		bool by_default;
		bool with_labels;
	} rows[] = {
		{ "user.a", true, true },
		{ "user.overlay", true, true },
		{ "user.overlayed.x", true, true },
		{ "user.containers.x", true, true },
		{ "com.example", true, true }, /* the kernel will say */
		{ "trusted.a", false, true },
		{ "trusted.overlayed", false, true },
		{ "security.selinux", false, true },
		{ "security.ima", false, true },
		{ "security.evm", false, true },
		{ "security.apparmor", false, true },
		{ "security.SMACK64", false, true },
		{ "trusted.overlay.opaque", false, false },
		{ "trusted.overlay.redirect", false, false },
		{ "trusted.overlay.metacopy", false, false },
		{ "trusted.overlay.overlay.opaque", false, false },
		{ "user.overlay.opaque", false, false },
		{ "user.overlay.whiteout", false, false },
		{ "user.containers.override_stat", false, false },
		{ "user.fuseoverlayfs.override_stat", false, false },
		{ "security.fuseoverlayfs.override_stat", false, false },
		{ "system.nfs4_acl", false, false },
		{ "system.richacl", false, false },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const bool keeps = i % 2 == 1;
		const bool expected = keeps ? rows[i / 2].with_labels : rows[i / 2].by_default;
		const struct xattr_rules rules = {
			.labels = keeps ? OAKUM_LABELS_KEEP : OAKUM_LABELS_DROP,
		};
		const struct xattr xattr = { rows[i / 2].name, "value", 5 };
		struct entry entry = entry_with(ENTRY_FILE, &xattr, 1);
		struct xattr_policy *policy;
		struct oakum_error err;
		uint64_t dropped;
		assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), 0);
		if (entry.xattr_count != expected || dropped != !expected)
			fail_msg("%s", xattr.name);
		if (expected)
			assert_memory_equal(entry.xattrs, &xattr, sizeof(xattr));
		xattr_policy_free(policy);
	}
}

static void a_name_is_a_namespace_and_more(void **state)
{
	char longest[257] = "user.";
	const char *const bad[] = { "", "user", "user.", ".a", ".", longest };
	const struct xattr_rules rules = { 0 };

	(void)state;
	memset(longest + 5, 'x', 251);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct xattr xattr = { bad[i], "", 0 };
		struct entry entry = entry_with(ENTRY_FILE, &xattr, 1);
		struct xattr_policy *policy;
		struct oakum_error err = { 0 };
		uint64_t dropped;
		assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), EBADMSG);
		assert_string_equal(err.entry, "its name");
		xattr_policy_free(policy);
	}
}

static void a_file_capability_goes_through_the_map(void **state)
{
	static const struct xattr xattr = { "security.capability", CAPABILITY_2, 20 };
	const struct xattr_rules rules = { .uids = container_ids, .gids = container_ids };
	struct entry entry = entry_with(ENTRY_FILE, &xattr, 1);
	struct xattr_policy *policy;
	struct oakum_error err;
	uint64_t dropped;

	(void)state;
	assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), 0);
	assert_int_equal(entry.xattr_count, 1);
	assert_int_equal(entry.xattrs[0].value_bytes, 24);
	assert_memory_equal(entry.xattrs[0].value, CAPABILITY_3, 24);
	xattr_policy_free(policy);
}

static void a_capability_of_no_root_is_refused_or_forgiven(void **state)
{
	static const struct idmap nobody = { .is_given = true };
	static const struct xattr xattr = { "security.capability", CAPABILITY_2, 20 };
	static const struct xattr broken = { "security.capability", CAPABILITY_2, 19 };
	struct xattr_rules rules = { .uids = nobody };
	struct entry entry = entry_with(ENTRY_FILE, &xattr, 1);
	struct xattr_policy *policy;
	struct oakum_error err;
	uint64_t dropped;

	(void)state;
	assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), EINVAL);
	assert_non_null(strstr(err.detail, "security.capability"));
	xattr_policy_free(policy);
	rules.owners = OAKUM_OWNERS_FORGIVE;
	assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), 0);
	assert_int_equal(dropped, 1);
	xattr_policy_free(policy);
	entry = entry_with(ENTRY_FILE, &broken, 1);
	assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), EBADMSG);
	xattr_policy_free(policy);
}

/* --- access control lists --- */

enum { ACL_BYTES = ACL_HEADER_BYTES + 5 * ACL_ENTRY_BYTES };

static void make_acl(uint32_t user, unsigned char value[ACL_BYTES])
{
	struct acl_entry entries[] = {
		{ ACL_OF_OWNER, 6, 0 },
		{ ACL_OF_USER, 6, user },
		{ ACL_OF_OWNING_GROUP, 4, 0 },
		{ ACL_OF_MASK, 6, 0 },
		{ ACL_OF_OTHERS, 4, 0 },
	};

	acl_write(entries, 5, value);
}

static void an_acl_is_kept_where_there_can_be_one(void **state)
{
	static const struct {
		const char *name;
		enum entry_type type;
		bool is_kept;
	} rows[] = {
		{ "system.posix_acl_access", ENTRY_FILE, true },
		{ "system.posix_acl_access", ENTRY_DIRECTORY, true },
		{ "system.posix_acl_access", ENTRY_FIFO, true },
		{ "system.posix_acl_access", ENTRY_SYMLINK, false },
		{ "system.posix_acl_default", ENTRY_DIRECTORY, true },
		{ "system.posix_acl_default", ENTRY_FILE, false },
	};
	const struct xattr_rules rules = { 0 };
	unsigned char value[ACL_BYTES];

	(void)state;
	make_acl(9, value);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct xattr xattr = { rows[i].name, value, ACL_BYTES };
		struct entry entry = entry_with(rows[i].type, &xattr, 1);
		struct xattr_policy *policy;
		struct oakum_error err;
		uint64_t dropped;
		assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), 0);
		assert_int_equal(entry.xattr_count, rows[i].is_kept);
		assert_int_equal(dropped, !rows[i].is_kept);
		if (rows[i].is_kept)
			assert_memory_equal(entry.xattrs[0].value, value, ACL_BYTES);
		assert_int_equal(entry.mode, 0664);
		xattr_policy_free(policy);
	}
}

static void an_acl_goes_through_the_map(void **state)
{
	const struct xattr_rules rules = { .uids = container_ids, .gids = container_ids };
	unsigned char value[ACL_BYTES];
	unsigned char mapped[ACL_BYTES];
	const struct xattr xattrs[] = {
		{ "system.posix_acl_access", value, ACL_BYTES },
		{ "system.posix_acl_default", value, ACL_BYTES },
	};
	struct entry entry = entry_with(ENTRY_DIRECTORY, xattrs, 2);
	struct xattr_policy *policy;
	struct oakum_error err;
	uint64_t dropped;

	(void)state;
	make_acl(9, value);
	make_acl(100009, mapped);
	assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), 0);
	assert_int_equal(entry.xattr_count, 2);
	assert_memory_equal(entry.xattrs[0].value, mapped, ACL_BYTES);
	assert_memory_equal(entry.xattrs[1].value, mapped, ACL_BYTES);
	xattr_policy_free(policy);
}

/* Mode 0664 was the mask's "rw": without the ACL it would be the group's. */
static void an_acl_that_is_dropped_gives_the_group_nothing(void **state)
{
	static const struct {
		struct xattr_rules rules;
		uint32_t user;
	} rows[] = {
		{ { .owners = 0 }, UINT32_MAX },
		{ { .owners = OAKUM_OWNERS_SQUASH }, 9 },
		{ { .uids = { true, &container_range, 1 } }, 5000 },
	};
	unsigned char value[ACL_BYTES];
	const struct xattr xattr = { "system.posix_acl_access", value, ACL_BYTES };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry entry = entry_with(ENTRY_FILE, &xattr, 1);
		struct xattr_policy *policy;
		struct oakum_error err;
		uint64_t dropped;
		make_acl(rows[i].user, value);
		assert_int_equal(judge(&rows[i].rules, &entry, &dropped, &policy, &err), 0);
		assert_int_equal(entry.xattr_count, 0);
		assert_int_equal(dropped, 1);
		assert_int_equal(entry.mode, 0644);
		xattr_policy_free(policy);
	}
}

static void what_can_be_there_once_is_refused_if_two_differ(void **state)
{
	static const struct xattr rows[][2] = {
		{ { "security.capability", CAPABILITY_2, 20 },
			{ "security.capability", CAPABILITY_3, 24 } },
		{ { "system.posix_acl_access", "\2\0\0\0\1\0\7\0....\4\0\7\0....\40\0\0\0....",
			  28 },
			{ "system.posix_acl_access", "", 0 } },
	};
	const struct xattr_rules rules = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry entry = entry_with(ENTRY_FILE, rows[i], 2);
		struct xattr_policy *policy;
		struct oakum_error err;
		uint64_t dropped;
		assert_int_equal(judge(&rules, &entry, &dropped, &policy, &err), EBADMSG);
		assert_non_null(strstr(err.detail, "twice"));
		xattr_policy_free(policy);
		/* Some writers spell it in two ways: the same twice is fine, and each entry may. */
		policy = xattr_policy_new(&rules);
		for (int again = 0; again < 2; again++) {
			const struct xattr same[] = { rows[i][0], rows[i][0] };
			entry = entry_with(ENTRY_FILE, same, 2);
			assert_int_equal(xattr_policy_judge(policy, &entry, &err), 0);
			assert_int_equal(entry.xattr_count, 1);
		}
		xattr_policy_free(policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_another_host_means_by_a_name_is_dropped_and_counted),
		cmocka_unit_test(a_name_is_a_namespace_and_more),
		cmocka_unit_test(a_file_capability_goes_through_the_map),
		cmocka_unit_test(a_capability_of_no_root_is_refused_or_forgiven),
		cmocka_unit_test(an_acl_is_kept_where_there_can_be_one),
		cmocka_unit_test(an_acl_goes_through_the_map),
		cmocka_unit_test(an_acl_that_is_dropped_gives_the_group_nothing),
		cmocka_unit_test(what_can_be_there_once_is_refused_if_two_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
