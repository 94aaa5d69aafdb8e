/* SPDX-License-Identifier: Apache-2.0 */
/* Symlinks and hard links that lead elsewhere, at the time of the open or by their text. */
#include "support/hostile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_symlink_moves_nothing_out_of_the_rootfs(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "L01",
			.layer = LAYER(symlink_to("etc", "/outside"), file("etc/secret", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "etc/secret",
			.says = "leads nowhere" },
		{ .id = "L01",
			.layer = LAYER(directory("outside"), symlink_to("etc", "/outside"),
				file("etc/secret", "x")),
			.tree = "l etc -> /outside\nd outside\nf outside/secret =x\n" },
		{ .id = "L02",
			.layer = LAYER(directory("outside"), symlink_to("a", "../outside"),
				file("a/secret", "x")),
			.tree = "l a -> ../outside\nd outside\nf outside/secret =x\n" },
		{ .id = "L03",
			.layer =
				LAYER(directory("outside"), directory("a"), symlink_to("a/b", ".."),
					symlink_to("a/b/c", "../outside"), file("c/secret", "x")),
			.tree = "d a\nl a/b -> ..\nl c -> ../outside\nd outside\n"
				"f outside/secret =x\n" },
		{ .id = "L04",
			.layer = LAYER(directory("outside"), directory("x"),
				symlink_to("x/y", "/x"), symlink_to("x/y/z", "../../../outside"),
				file("x/z/secret", "x")),
			.tree = "d outside\nf outside/secret =x\nd x\nl x/y -> /x\n"
				"l x/z -> ../../../outside\n" },
		{ .id = "L06",
			.layer = LAYER(symlink_to("loop", "loop"), file("loop/a", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "loop/a",
			.says = "circle" },
		{ .id = "L06",
			.layer =
				LAYER(symlink_to("a", "b"), symlink_to("b", "a"), directory("a/c")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/c" },
		{ .id = "L08",
			.layer = LAYER(symlink_to("up", "../outside"),
				directory("up/.", .mode = 0777, .uid = 1000)),
			.tree = "d up 777 1000:0\n" },
		{ .id = "L08",
			.layer = LAYER(symlink_to("up", "/"), directory("up", .mode = 0700)),
			.tree = "d up 700\n" },
		{ .id = "L26",
			.layer = LAYER(symlink_to("a", "no/where"), file("a/b", "x")),
			.tree = NULL,
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a/b" },
		{ .id = "L28",
			.layer = LAYER(directory("usr"), directory("usr/bin"),
				symlink_to("bin", "usr/bin"), file("bin/sh", "x"),
				symlink_to("lib", "./usr/../usr/bin"), file("lib/ld", "y")),
			.tree = "l bin -> usr/bin\nl lib -> ./usr/../usr/bin\nd usr\nd usr/bin\n"
				"f usr/bin/ld =y\nf usr/bin/sh =x\n" },
		{ .id = "L36",
			.before = LAYER(symlink_to("run", "/var/run"), directory("var"),
				directory("var/run")),
			.layer = LAYER(directory("outside"), file("run/pid", "1"),
				symlink_to("run/x", "/outside"), file("run/x/y", "2")),
			.tree = "d outside\nf outside/y =2\nl run -> /var/run\nd var\nd var/run\n"
				"f var/run/pid =1\nl var/run/x -> /outside\n" },
		{ .id = "L37",
			.layer = LAYER(
				symlink_to("proc", "/proc/self/root"), directory("proc/outside")),
			.tree = NULL,
			.strict = EBADMSG,
			.compat = EBADMSG },
	};

	(void)state;
	RUN(cases);
}

static void a_chain_of_symlinks_has_an_end(void **state)
{
	struct tarball tar = { 0 };
	const struct hostile_case hostile = {
		.id = "L05",
		.strict = EBADMSG,
		.compat = EBADMSG,
		.entry = "link0/a",
	};
	char name[32];
	char target[32];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "link%d", i);
		snprintf(target, sizeof(target), "link%d", i + 1);
		const struct member link = symlink_to(name, target);
		tarball_add(&tar, &link);
	}
	const struct member directory = directory("link60");
	const struct member file = file("link0/a", "x");
	tarball_add(&tar, &directory);
	tarball_add(&tar, &file);
	tarball_add(&tar, &(const struct member)END);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_COMPAT);
	hostile_end();
	tarball_free(&tar);
}

static void what_has_the_name_is_replaced_and_never_followed(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "L09",
			.layer = LAYER(
				file("target", "old"), symlink_to("a", "target"), file("a", "new")),
			.tree = "f a =new\nf target =old\n" },
		{ .id = "L09",
			.before = LAYER(symlink_to("a", "../outside/secret")),
			.layer = LAYER(file("a", "new")),
			.tree = "f a =new\n" },
		{ .id = "L29",
			.layer = LAYER(character_device("full", 1, 7), file("full", "x")),
			.tree = "f full =x\n" },
		{ .id = "L29",
			.before = LAYER(block_device("sda", 8, 0)),
			.layer = LAYER(file("sda", "x")),
			.tree = "f sda =x\n" },
		{ .id = "L30", .layer = LAYER(fifo("f"), file("f", "x")), .tree = "f f =x\n" },
		{ .id = "L30",
			.before = LAYER(fifo("f")),
			.layer = LAYER(file("f", "x")),
			.tree = "f f =x\n" },
		{ .id = "L33",
			.layer = LAYER(directory("d"), file("d/a", "x"),
				symlink_to("d", "../outside"), file("d/b", "y")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "d/b" },
		{ .id = "L33",
			.layer = LAYER(directory("outside"), directory("d"), file("d/a", "x"),
				symlink_to("d", "../outside"), file("d/b", "y")),
			.tree = "l d -> ../outside\nd outside\nf outside/b =y\n" },
		{ .id = "L33",
			.before = LAYER(directory("d"), symlink_to("d/out", "../../outside"),
				directory("d/e"), file("d/e/a", "x")),
			.layer = LAYER(file("d", "plain")),
			.tree = "f d =plain\n" },
		{ .id = "L34",
			.layer = LAYER(symlink_to("d", "../outside"), directory("d"),
				file("d/secret", "x")),
			.tree = "d d\nf d/secret =x\n" },
		{ .id = "L34",
			.before = LAYER(directory("real"), symlink_to("d", "real")),
			.layer = LAYER(directory("d", .mode = 0700), file("d/a", "x")),
			.tree = "d d 700\nf d/a =x\nd real\n" },
		{ .id = "L38",
			.layer = LAYER(file("a", "1"), directory("a"), symlink_to("a", "b"),
				fifo("a"), file("a", "2")),
			.tree = "f a =2\n" },
		{ .id = "L39",
			.layer = LAYER(file("a", "old"), hard_link_to("b", "a"), file("a", "new")),
			.tree = "f a =new\nf b =old\n" },
		{ .id = "L39",
			.before = LAYER(file("a", "old"), hard_link_to("b", "a")),
			.layer = LAYER(file("b", "new", .mode = 0600)),
			.tree = "f a =old\nf b 600 =new\n" },
	};

	(void)state;
	RUN(cases);
}

