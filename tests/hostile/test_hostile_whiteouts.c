/* SPDX-License-Identifier: Apache-2.0 */
/* Whiteouts that hide too much, too little, or something else; and what overlayfs would believe. */
#include "support/hostile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OVERLAY .with = { .whiteouts = OAKUM_WHITEOUTS_OVERLAY }
#define USERXATTR .with = { .whiteouts = OAKUM_WHITEOUTS_OVERLAY_USERXATTR }
#define OVERLAY_XATTR \
	.with = { .whiteouts = OAKUM_WHITEOUTS_OVERLAY, .whiteout_form = OAKUM_WHITEOUT_FORM_XATTR }
#define USERXATTR_XATTR                                           \
	.with = { .whiteouts = OAKUM_WHITEOUTS_OVERLAY_USERXATTR, \
		.whiteout_form = OAKUM_WHITEOUT_FORM_XATTR }
#define VERBATIM .with = { .whiteouts = OAKUM_WHITEOUTS_VERBATIM }

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define NAME_252 FIFTY FIFTY FIFTY FIFTY FIFTY "12"

static void a_whiteout_hides_a_name_below(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "W01",
			.layer = LAYER(directory("d"), file("d/.wh..", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "d/.wh..",
			.says = "no name" },
		{ .id = "W02",
			.layer = LAYER(directory("d"), file("d/.wh...", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "d/.wh..." },
		{ .id = "W03",
			.layer = LAYER(directory("d"), file("d/.wh.", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "d/.wh." },
		{ .id = "W03",
			.layer = LAYER(file(".wh.", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			OVERLAY },
		{ .id = "W01",
			.layer = LAYER(file(".wh..", "")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			USERXATTR },
		{ .id = "W03", .layer = LAYER(file(".wh.", "")), .tree = "f .wh.\n", VERBATIM },
		{ .id = "W17",
			.before = LAYER(directory("d"), file("d/a", "1"), file("d/b", "2")),
			.layer = LAYER(file("d/.wh.a", "")),
			.tree = "d d\nf d/b =2\n" },
		{ .id = "W17",
			.before = LAYER(directory("d"), directory("d/e"), file("d/e/f", "1")),
			.layer = LAYER(file(".wh.d", "")),
			.tree = "" },
		{ .id = "W18", .layer = LAYER(file("no/such/.wh.thing", "")), .tree = "" },
		{ .id = "W15",
			.before = LAYER(file("a", "x")),
			.layer = LAYER(file(".wh.a", "data")),
			.strict = EBADMSG,
			.tree = "" },
		{ .id = "W15",
			.before = LAYER(file("a", "x")),
			.layer = LAYER(directory(".wh.a")),
			.strict = EBADMSG,
			.tree = "" },
		{ .id = "W15",
			.before = LAYER(file("a", "x")),
			.layer = LAYER(symlink_to(".wh.a", "../outside/secret")),
			.strict = EBADMSG,
			.tree = "" },
		{ .id = "W14",
			.before = LAYER(directory("a"), file("a/b", "x")),
			.layer = LAYER(directory(".wh.a", .mode = 0700), file(".wh.a/b", "y")),
			.strict = EBADMSG,
			.tree = "d .wh.a\nf .wh.a/b =y\n" },
		{ .id = "W14",
			.layer = LAYER(file(".wh.d/a", "x")),
			.tree = "d .wh.d\nf .wh.d/a =x\n" },
		{ .id = "W16",
			.before = LAYER(long_name(NAME_252), file("a", "x")),
			.layer = LAYER(long_name(".wh." NAME_252), file("a", "")),
			.tree = "" },
		{ .id = "W16",
			.layer = LAYER(long_name(".wh." NAME_252), file("a", "")),
			.tree = "c " NAME_252 " 0:0 0\n",
			OVERLAY },
		{ .id = "W16",
			.layer = LAYER(long_name(".wh." NAME_252 "3456"), file("a", "")),
			.strict = EFBIG,
			.compat = EFBIG },
	};

	(void)state;
	RUN(cases);
}

static void a_whiteout_spares_what_this_layer_brings(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "W04",
			.before = LAYER(directory("d"), file("d/low", "x")),
			.layer = LAYER(
				directory("d"), file("d/new", "y"), file("d/.wh..wh..opq", "")),
			.tree = "d d\nf d/new =y\n" },
		{ .id = "W04",
			.before = LAYER(directory("d"), file("d/low", "x")),
			.layer = LAYER(
				file("d/.wh..wh..opq", ""), directory("d"), file("d/new", "y")),
			.tree = "d d\nf d/new =y\n" },
		{ .id = "W04",
			.before = LAYER(directory("d"), directory("d/e"), file("d/e/low", "x"),
				file("d/low", "x")),
			.layer = LAYER(file("d/e/new", "y"), file("d/.wh..wh..opq", "")),
			.tree = "d d\nd d/e\nf d/e/new =y\n" },
		{ .id = "W05",
			.before = LAYER(file("a", "low")),
			.layer = LAYER(file("a", "new"), file(".wh.a", "")),
			.tree = "f a =new\n" },
		{ .id = "W05",
			.before = LAYER(file("a", "low")),
			.layer = LAYER(file(".wh.a", ""), file("a", "new")),
			.tree = "f a =new\n" },
		{ .id = "W05",
			.layer = LAYER(file("a", "new"), file(".wh.a", "")),
			.tree = "f a =new\n",
			OVERLAY },
		{ .id = "W05",
			.layer = LAYER(file(".wh.a", ""), file("a", "new")),
			.tree = "f a =new\n",
			OVERLAY },
		{ .id = "W05",
			.layer = LAYER(file(".wh.a", ""), symlink_to("a", "b"), fifo("c"),
				file(".wh.c", "")),
			.tree = "l a -> b\np c\n",
			USERXATTR },
		{ .id = "W19",
			.before = LAYER(directory("d"), file("d/low", "x")),
			.layer = LAYER(directory("d"), file("d/new", "y"), file(".wh.d", "")),
			.tree = "d d\nf d/new =y\n" },
		{ .id = "W19",
			.before = LAYER(directory("d"), file("d/low", "x")),
			.layer = LAYER(file("d/new", "y"), file(".wh.d", "")),
			.tree = "d d\nf d/new =y\n" },
		{ .id = "W20",
			.before = LAYER(file("low", "x"), directory("d"), file("d/a", "y")),
			.layer = LAYER(file("new", "z"), file(".wh..wh..opq", "")),
			.tree = "f new =z\n" },
		{ .id = "W21",
			.before = LAYER(file("low", "x"), hard_link_to("peer", "low")),
			.layer = LAYER(hard_link_to("new", "low"), file(".wh.low", "")),
			.tree = "f new x2 =x\nf peer x2 =x\n" },
	};

	(void)state;
	RUN(cases);
}

static void overlayfs_reads_the_same(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "W13",
			.layer = LAYER(file(".wh.d", ""), directory("d"), file("d/a", "x")),
			.tree = "d d trusted.overlay.opaque=y\nf d/a =x\n",
			OVERLAY },
		{ .id = "W13",
			.layer = LAYER(directory("d"), file("d/a", "x"), file(".wh.d", "")),
			.tree = "d d user.overlay.opaque=y\nf d/a =x\n",
			USERXATTR },
		{ .id = "W13",
			.layer = LAYER(file(".wh.d", ""), file("d/a", "x")),
			.tree = "d d trusted.overlay.opaque=y\nf d/a =x\n",
			OVERLAY },
		{ .id = "W13",
			.before = LAYER(directory("d"), file("d/low", "x")),
			.layer = LAYER(file(".wh.d", ""), directory("d"), file("d/a", "y")),
			.tree = "d d\nf d/a =y\n" },
		{ .id = "W22",
			.layer = LAYER(file("d/.wh..wh..opq", ""), file("d/.wh.a", "")),
			.tree = "d d trusted.overlay.opaque=y\n",
			OVERLAY },
		{ .id = "W22",
			.layer = LAYER(file("d/.wh.a", ""), file("d/.wh..wh..opq", "")),
			.tree = "d d user.overlay.opaque=y\n",
			USERXATTR },
		{ .id = "W22",
			.layer = LAYER(file("d/e/.wh.a", ""), file("d/e/f/.wh.b", ""),
				file("d/.wh..wh..opq", ""), file("d/e/.wh.c", "")),
			.tree = "d d user.overlay.opaque=y\nd d/e\nd d/e/f\n",
			USERXATTR },
		{ .id = "W22",
			.layer = LAYER(file("d/e/.wh.a", ""), file("d/e/f/.wh.b", ""),
				file("d/.wh..wh..opq", ""), file("d/e/.wh.c", "")),
			.tree = "d d trusted.overlay.opaque=y\n"
				"d d/e trusted.overlay.opaque=x\n"
				"d d/e/f trusted.overlay.opaque=x\n",
			OVERLAY_XATTR },
		{ .id = "W28",
			.layer = LAYER(file("d/.wh.a", "")),
			.tree = "d d trusted.overlay.opaque=x\n"
				"f d/a 600 trusted.overlay.whiteout=y\n",
			OVERLAY_XATTR },
		{ .id = "W28",
			.layer = LAYER(file("d/.wh.a", ""), file("d/a", "new"), file(".wh.e", ""),
				file("e/new", "x")),
			.tree = "d d user.overlay.opaque=x\nf d/a =new\n"
				"d e user.overlay.opaque=y\nf e/new =x\n",
			USERXATTR_XATTR },
		{ .id = "W29",
			.layer = LAYER(file("d", "x"), directory("d"), file("d/a", "y")),
			.tree = "d d trusted.overlay.opaque=y\nf d/a =y\n",
			OVERLAY },
		{ .id = "W30",
			.layer = LAYER(file(".wh.a", ""), hard_link_to("b", "a")),
			.strict = EBADMSG,
			.compat = EBADMSG,
			.entry = "b",
			.says = "does not exist",
			OVERLAY },
		{ .id = "W31",
			.layer = LAYER(directory("d"), file(".wh..wh..opq", "")),
			.strict = EOPNOTSUPP,
			.entry = ".wh..wh..opq",
			.says = "overlayfs looks for no such mark",
			OVERLAY },
		{ .id = "W17",
			.layer = LAYER(file("d/.wh.a", "")),
			.tree = "d d\nc d/a 0:0 0\n",
			OVERLAY },
		/* What is above a directory is not always what is above it in a name. */
		{ .id = "W33",
			.layer = LAYER(file("a/.wh..wh..opq", ""), directory("b"),
				symlink_to("a/s", "../b"), file("a/s/.wh.x", "")),
			.tree = "d a trusted.overlay.opaque=y\nl a/s -> ../b\n"
				"d b\nc b/x 0:0 0\n",
			OVERLAY },
		{ .id = "W33",
			.layer = LAYER(directory("a/b"), symlink_to("s", "a/b"),
				file("a/.wh..wh..opq", ""), file("s/.wh.x", "")),
			.tree = "d a user.overlay.opaque=y\nd a/b\nl s -> a/b\n",
			USERXATTR },
		{ .id = "W34",
			.layer = LAYER(directory("real"), symlink_to("link", "real"),
				file("link/.wh..wh..opq", "")),
			.tree = "l link -> real\nd real\n",
			OVERLAY },
	};

	(void)state;
	RUN(cases);
}

enum {
	LEVELS = 700,
	FILES = 3000,
};

/*
 * A deep directory, many files in it, and then markers for each directory on the way: if each
 * had all looked through that lies below, it would be a matter of minutes.
 */
static void markers_in_each_other_look_once(void **state)
{
	const struct hostile_case hostile = { .id = "W35",
		.with = { .whiteouts = OAKUM_WHITEOUTS_OVERLAY, .timeout_ms = 15000 } };
	struct tarball tar = { 0 };
	char path[2 * LEVELS + 1];
	char *name = NULL;

	(void)state;
	for (size_t i = 0; i < LEVELS; i++)
		memcpy(path + 2 * i, "d/", sizeof("d/"));
	for (size_t i = 0; i < FILES; i++) {
		assert_true(asprintf(&name, "%sf%zu", path, i) > 0);
		tarball_add_named(&tar, name);
		free(name);
	}
	tarball_add_named(&tar, ".wh.x"); /* there are whiteouts at all */
	for (size_t i = 1; i <= LEVELS; i++) {
		assert_true(asprintf(&name, "%.*s.wh..wh..opq", (int)(2 * i), path) > 0);
		tarball_add_named(&tar, name);
		free(name);
	}
	tarball_add(&tar, &(const struct member)END);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_end();
	tarball_free(&tar);
}

/* Whether a directory is below an opaque one is asked of all above it: of each of them once. */
static void whiteouts_in_a_deep_directory_climb_once(void **state)
{
	enum { DEPTH = 1500, WHITEOUTS = 400 };
	const struct hostile_case hostile = { .id = "W36",
		.with = { .whiteouts = OAKUM_WHITEOUTS_OVERLAY, .timeout_ms = 15000 } };
	struct tarball tar = { 0 };
	char path[2 * DEPTH + 1];
	char *name = NULL;

	(void)state;
	for (size_t i = 0; i < DEPTH; i++)
		memcpy(path + 2 * i, "d/", sizeof("d/"));
	tarball_add_named(&tar, "else/.wh..wh..opq");
	for (int i = 0; i < WHITEOUTS; i++) {
		assert_true(asprintf(&name, "%s.wh.f%d", path, i) > 0);
		tarball_add_named(&tar, name);
		free(name);
	}
	tarball_add(&tar, &(const struct member)END);
	hostile_run_bytes(&hostile, tar.bytes, tar.length, OAKUM_PROFILE_STRICT);
	hostile_end();
	tarball_free(&tar);
}

/* OCI image-spec, layer.md: the attributes of an existing directory are replaced. */
static void a_directory_has_what_its_last_entry_says(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "W32",
			.before = LAYER(pax("SCHILY.xattr.user.old=1", "SCHILY.xattr.user.kept=1"),
				directory("d"), file("d/low", "x"), pax("SCHILY.xattr.user.old=1"),
				directory("e")),
			.layer = LAYER(pax("SCHILY.xattr.user.kept=2"), directory("d"),
				file("e/new", "y")),
			.tree = "d d user.kept=2\nf d/low =x\nd e user.old=1\nf e/new =y\n" },
	};

	(void)state;
	RUN(cases);
}

static void a_whiteout_goes_through_no_symlink(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "L23",
			.layer = LAYER(symlink_to("out", "../outside"), file("out/.wh.secret", "")),
			.tree = "l out -> ../outside\n" },
		{ .id = "L24",
			.layer = LAYER(
				symlink_to("out", "../outside"), file("out/.wh..wh..opq", "")),
			.tree = "l out -> ../outside\n" },
		{ .id = "L23",
			.before = LAYER(
				directory("real"), file("real/a", "x"), symlink_to("link", "real")),
			.layer = LAYER(file(".wh.link", "")),
			.tree = "d real\nf real/a =x\n" },
		{ .id = "L24",
			.before = LAYER(
				directory("real"), file("real/a", "x"), symlink_to("link", "real")),
			.layer = LAYER(file("link/.wh..wh..opq", "")),
			.tree = "l link -> real\nd real\nf real/a =x\n" },
		{ .id = "W25",
			.before = LAYER(directory("d"), symlink_to("d/out", "../../outside"),
				directory("d/e"), symlink_to("d/e/up", "/")),
			.layer = LAYER(file(".wh.d", "")),
			.tree = "" },
	};

	(void)state;
	RUN(cases);
}

