/* SPDX-License-Identifier: Apache-2.0 */
/* Names that lead elsewhere, or nowhere, or that two readers spell differently. */
#include "support/hostile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_name_never_leads_out(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "P01",
			.layer = LAYER(file("../outside/gotcha", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "../outside/gotcha",
			.says = ".." },
		{ .id = "P01",
			.layer = LAYER(file("..", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = ".." },
		{ .id = "P02",
			.layer = LAYER(directory("a"), file("a/../../outside/gotcha", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/../../outside/gotcha" },
		{ .id = "P02",
			.layer = LAYER(directory("a"), file("a/../b", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/../b" },
		{ .id = "P04",
			.layer = LAYER(file("/outside/secret", "x")),
			.tree = "d outside\nf outside/secret =x\n" },
		{ .id = "P04",
			.layer = LAYER(file("///etc//passwd", "x")),
			.tree = "d etc\nf etc/passwd =x\n" },
		{ .id = "P05",
			.layer = LAYER(directory("..", .mode = 0777, .uid = 1000)),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = ".." },
		{ .id = "P05",
			.layer = LAYER(directory("../", .mode = 0777)),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "../" },
		{ .id = "P10",
			.layer = LAYER(file("../rootfs-evil/a", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P11",
			.layer = LAYER(hard_link_to("a", "../rootfs-evil/a")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
		{ .id = "P16",
			.layer = LAYER(directory("foo"), directory("foo/..", .mode = 0777)),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "foo/.." },
		{ .id = "P16",
			.layer = LAYER(directory("foo/../")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P19",
			.layer = LAYER(file("...", "x"), file("..x", "y"), file("x..", "z"),
				file(".hidden", "h"), directory("a..b")),
			.tree = "f ... =x\nf ..x =y\nf .hidden =h\nd a..b\nf x.. =z\n" },
		{ .id = "P20",
			.layer = LAYER(long_name("a/../../outside/gotcha"), file("a", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/../../outside/gotcha" },
		{ .id = "P21",
			.layer = LAYER(pax("path=../outside/gotcha"), file("a", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "../outside/gotcha" },
		{ .id = "P22",
			.layer = LAYER(pax("GNU.sparse.major=1", "GNU.sparse.minor=0",
					       "GNU.sparse.name=../outside/gotcha",
					       "GNU.sparse.realsize=0"),
				file("a", "1\n0\n0\n", .stated_bytes = 0)),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P25",
			.layer = LAYER(file("..\\outside\\x", "x"), file("a\\b", "y")),
			.tree = "f ..\\\\outside\\\\x =x\nf a\\\\b =y\n" },
		{ .id = "P27",
			.layer = LAYER(file("a", "x", .prefix = "..")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "../a" },
		{ .id = "P28",
			.layer = LAYER(symlink_to("up", ".."), file("up/outside/x", "x")),
			.tree = "d outside\nf outside/x =x\nl up -> ..\n" },
		{ .id = "P29",
			.layer = LAYER(pax("linkpath=../outside/secret"), hard_link_to("a", "b")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
		{ .id = "P29",
			.layer = LAYER(long_link("../outside/secret"), hard_link_to("a", "b")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
	};

	(void)state;
	RUN(cases);
}

static void the_rootfs_has_no_name_but_its_own(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "P06",
			.layer = LAYER(
				directory("./", .mode = 0500, .uid = 7, .gid = 8), file("a", "x")),
			.tree = "d . 500 7:8\nf a =x\n" },
		{ .id = "P06",
			.layer = LAYER(directory(".", .mode = 0700), directory("d"),
				file("d/a", "x"), directory("/", .mode = 0711)),
			.tree = "d . 711\nd d\nf d/a =x\n" },
		{ .id = "P07",
			.layer = LAYER(file("", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P07",
			.layer = LAYER(directory("")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P09",
			.layer = LAYER(file(".", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "." },
		{ .id = "P09",
			.layer = LAYER(symlink_to("./", "outside")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P09",
			.layer = LAYER(file("a", ""), hard_link_to(".", "a")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P09", .layer = LAYER(fifo("/")), .strict = EBADMSG, .compat = EBADMSG },
		{ .id = "P30",
			.layer = LAYER(directory("././."), file("./././a", "x")),
			.tree = "f a =x\n" },
	};

	(void)state;
	RUN(cases);
}

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define NAME_255 FIFTY FIFTY FIFTY FIFTY FIFTY "12345"

static void a_name_has_one_spelling(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "P14",
			.layer = LAYER(file("shown", "x", PATCHED({ 5, RAW("\0hidden") }))),
			.tree = "f shown =x\n" },
		{ .id = "P15",
			.layer = LAYER(pax_body(RAW("19 path=good\0hidden\n")), file("a", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P15",
			.layer = LAYER(
				pax_body(RAW("23 linkpath=good\0hidden\n")), symlink_to("a", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P17",
			.layer = LAYER(file("a\nb", "x"), file("\033[31mred", "y"),
				file("t\tab\177", "z")),
			.tree = "f \\x1b[31mred =y\nf a\\nb =x\nf t\\tab\\x7f =z\n" },
		{ .id = "P17",
			.layer = LAYER(file("\033]0;title\007/..", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "\033]0;title\007/.." },
		{ .id = "P24", .layer = LAYER(file("old/", "")), .tree = "d old 644\n" },
		{ .id = "P24",
			.layer = LAYER(file("old/", "", .format = FORMAT_V7, .mode = 0755)),
			.tree = "d old\n" },
		{ .id = "P31",
			.layer = LAYER(file("latin1-\344", "x"), file("utf8-\303\244", "y")),
			.tree = "f latin1-\\xe4 =x\nf utf8-\\xc3\\xa4 =y\n" },
		{ .id = "P32",
			.layer = LAYER(long_name(NAME_255), file("a", "x")),
			.tree = "f " NAME_255 " =x\n" },
		{ .id = "P32",
			.layer = LAYER(long_name(NAME_255 "6"), file("a", "x")),
			.strict = EFBIG,
			.compat = EFBIG,
			.entry = NAME_255 "6" },
		{ .id = "P33",
			.layer = LAYER(file("a", "x", .prefix = "one/two")),
			.tree = "d one\nd one/two\nf one/two/a =x\n" },
		{ .id = "P34",
			.layer = LAYER(directory("d//"), file("d///e////f", "x")),
			.tree = "d d\nd d/e\nf d/e/f =x\n" },
	};

	(void)state;
	RUN(cases);
}

/* One name of so many components. */
static char *deep_name(size_t components)
{
	char *name = malloc(2 * components);

	assert_non_null(name);
	for (size_t i = 0; i < components; i++)
		memcpy(name + 2 * i, "d/", 2);
	name[2 * components - 1] = '\0';
	return name;
}

static void run_deep(const char *id, size_t components, int code)
{
	char *name = deep_name(components);
	char *record = NULL;
	const struct hostile_case hostile = { .id = id, .strict = code, .compat = code };

	assert_true(asprintf(&record, "path=%s", name) > 0);
	const char *const records[] = { record };
	const struct member layer[] = {
		{ .kind = MEMBER_PAX,
			.type_flag = 'x',
			.name = "pax",
			.records = records,
			.count = 1 },
		file("a", "x"),
		END,
	};
	struct tarball tar = tarball_of(layer);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_COMPAT);
	hostile_end();
	tarball_free(&tar);
	free(record);
	free(name);
}

static void a_path_may_be_longer_than_path_max(void **state)
{
	(void)state;
	run_deep("P12", 2500, 0);
	run_deep("P35", 4096, 0);
	run_deep("P35", 4097, EFBIG);
	run_deep("P35", 33000, EFBIG);
}

static void an_entry_below_a_file_is_refused(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "P26",
			.layer = LAYER(file("a", "x"), file("a/b", "y")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/b",
			.says = "no directory" },
		{ .id = "P26",
			.before = LAYER(file("a", "x")),
			.layer = LAYER(directory("a/b/c")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/b/c" },
		{ .id = "P26",
			.layer = LAYER(fifo("a"), file("a/b", "y")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "P26",
			.layer = LAYER(character_device("a", 1, 3), symlink_to("a/b", "y")),
			.strict = EBADMSG,
			.compat = EBADMSG },
	};

	(void)state;
	RUN(cases);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_never_leads_out),
		cmocka_unit_test(the_rootfs_has_no_name_but_its_own),
		cmocka_unit_test(a_name_has_one_spelling),
		cmocka_unit_test(a_path_may_be_longer_than_path_max),
		cmocka_unit_test(an_entry_below_a_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return hostile_main(run);
}