static void a_hard_link_is_to_what_the_rootfs_has(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "L10",
			.layer = LAYER(hard_link_to("a", "../outside/secret")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
		{ .id = "L10",
			.layer = LAYER(directory("d"), hard_link_to("a", "d/../../outside/secret")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
		{ .id = "L11",
			.layer = LAYER(hard_link_to("a", "/outside/secret")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a",
			.says = "does not exist" },
		{ .id = "L11",
			.layer = LAYER(hard_link_to("a", "/etc/passwd")),
			.strict = EBADMSG,
			.compat = EBADMSG },
		{ .id = "L12",
			.layer = LAYER(
				symlink_to("out", "../outside"), hard_link_to("a", "out/secret")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
		{ .id = "L13",
			.layer = LAYER(symlink_to("s", "/outside/secret"),
				hard_link_to("h", "s", .mode = 0777, .uid = 1000)),
			.tree = "l h x2 -> /outside/secret\nl s x2 -> /outside/secret\n" },
		{ .id = "L13",
			.layer = LAYER(file("target", "x", .mode = 0600), symlink_to("s", "target"),
				hard_link_to("h", "s", .mode = 04777)),
			.tree = "l h x2 -> target\nl s x2 -> target\nf target 600 =x\n" },
		{ .id = "L14",
			.layer = LAYER(file("target", "old"), symlink_to("s", "target"),
				hard_link_to("h", "s", .text = "new")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "h" },
		{ .id = "L15",
			.layer = LAYER(file("a", "old"), hard_link_to("b", "a", .text = "new")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "b",
			.says = "body" },
		{ .id = "L15",
			.layer = LAYER(file("a", "old"), pax("size=3"),
				hard_link_to("b", "a", .text = "new")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "b" },
		{ .id = "L16",
			.layer = LAYER(file("a", "x"), hard_link_to("a", "a")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a",
			.says = "itself" },
		{ .id = "L16",
			.layer = LAYER(file("a", "x"), hard_link_to("./a", "/a")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "./a" },
		{ .id = "L18",
			.layer = LAYER(directory("d"), hard_link_to("h", "d")),
			.strict = EPERM,
			.compat = EPERM,
			.entry = "h",
			.says = "directory" },
		{ .id = "L18",
			.layer = LAYER(hard_link_to("h", "/")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "h" },
		{ .id = "L19",
			.layer = LAYER(hard_link_to("h", "later"), file("later", "x")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "h",
			.says = "it comes later" },
		{ .id = "L25",
			.layer = LAYER(directory("d"), file("d/a", "wrong"), file("a", "right"),
				hard_link_to("d/h", "a")),
			.tree = "f a x2 =right\nd d\nf d/a =wrong\nf d/h x2 =right\n" },
		{ .id = "L31",
			.layer = LAYER(fifo("f"), hard_link_to("h", "f", .text = "data")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "h" },
		{ .id = "L35",
			.layer = LAYER(
				directory("etc"), file("etc/a", "x"), hard_link_to("b", "/etc/a")),
			.tree = "f b x2 =x\nd etc\nf etc/a x2 =x\n" },
		{ .id = "L40",
			.before = LAYER(file("lower", "x")),
			.layer = LAYER(hard_link_to("h", "lower")),
			.tree = "f h x2 =x\nf lower x2 =x\n" },
		{ .id = "L41",
			.layer = LAYER(fifo("f"), character_device("c", 1, 3),
				hard_link_to("f2", "f"), hard_link_to("c2", "c")),
			.tree = "c c 1:3 x2\nc c2 1:3 x2\np f x2\np f2 x2\n" },
		{ .id = "L42",
			.layer = LAYER(file("a", "1"), file("b", "2"), hard_link_to("b", "a"),
				hard_link_to("b", "a")),
			.tree = "f a x2 =1\nf b x2 =1\n" },
		{ .id = "L43",
			.layer = LAYER(directory("d"), file("d/x", "1"), file("a", "2"),
				hard_link_to("d", "a")),
			.tree = "f a x2 =2\nf d x2 =2\n" },
		{ .id = "L44",
			.layer = LAYER(hard_link_to("a", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "a" },
		{ .id = "L45",
			.layer = LAYER(file("a", "x"), hard_link_to("b", "a/")),
			.tree = "f a x2 =x\nf b x2 =x\n" },
	};

	(void)state;
	RUN(cases);
}

static void the_text_of_a_symlink_is_its_own_affair(void **state)
{
	char longest[5001];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[5000] = '\0';
	const struct hostile_case cases[] = {
		{ .id = "L20",
			.layer = LAYER(symlink_to("s", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "s",
			.says = "nothing" },
		{ .id = "L21",
			.layer = LAYER({ .type_flag = 'K',
					       .name = "././@LongLink",
					       .format = FORMAT_GNU,
					       .raw = { longest, sizeof(longest) } },
				symlink_to("s", "short")),
			.strict = EFBIG,
			.compat = EFBIG,
			.entry = "s",
			.says = "link-bytes=4095" },
		{ .id = "L46",
			.layer = LAYER(symlink_to("s", "\033[2J\n")),
			.tree = "l s -> \\x1b[2J\\n\n" },
		{ .id = "L46",
			.layer = LAYER(symlink_to("s", "/../../../outside/secret"),
				symlink_to("t", "//a//b/./..")),
			.tree = "l s -> /../../../outside/secret\nl t -> //a//b/./..\n" },
		{ .id = "L47",
			.layer = LAYER(symlink_to("s", "a", .mode = 0777, .uid = 7, .gid = 8)),
			.tree = "l s 7:8 -> a\n" },
	};
	RUN(cases);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_symlink_moves_nothing_out_of_the_rootfs),
		cmocka_unit_test(a_chain_of_symlinks_has_an_end),
		cmocka_unit_test(what_has_the_name_is_replaced_and_never_followed),
		cmocka_unit_test(a_hard_link_is_to_what_the_rootfs_has),
		cmocka_unit_test(the_text_of_a_symlink_is_its_own_affair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return hostile_main(run);
}