static void what_aufs_kept_for_itself_leaves_nothing(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "W06",
			.layer = LAYER(directory(".wh..wh.plnk", .mode = 0700),
				file(".wh..wh.plnk/12.34", "x"), file(".wh..wh.aufs", ""),
				directory(".wh..wh.orph"), file("a", "y")),
			.tree = "f a =y\n" },
		{ .id = "W06",
			.layer = LAYER(directory(".wh..wh.plnk"), file(".wh..wh.aufs", ""),
				file("a", "y")),
			.tree = "f a =y\n",
			OVERLAY },
	};

	(void)state;
	RUN(cases);
}

static void what_overlayfs_believes_is_not_the_layers_to_say(void **state)
{
	const struct hostile_case cases[] = {
		{ .id = "W08",
			.layer = LAYER(
				pax("SCHILY.xattr.trusted.overlay.opaque=y"), directory("etc")),
			.tree = "d etc\n",
			.dropped_xattrs = 1,
			OVERLAY },
		{ .id = "W09",
			.layer = LAYER(pax("SCHILY.xattr.trusted.overlay.redirect=/secret"),
				directory("etc")),
			.tree = "d etc\n",
			.dropped_xattrs = 1,
			OVERLAY },
		{ .id = "W10",
			.layer = LAYER(pax("SCHILY.xattr.trusted.overlay.metacopy=",
					       "SCHILY.xattr.trusted.overlay.redirect=/etc/shadow"),
				file("a", "x")),
			.tree = "f a =x\n",
			.dropped_xattrs = 2,
			OVERLAY },
		{ .id = "W11",
			.layer = LAYER(pax("SCHILY.xattr.user.overlay.opaque=y",
					       "SCHILY.xattr.user.overlay.redirect=/x"),
				directory("d")),
			.tree = "d d\n",
			.dropped_xattrs = 2,
			USERXATTR },
		{ .id = "W11",
			.layer = LAYER(
				pax("LIBARCHIVE.xattr.user.overlay.opaque=eQ=="), directory("d")),
			.tree = "d d\n",
			.dropped_xattrs = 1,
			OVERLAY },
		{ .id = "W11",
			.layer = LAYER(pax("SCHILY.xattr.user.overlay.whiteout=y"), file("a", "")),
			.tree = "f a\n",
			.dropped_xattrs = 1 },
		{ .id = "W26",
			.layer = LAYER(pax("SCHILY.xattr.user.containers.override_stat=0:0:4755"),
				file("a", "", .uid = 7)),
			.tree = "f a 7:0\n",
			.dropped_xattrs = 1,
			VERBATIM },
		{ .id = "W27",
			.layer = LAYER(
				directory("d"), character_device("d/a", 0, 0), file("d/b", "x")),
			.tree = "d d\nf d/b =x\n",
			.dropped_entries = 1,
			OVERLAY },
		{ .id = "W27",
			.layer = LAYER(character_device("a", 0, 0)),
			.tree = "",
			.dropped_entries = 1,
			USERXATTR },
		{ .id = "W27", .layer = LAYER(character_device("a", 0, 0)), .tree = "c a 0:0\n" },
	};

	(void)state;
	RUN(cases);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whiteout_hides_a_name_below),
		cmocka_unit_test(a_whiteout_spares_what_this_layer_brings),
		cmocka_unit_test(overlayfs_reads_the_same),
		cmocka_unit_test(markers_in_each_other_look_once),
		cmocka_unit_test(whiteouts_in_a_deep_directory_climb_once),
		cmocka_unit_test(a_directory_has_what_its_last_entry_says),
		cmocka_unit_test(a_whiteout_goes_through_no_symlink),
		cmocka_unit_test(what_aufs_kept_for_itself_leaves_nothing),
		cmocka_unit_test(what_overlayfs_believes_is_not_the_layers_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return hostile_main(run);
}
